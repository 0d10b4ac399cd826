"""Runs `rejoin` as a person does: as a separate process, together with all that it starts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TOKEN = "CANARY-player-token-0123456789"
"""The player's token in these tests; it must not occur in anything that a program writes."""

SECRETS = (
    "CANARY",
    "a=ice-pwd",
    "a=ice-ufrag",
    "ice-pwd",
    "fingerprint",
    "candidate:",
    '"sdp"',
    "Bearer ",
)
"""Must not occur in any output or file."""

PATIENCE_S = 180.0
"""Only a hang takes this long, even on a slow machine."""

_PROGRESS = re.compile(r"^[a-z]+(: \d+%| \d+ of \d+, for |: [\d:]+ so far).*\n*", re.MULTILINE)
"""A line of `rejoin.cli.progress`. There is one every half a minute, so only on a slow machine."""

_MARK = "REJOIN_TEST_PROGRAM"
_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended. `code` is negative if an unhandled signal ended it; `err` is without
    progress."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line on standard error, without "rejoin: "; there must be exactly one."""
        lines = self.err.splitlines()
        assert len(lines) == 1, f"expected one line: {self.err!r}"
        assert lines[0].startswith("rejoin: "), self.err
        return lines[0].removeprefix("rejoin: ")

    def assert_no_secrets(self) -> None:
        for text in (self.out, self.err):
            assert "Traceback" not in text, text
            for secret in SECRETS:
                assert secret not in text, f"{secret} in: {text}"


class Program:
    """A running `rejoin` and all the processes that it started."""

    def __init__(self, process: subprocess.Popen[str], mark: str) -> None:
        self.process = process
        self._mark = mark

    @property
    def out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def done(self) -> Done:
        """Wait until it and all that it started have ended."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        result = Done(self.process.returncode, out, _PROGRESS.sub("", err))
        self.wait_until_gone()
        return result

    def wait_until_gone(self) -> None:
        """Wait until neither it nor anything that it started is running."""
        deadline_at = time.monotonic() + PATIENCE_S
        while left := self.running():
            assert time.monotonic() < deadline_at, f"still running: {left}"
            time.sleep(0.05)

    def running(self) -> list[int]:
        """The processes with this program's mark; without /proc, only the program itself."""
        if not Path("/proc/self/environ").exists():
            return [] if self.process.poll() is not None else [self.process.pid]
        found = []
        wanted = f"{_MARK}={self._mark}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue  # it has ended, or belongs to another user
                if wanted in environment.split(b"\0"):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        """Kill everything that is still running."""
        for pid in {*self.running(), self.process.pid}:
            if pid != self.process.pid or self.process.poll() is None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def started(
    *arguments: str,
    environment: Mapping[str, str | None] | None = None,
    before: tuple[str, ...] = (),
    module: tuple[str, ...] = ("rejoin",),
) -> Iterator[Program]:
    """`python -m rejoin ARGUMENTS` without a display, killed at the end if it still runs.

    Its saved state is deleted at the end unless `environment` sets XDG_STATE_HOME.

    `environment`: changes to ours; None removes a variable. `before`: a command that runs it, such
    as one that sets limits. `module`: what Python runs in place of `rejoin`, such as a helper of
    these tests, with arguments of its own before the others.
    """
    mark = uuid.uuid4().hex
    variables: dict[str, str | None] = {
        name: value for name, value in os.environ.items() if not name.startswith("REJOIN_")
    }
    variables |= {"QT_QPA_PLATFORM": "offscreen", "REJOIN_TOKEN": TOKEN, _MARK: mark}
    if module != ("rejoin",):
        path = [str(_TESTS), *filter(None, [variables.get("PYTHONPATH")])]
        variables["PYTHONPATH"] = os.pathsep.join(path)
    with tempfile.TemporaryDirectory(prefix="rejoin-state-") as state:
        variables |= {"XDG_STATE_HOME": state, **(environment or {})}
        process = subprocess.Popen(
            [*before, sys.executable, "-m", *module, *arguments],
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        program = Program(process, mark)
        try:
            yield program
        finally:
            program.end()


def run(
    *arguments: str,
    environment: Mapping[str, str | None] | None = None,
    before: tuple[str, ...] = (),
) -> Done:
    """Run it to its end; checks that it printed no secret and left nothing running."""
    with started(*arguments, environment=environment, before=before) as program:
        done = program.done()
    done.assert_no_secrets()
    return done
