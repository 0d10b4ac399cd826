"""Runs a studio in a separate process: starts it, reads its address, and stops it."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from rejoin.errors import MissingPartError, ServiceError
from rejoin.studio.address import Studio

START_TIMEOUT_S: Final = 30.0
END_TIMEOUT_S: Final = 15.0


@contextmanager
def studio_process(
    *,
    notice_silent_client_s: float,
    connection_timeout_s: float,
    dialect: str = "ours",
    ca_file: Path | None = None,
) -> Iterator[Studio]:
    """A studio that runs as long as the block. With `ca_file` its backend is served over https, and
    the CA certificate to trust is written there.

    If it does not start, raises ServiceError, or MissingPartError when it lacked a package. The
    studio has then printed the reason on the same standard error.
    """
    command = [
        *(sys.executable, "-m", "rejoin", "studio", "--announce"),
        *("--notice-silent-client", str(notice_silent_client_s)),
        *("--connection-timeout", str(round(connection_timeout_s))),
        *("--dialect", dialect),
        *("--backend-port", "0", "--api-port", "0", "--control-port", "0"),
    ]
    if ca_file is not None:
        command += ["--https", str(ca_file)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # Ctrl+C in a terminal must stop only us: the studio has to run until we have disconnected.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = _first_line(process.stdout)
        if not line:
            raise _start_failure(process)
        yield Studio.from_json(line)
    finally:
        process.stdin.close()  # this stops it
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _first_line(out: IO[str]) -> str:
    """The line with the studio's address; empty when the studio ended without one.

    Raises ServiceError if nothing comes in time.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(out.readline()), daemon=True).start()
    try:
        return lines.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        raise ServiceError("The studio did not start in time.") from None


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
