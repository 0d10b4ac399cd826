"""Runs a studio in a separate process: starts it, reads its address, and stops it.

The child stops when our end of its standard input closes, which the operating system does as well
when we are killed.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from rejoin.child_program import program_command
from rejoin.errors import MissingPartError, ServiceError
from rejoin.language import Message
from rejoin.studio.address import Studio

START_TIMEOUT_S: Final = 180.0
"""A child that is alive and still loads is waited for: on a busy machine its imports alone took
more than 30 s. This is where it is taken to hang."""
PROGRESS_EVERY_S: Final = 5.0
END_TIMEOUT_S: Final = 15.0

OnWait = Callable[[float], None]
"""Called every `PROGRESS_EVERY_S` while the studio is still loading, with the seconds so far."""


class StudioProcess:
    """A studio in a process of its own. `start` blocks; `stop` may be called on any thread, also
    while it starts, and more than once."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._serves = False
        """It has announced its address: from then on it stops by itself, and ends its games."""

    def start(self, on_wait: OnWait = lambda waited_s: None) -> Studio:
        """Start it and wait for its address. To be called once.

        If it does not start, raises ServiceError, or MissingPartError when it lacked a package. The
        studio has then printed the reason on the same standard error.
        """
        with self._lock:
            if self._stopped:
                raise ServiceError(Message("The studio was stopped before it had started."))
            process = self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                # Ctrl+C in a terminal must stop only us: the studio has to run until we have
                # disconnected.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        assert process.stdout is not None
        line = first_line(process.stdout, on_wait)
        if self._stopped:
            raise ServiceError(Message("The studio was stopped before it had started."))
        if not line:
            raise _start_failure(process)
        self._serves = True
        return Studio.from_json(line)

    def stop(self) -> None:
        """Stop it and wait for its end; one that hangs, or is still loading, is killed."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()  # this stops it
        if not self._serves:
            process.kill()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Stop it and free what is left; for the thread that started it."""
        self.stop()
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()


def studio_command(
    *,
    notice_silent_client_s: float,
    connection_timeout_s: float,
    dialect: str = "ours",
    ca_file: Path | None = None,
) -> list[str]:
    """The command line of a studio on free ports that announces its address."""
    command = [
        *(*program_command(), "studio", "--announce"),
        *("--notice-silent-client", str(notice_silent_client_s)),
        *("--connection-timeout", str(round(connection_timeout_s))),
        *("--dialect", dialect),
        *("--backend-port", "0", "--api-port", "0", "--control-port", "0"),
    ]
    return command if ca_file is None else [*command, "--https", str(ca_file)]


@contextmanager
def studio_process(
    *,
    notice_silent_client_s: float,
    connection_timeout_s: float,
    dialect: str = "ours",
    ca_file: Path | None = None,
    on_wait: OnWait = lambda waited_s: None,
) -> Iterator[Studio]:
    """A studio that runs as long as the block. With `ca_file` its backend is served over https, and
    the CA certificate to trust is written there. Raises as `StudioProcess.start` does."""
    process = StudioProcess(
        studio_command(
            notice_silent_client_s=notice_silent_client_s,
            connection_timeout_s=connection_timeout_s,
            dialect=dialect,
            ca_file=ca_file,
        )
    )
    try:
        yield process.start(on_wait)
    finally:
        process.close()


def first_line(out: IO[str], on_wait: OnWait) -> str:
    """The line with the studio's address; empty when the studio ended without one.

    Raises ServiceError if nothing comes in `START_TIMEOUT_S`.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(out.readline()), daemon=True).start()
    began_at = time.monotonic()
    while (waited_s := time.monotonic() - began_at) < START_TIMEOUT_S:
        if waited_s >= PROGRESS_EVERY_S:
            on_wait(waited_s)
        try:
            return lines.get(timeout=min(PROGRESS_EVERY_S, START_TIMEOUT_S - waited_s))
        except queue.Empty:
            continue
    raise ServiceError(
        Message(
            "The studio did not start within {seconds} s.",
            seconds=round(START_TIMEOUT_S),
        )
    )


def _start_failure(process: subprocess.Popen[str]) -> ServiceError | MissingPartError:
    """The error for a studio that has ended, or is ending, without an address."""
    sentence = "The studio could not start; see the message above."
    try:
        code = process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        code = None
    if code == MissingPartError.exit_code:
        return MissingPartError(sentence)
    return ServiceError(sentence)
