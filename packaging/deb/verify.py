"""Prove the Debian package in fresh minimal systems, as players meet it.

    .venv/bin/python packaging/deb/verify.py PACKAGE [--suite bookworm] [--suite trixie]
                                             [--older PACKAGE] [--work FOLDER]

For each suite mmdebstrap makes a root. In it apt installs the package with what it depends on. As
an unprivileged user it proves itself (`rejoin doctor --selftest`), opens a link by xdg-open, and
plays against an emulator *outside* that root: the connection is cut and has to come back into the
same game. Then the package is installed again (`--older`: over this one). Its probe decodes by
VA-API on a stand-in for a graphics card (stand_in_driver.c), and refuses one that is wrong or
crashes. A libavutil that was made elsewhere is put in the place of its own, and is the one that
runs (LGPL-2.1, 6). Removed, nothing of it is left, and the user's files are. Prints a line a step,
and ends with 1 where one fails.

Needs root (for chroot), mmdebstrap, a C compiler with libva-dev, the folder `build` in which the
package was made, and Debian's archive. Not in the gate.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from av.packet import Packet

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.hardware_probe import clip
from rejoin.studio.address import Studio

HERE: Final = Path(__file__).resolve().parent

MIRROR: Final = "http://deb.debian.org/debian"
USER: Final = "player"
PATIENCE_S: Final = 90.0
KEPT: Final = (".config/rejoin/settings.toml", ".local/state/rejoin/kept-by-the-test")
"""Files of the user that installing and removing must not touch."""


class Failed(Exception):
    """A step did not do what it should; the text says what was seen."""


def step(suite: str, text: str) -> None:
    print(f"{suite}: {text}", flush=True)


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
        """The command's exit code, and what it printed."""
        done = subprocess.run(
            self.command(*command, user=user),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        return done.returncode, done.stdout

    def command(self, *command: str, user: str | None = None) -> list[str]:
        home = "/root" if user is None else f"/home/{user}"
        environment = [
            *("env", "-i", f"HOME={home}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
            *("LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "QT_QPA_PLATFORM=offscreen"),
        ]
        who = [] if user is None else [f"--userspec={user}:{user}"]
        return ["chroot", *who, str(self.folder), *environment, *command]

    def files(self) -> set[str]:
        """Every path outside what a package manager and the user write anyway."""
        skipped = ("/proc", "/sys", "/dev", "/tmp", "/var", "/home", "/run", "/root")
        found = self.run("find", "/", "-xdev", "-not", "-type", "d")
        return {line for line in found.splitlines() if not line.startswith(skipped)}


def make_root(suite: str, folder: Path) -> Root:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--quiet", suite, str(folder), MIRROR], check=True
    )
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    root = Root(folder)
    root.run("useradd", "--create-home", "--shell", "/bin/sh", USER)
    root.run("apt-get", "update", "--quiet=2")
    return root


def install(root: Root, package: Path) -> None:
    shutil.copy(package, root.folder / "tmp" / package.name)
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/tmp/{package.name}")


def opens_links(root: Root) -> None:
    """xdg-open, given a link, starts Rejoin with it: seen by a stand-in for its program's name."""
    asked = root.run("xdg-mime", "query", "default", "x-scheme-handler/rejoin", user=USER).strip()
    if asked != "rejoin.desktop":
        raise Failed(f"rejoin:// links are opened by {asked or 'nothing'}")
    entry = (root.folder / "usr/share/applications/rejoin.desktop").read_text(encoding="utf-8")
    if "\nExec=rejoin home %u\n" not in entry:
        raise Failed("the menu entry does not pass links on")
    link = "rejoin://play?backend=https%3A%2F%2Fplay.example"
    # There is no such display, and the program says so: it was started.
    tried = subprocess.run(
        root.command(
            "sh", "-c", f"env -u QT_QPA_PLATFORM DISPLAY=:99 xdg-open '{link}' 2>&1", user=USER
        ),
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    if "display" not in tried.stdout:
        raise Failed(f"xdg-open did not start Rejoin: {tried.stdout}")


def probes_hardware(root: Root) -> None:
    """The probe accepts a card that decodes right and refuses others; the doctor says which is
    used, and outlives a driver that crashes. The card is a stand-in, the rest is real."""
    place = "/opt/stand-in"
    folder = root.folder / place.strip("/")
    folder.mkdir()
    driver = "stand_in_drv_video.so"
    source = str(HERE / "stand_in_driver.c")
    compiler = ("cc", "-shared", "-fPIC", "-O2", "-w")
    subprocess.run([*compiler, "-o", str(folder / driver), source], check=True)
    codec = open_codec()
    with (folder / "pictures.nv12").open("wb") as file:
        for packet in clip():
            [frame] = codec.decode(Packet(packet))
            file.write(frame.to_ndarray(format="nv12").tobytes())
    node = root.folder / "dev/dri/renderD128"
    node.parent.mkdir(parents=True)
    os.mknod(node, stat.S_IFCHR, os.makedev(1, 3))
    node.chmod(0o666)
    card = (
        *("env", f"LD_PRELOAD={place}/{driver}", f"LIBVA_DRIVERS_PATH={place}"),
        *("LIBVA_DRIVER_NAME=stand_in", f"STAND_IN_PICTURES={place}/pictures.nv12"),
    )
    probe = ("rejoin", "--child-program", "hardware-probe", "vaapi")
    seen_as = {
        "": (0, ""),
        "wrong": (1, "its pictures differ from those decoded in software"),
    }
    for fault, (code, words) in seen_as.items():
        ended, said = unhurried(root, *card, f"STAND_IN_FAULT={fault}", *probe)
        if ended != code or words not in said:
            raise Failed(f"with a card that is {fault or 'right'} the probe said: {said}")
    for fault, words in (("", "(vaapi)"), ("crash", "in software")):
        doctor = (f"STAND_IN_FAULT={fault}", "rejoin", "doctor", "--json")
        _, said = unhurried(root, *card, *doctor)
        report = json.loads(said[said.index("{") :])
        [found] = (each["found"] for each in report["checks"] if each["check"] == "decoder")
        if words not in found:
            raise Failed(f"with a card that is {fault or 'right'} the doctor said: {found}")
    shutil.rmtree(node.parent)
    shutil.rmtree(folder)


def unhurried(root: Root, *command: str) -> tuple[int, str]:
    """As `Root.ended` for the user; again while a busy machine makes the stand-in too slow."""
    until = time.monotonic() + PATIENCE_S
    while True:
        code, said = root.ended(*command, user=USER)
        if "it is slow" not in said or time.monotonic() > until:
            return code, said


def library_can_be_replaced(root: Root, work: Path) -> str:
    """Put a libavutil of another build in the place of the package's; returns what then runs."""
    recipe = [sys.executable, str(HERE.parent / "ffmpeg" / "build.py"), "--replacement"]
    made = subprocess.run(
        [*recipe, str(work / "replacement")], check=True, stdout=subprocess.PIPE, text=True
    )
    other = Path(made.stdout.strip())
    ours = root.folder / "usr/lib/rejoin/_internal" / other.name
    kept = ours.with_name(other.name + ".kept")
    ours.rename(kept)
    shutil.copyfile(other, ours)
    [line] = (
        each
        for each in root.run("rejoin", "licences", user=USER).splitlines()
        if "is loaded" in each
    )
    if "-replaced is loaded" not in line:
        raise Failed(f"in place of the library that was put there: {line}")
    root.run("rejoin", "doctor", "--selftest", user=USER)
    kept.replace(ours)
    return line


def drop_and_rejoin(root: Root) -> str:
    """Play against an emulator outside of the root; returns what was seen."""
    with studio() as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        (root.folder / "tmp/token").write_text(there.player_token, encoding="ascii")
        command = ("rejoin", "play", there.backend_url, "--network", "loopback")
        rest = ("--token-file", "/tmp/token", "--close-at-end", "--decoder", "software")
        with subprocess.Popen(root.command(*command, *rest, user=USER)) as playing:
            try:
                session = seen(lambda: playing_session(control), "a game that is played")
                control.inject(Fault(FaultKind.SILENCE))
                started = time.monotonic()
                seen(lambda: rejoined(control, session), "the way back into the game")
                took = time.monotonic() - started
            finally:
                playing.terminate()
        return f"back in the same game {took:.1f} s after the connection was cut"


def playing_session(control: BlockingEmulatorControl) -> dict[str, Any] | None:
    for session in control.state()["sessions"]:
        if session["status"] == "CONNECTED":
            return dict(session)
    return None


def rejoined(control: BlockingEmulatorControl, before: dict[str, Any]) -> dict[str, Any] | None:
    """The session, once it was left and is connected again. Raises Failed for another one."""
    session = playing_session(control)
    if session is None or len(session["history"]) <= len(before["history"]):
        return None
    if session["session"] != before["session"]:
        raise Failed("another game was started")
    return session


def seen(look: Callable[[], dict[str, Any] | None], what: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise Failed(f"{what} was not seen within {PATIENCE_S:.0f} s")


@contextmanager
def studio() -> Iterator[Studio]:
    ports = ("--backend-port", "0", "--api-port", "0", "--control-port", "0")
    command = [sys.executable, "-P", "-m", "rejoin", "studio", "--announce", *ports]
    # It ends with its standard input.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as running:
        try:
            assert running.stdout is not None
            yield Studio.from_json(running.stdout.readline())
        finally:
            running.terminate()


def verify(suite: str, package: Path, older: Path, work: Path) -> None:
    root = make_root(suite, work / suite)
    step(suite, "a minimal system was made")
    install(root, older)
    step(suite, f"{older.name} is installed with what it depends on")
    root.run("rejoin", "doctor", "--selftest", user=USER)
    step(suite, "rejoin doctor --selftest passes")
    opens_links(root)
    step(suite, "xdg-open opens rejoin:// links with Rejoin")
    step(suite, drop_and_rejoin(root))
    for name in KEPT:
        root.run("sh", "-c", f"mkdir -p ~/{os.path.dirname(name)} && touch ~/{name}", user=USER)
    install(root, package)
    root.run("rejoin", "doctor", "--selftest", user=USER)
    step(suite, f"upgraded to {package.name}, which passes its self-test")
    probes_hardware(root)
    step(suite, "the hardware probe accepts a stand-in for a card, and refuses a wrong one")
    step(suite, f"with another libavutil: {library_can_be_replaced(root, work)}")
    if "GPL-3.0" not in root.run("rejoin", "licences", "--full", user=USER):
        raise Failed("rejoin licences --full has no texts")
    bill = json.loads(root.run("rejoin", "licences", "--sbom", user=USER))
    step(suite, f"rejoin licences prints a bill of {len(bill['components'])} components")
    listed = root.run("dpkg-query", "--listfiles", "rejoin").splitlines()
    root.run("apt-get", "purge", "-y", "-qq", "rejoin")
    left = root.files() & set(listed)
    left |= {path for path in root.files() if "rejoin" in path}
    if left:
        raise Failed("removing it left " + ", ".join(sorted(left)[:10]))
    missing = [name for name in KEPT if not (root.folder / "home" / USER / name).exists()]
    if missing:
        raise Failed(f"the user lost {missing}")
    step(suite, "removed without leftovers; the user's files are there")


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove the Debian package in fresh systems.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--suite", action="append")
    parser.add_argument("--older", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/verify"))
    arguments = parser.parse_args()
    try:
        for suite in arguments.suite or ("bookworm", "trixie"):
            older = arguments.older or arguments.package
            verify(suite, arguments.package, older, arguments.work.resolve())
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
