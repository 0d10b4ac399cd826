"""A minimal Debian in a folder, made by mmdebstrap, and what runs in it.

Standard library only; needs root, for chroot and mounts. The folder gets /proc and the sockets of
this machine's X servers, as an installed system has them; the network is this machine's.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIRROR: Final = "http://deb.debian.org/debian"
USER: Final = "player"
X_SOCKETS: Final = "/tmp/.X11-unix"
WITHIN_S: Final = 900.0
"""For one command: apt on a busy machine takes minutes."""


class Failed(Exception):
    """A step did not do what it should; the text says what was seen."""


@dataclass(frozen=True)
class Process:
    """A process inside; `pid` is that of this machine."""

    pid: int
    arguments: tuple[str, ...]


class Root:
    """A system in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, user: str | None = None) -> str:
        """What the command printed. Raises Failed."""
        code, said = self.ended(*command, user=user)
        if code:
            raise Failed(f"{shlex.join(command)} ended with {code}:\n{said}")
        return said

    def ended(self, *command: str, user: str | None = None) -> tuple[int, str]:
        """The command's exit code, and what it printed. Raises Failed where it does not end."""
        try:
            done = subprocess.run(
                self.command(*command, user=user),
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=WITHIN_S,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{shlex.join(command)} did not end in {WITHIN_S:.0f} s") from None
        return done.returncode, done.stdout

    def command(self, *command: str, user: str | None = None, display: str = "") -> list[str]:
        """What runs this command inside; `display`: of an X server, in place of no screen."""
        home = "/root" if user is None else f"/home/{user}"
        screen = f"DISPLAY={display}" if display else "QT_QPA_PLATFORM=offscreen"
        environment = [
            *("env", "-i", f"HOME={home}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
            *("LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", screen),
        ]
        who = [] if user is None else [f"--userspec={user}:{user}"]
        return ["chroot", *who, str(self.folder), *environment, *command]

    def paths(self) -> set[str]:
        """Every path but those that the kernel makes."""
        kernel = [f"-path {each} -prune -o" for each in ("/proc", "/sys", "/dev", X_SOCKETS)]
        command = f"find / -xdev {' '.join(kernel)} -print"
        return set(self.run("sh", "-c", command).splitlines())

    def processes(self) -> list[Process]:
        """All that run inside."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                inside = os.readlink(entry / "root") == str(self.folder)
                words = (entry / "cmdline").read_bytes().split(b"\0")[:-1]
            except OSError:  # it has ended
                continue
            if inside and words:
                found.append(Process(int(entry.name), tuple(map(os.fsdecode, words))))
        return found

    def end_processes(self) -> None:
        """Kill what still runs inside."""
        for each in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)


@contextlib.contextmanager
def fresh_root(suite: str, folder: Path) -> Iterator[Root]:
    """A system with a user; removed again once everything is done, and kept after a failure.

    Raises Failed.
    """
    _unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    make = ["mmdebstrap", "--variant=minbase", "--quiet", suite, str(folder), MIRROR]
    if subprocess.run(make, check=False).returncode:
        raise Failed("mmdebstrap could not make the system; see above.")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    root = Root(folder)
    try:
        _mount("-t", "proc", "proc", str(folder / "proc"))
        sockets = folder / X_SOCKETS.strip("/")
        sockets.mkdir(parents=True, exist_ok=True)
        Path(X_SOCKETS).mkdir(mode=0o1777, exist_ok=True)
        _mount("--bind", X_SOCKETS, str(sockets))
        root.run("useradd", "--create-home", "--shell", "/bin/sh", USER)
        root.run("apt-get", "update", "--quiet=2")
        yield root
    finally:
        root.end_processes()
        _unmount(folder)
    shutil.rmtree(folder)


def _mount(*arguments: str) -> None:
    if subprocess.run(["mount", *arguments], check=False).returncode:
        raise Failed(f"mount {shlex.join(arguments)} failed; this machine may forbid mounts.")


def _unmount(folder: Path) -> None:
    """Whatever is mounted below: removing the folder must reach nothing of this machine."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    below = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{folder}/")]
    for place in reversed(below):
        subprocess.run(["umount", "--lazy", place], check=True)
