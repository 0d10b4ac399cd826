"""Walk the first section of docs/testing.md in a fresh Debian, as a tester does, and time it.

    python tests/ten_minutes.py [--suite bookworm] [--wheel FILE] [--ca FILE]

Needs root, mmdebstrap and a network. It is no part of the gate. Each file of the section is saved,
and each command is run, in the order of the text and in two shells, by a user who is not root. The
CI of the section is a shell here: its lines are run as a runner of GitLab does, in one bash that
stops at the first failure. The wheel is made of this checkout unless one is named; that and making
the system are not counted. `--ca`: PEM file with the CAs of this network, where it has its own.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "deb"))

from fresh_root import USER, Root, fresh_root  # noqa: E402
from fresh_root import Failed as Failed  # noqa: E402

PAGE: Final = ROOT / "docs" / "testing.md"
SECTION: Final = "\n## Ten minutes: "
READY: Final = "stops it."
"""The end of what `rejoin studio` says once it serves."""
WITHIN_S: Final = 300.0
"""For one command, whether it says something or not."""
CA: Final = "/network.pem"


@dataclass(frozen=True)
class Save:
    """A file to be saved."""

    name: str
    content: str


@dataclass(frozen=True)
class Run:
    """Commands of the first terminal, or of the `second`."""

    commands: str
    second: bool = False


@dataclass(frozen=True)
class Restart:
    """The second terminal: what runs there is stopped, and this is run."""

    command: str


Part = Save | Run | Restart


@dataclass(frozen=True)
class Step:
    """A numbered paragraph of the section."""

    title: str
    parts: tuple[Part, ...]


def section(page: str) -> str:
    """The section, without its heading."""
    found = page.partition(SECTION)[2].partition("\n## ")[0]
    if not found:
        raise Failed("The page has no such section.")
    return found


def steps_of(text: str) -> tuple[Step, ...]:
    """What the section tells a tester to do."""
    found = re.split(r"^\*\*(\d+\. [^*]+?)\.?\*\*", text, flags=re.MULTILINE)[1:]
    return tuple(
        Step(title, tuple(_parts(body)))
        for title, body in zip(found[::2], found[1::2], strict=True)
    )


def _parts(body: str) -> Iterator[Part]:
    begun = 0
    for block in re.finditer(r"^```(\w+)\n(.*?)^```", body, re.MULTILINE | re.DOTALL):
        before = body[begun : block.start()]
        begun = block.end()
        again = re.search(r"start it again with `([^`]+)`", before)
        if again:
            yield Restart(again[1])
        saved = re.search(r"Save this as `([^`]+)`", before)
        if saved:
            yield Save(saved[1], block[2])
            run = re.search(r"and run `([^`]+)`", before)
            if run:
                yield Run(run[1])
        elif block[1] == "sh":
            yield Run(block[2], second="second terminal" in before)


# --- a fresh system -------------------------------------------------------------------------------


class Tester:
    """A user of the system who is not root."""

    def __init__(self, root: Root, ca: Path | None) -> None:
        self._root = root
        self.home = root.folder / "home" / USER
        self._environment = [f"USER={USER}"]
        if ca is not None:
            shutil.copy(ca, root.folder / CA.lstrip("/"))
            self._environment.append(f"PIP_CERT={CA}")

    def run(self, script: str) -> None:
        """Raises Failed."""
        self._root.run(*self._words("sh", "-c", script), user=USER)

    def ended(self, script: str) -> tuple[int, str]:
        """The exit code, and what was said. Raises Failed where it does not end."""
        return self._root.ended(*self._words("sh", "-c", script), user=USER)

    def shell(self) -> Shell:
        """In the folder of the try."""
        words = self._words("bash", "-c", f"cd /home/{USER}/try && exec bash")
        return Shell(self._root.command(*words, user=USER))

    def _words(self, *command: str) -> list[str]:
        # A background job of a shell ignores Ctrl+C, and so would all that it starts. What a root
        # sets for its proofs, a tester has not set.
        unset = ["--unset=QT_QPA_PLATFORM", "--unset=DEBIAN_FRONTEND"]
        return ["env", "--default-signal=INT", *unset, *self._environment, *command]


class Shell:
    """A shell to which commands are typed."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._said: queue.Queue[str | None] = queue.Queue()
        """Lines; None: there are no more."""
        self._listening = threading.Thread(target=self._listen, name="shell", daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._said.put(line.rstrip("\n"))
        self._said.put(None)

    def type(self, commands: str) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(commands.rstrip("\n") + "\n")
        stdin.flush()

    def until(self, end: str) -> list[str]:
        """What is said until a line that ends so, which is printed. Raises Failed."""
        said: list[str] = []
        until_at = time.monotonic() + WITHIN_S
        while True:
            try:
                line = self._said.get(timeout=max(0.0, until_at - time.monotonic()))
            except queue.Empty:
                raise Failed(f"It did not say {end!r} within {WITHIN_S:g} s.") from None
            if line is None:
                raise Failed(f"The shell ended without saying {end!r}.")
            said.append(line)
            print(f"    {line}", flush=True)
            if line.endswith(end):
                return said

    def run(self, commands: str) -> tuple[int, list[str]]:
        """The exit code of the last command, and what was said."""
        self.type(f"{commands.rstrip()}\necho ended with $? :end:")
        said = self.until(":end:")
        return int(said[-1].split()[2]), said[:-1]

    def interrupt(self) -> None:
        """Ctrl+C in its terminal, which reaches every process there but the shell itself. Waits
        until they have ended: they read what is typed. Raises Failed."""
        for child in self._children():
            os.kill(child, signal.SIGINT)
        until_at = time.monotonic() + WITHIN_S
        while self._children():
            if time.monotonic() > until_at:
                raise Failed("What was interrupted did not end.")
            time.sleep(0.1)

    def _children(self) -> list[int]:
        session = str(self._process.pid)
        found = subprocess.run(
            ["pgrep", "--session", session], check=False, capture_output=True, text=True
        )
        return [int(child) for child in found.stdout.split() if child != session]

    def close(self) -> None:
        """End the shell and all that still runs in it."""
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._listening.join()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()


# --- the try --------------------------------------------------------------------------------------


def take(step: Step, folder: Path, first: Shell, second: Shell) -> list[str]:
    """Do what a step says. `folder`: of the try. Returns what was said in the first terminal.

    Raises Failed.
    """
    said: list[str] = []
    for part in step.parts:
        match part:
            case Save(name, content):
                file = folder / name
                file.write_text(content, encoding="utf-8")
                shutil.chown(file, file.parent.stat().st_uid, file.parent.stat().st_gid)
            case Run(commands, second=True):
                second.type(commands)
                second.until(READY)
            case Restart(command):
                second.interrupt()
                second.type(command)
                second.until(READY)
            case Run(commands):
                code, new = first.run(commands)
                said += new
                if code:
                    raise Failed(f"{step.title}: ended with {code}.")
    return said


def expect(step: Step, said: list[str]) -> None:
    """What the text says that is seen. Raises Failed."""
    wanted = {"5": ("Within the budget.", "0"), "6": ("OVER BUDGET", "1")}
    words, code = wanted.get(step.title[:1], ("", ""))
    if words and not (any(words in line for line in said) and said[-1] == code):
        raise Failed(f"{step.title}: it did not say {words} and {code}.")


def script_of(ci: str) -> str:
    """The script of the section's CI as a runner of GitLab makes it: one shell, which stops at the
    first line that fails."""
    (job,) = yaml.safe_load(ci).values()
    return "\n".join(["set -eo pipefail", "trap 'kill $(jobs -p)' EXIT", *job["script"], ""])


def pipeline(tester: Tester, wheel: str, *, good: bool = False) -> int:
    """Its exit code in a fresh environment, for the build of the section, or for a `good` one.

    Raises Failed where it does not end.
    """
    again = (
        f"cd /home/{USER} && rm -rf ci && mkdir ci && cp try/*.toml try/*.py try/.gitlab-ci.yml ci"
    )
    tester.run(f"{again} && python3 -m venv ci/image")
    folder = tester.home / "ci"
    script = script_of((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    (folder / "script.sh").write_text(script, encoding="utf-8")
    if good:
        (folder / "build.toml").write_text("create_latency_s = 0\n", encoding="utf-8")
    code, said = tester.ended(
        f"cd /home/{USER}/ci && . image/bin/activate && "
        f"REJOIN_WHEEL_URL=file:///home/{USER}/try/{wheel} CI_COMMIT_SHORT_SHA=abc1234 "
        "bash script.sh"
    )
    print(said, flush=True)
    return code


def walk(suite: str, wheel: Path, ca: Path | None) -> list[tuple[str, float]]:
    """The time of each step, in seconds. Raises Failed."""
    text = section(PAGE.read_text(encoding="utf-8"))
    times: list[tuple[str, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="rejoin-tester-") as made,
        fresh_root(suite, Path(made).resolve() / "root") as root,
        ExitStack() as stack,
    ):
        tester = Tester(root, ca)
        load = f"load {os.getloadavg()[0]:.1f} at the start"
        print(f"{suite}, {os.cpu_count()} processors, {load}", flush=True)

        def timed(title: str, began_at: float) -> None:
            times.append((title, time.monotonic() - began_at))
            print(f"== {title}: {times[-1][1]:.0f} s", flush=True)

        began_at = time.monotonic()
        packages = re.findall(r"`apt install ([^`]+)`", text)
        if len(packages) != 1:
            raise Failed("The section does not say once what a bare Debian needs.")
        root.run("sh", "-c", f"apt-get -qq update && apt-get -qq -y install {packages[0]}")
        timed("0. what a bare Debian needs", began_at)
        folder = tester.home / "try"
        tester.run(f"mkdir /home/{USER}/try")
        shutil.copy(wheel, folder / wheel.name)
        first, second = tester.shell(), tester.shell()
        stack.callback(first.close)
        stack.callback(second.close)
        for step in steps_of(text):
            began_at = time.monotonic()
            expect(step, take(step, folder, first, second))
            if step.title.startswith("8."):
                second.interrupt()
                if pipeline(tester, wheel.name) != 1:
                    raise Failed("The pipeline of the build that got worse did not end with 1.")
            timed(step.title, began_at)
        began_at = time.monotonic()
        if pipeline(tester, wheel.name, good=True) != 0:
            raise Failed("The pipeline of the good build did not pass.")
        timed("after it: the pipeline of the good build passes", began_at)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description="Walk the first section of docs/testing.md.")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--ca", type=Path)
    arguments = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("This needs root and mmdebstrap.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as dist:
        wheel = arguments.wheel
        if wheel is None:
            make = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
            subprocess.run([*make, "--wheel-dir", dist, str(ROOT)], check=True)
            [wheel] = Path(dist).glob("*.whl")
        try:
            times = walk(arguments.suite, wheel, arguments.ca)
        except Failed as failed:
            print(f"FAILED: {failed}", file=sys.stderr)
            return 1
    for title, seconds in times:
        print(f"{seconds:7.0f} s  {title}")
    print(f"{sum(seconds for _, seconds in times[:-1]):7.0f} s  to a failing build")
    return 0


if __name__ == "__main__":
    sys.exit(main())
