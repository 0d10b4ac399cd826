"""A studio in a process of its own: started, asked where it is, and ended with the block."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rejoin.errors import ServiceError
from rejoin.studio.address import Studio

START_PATIENCE_S = 30.0
END_PATIENCE_S = 15.0


@contextmanager
def studio_process(
    *,
    notice_s: float,
    connection_timeout_s: float,
    dialect: str = "ours",
    authority: Path | None = None,
) -> Iterator[Studio]:
    """A studio that lives as long as the block. `authority`: serve the backend over https, and
    write there whom to trust. Raises ServiceError if it does not start."""
    command = [
        *(sys.executable, "-m", "rejoin", "studio", "--announce"),
        *("--notice", str(notice_s)),
        *("--connection-timeout", str(round(connection_timeout_s))),
        *("--dialect", dialect),
        *("--backend-port", "0", "--api-port", "0", "--control-port", "0"),
    ]
    if authority is not None:
        command += ["--https", str(authority)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # A terminal's Ctrl+C is for us alone: the studio must outlast our goodbye to it.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield Studio.from_json(_first_line(process.stdout))
    finally:
        process.stdin.close()  # which is how it is told to end
        try:
            process.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _first_line(out: IO[str]) -> str:
    """The studio's announcement. Raises ServiceError if it does not come."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(out.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=START_PATIENCE_S)
    except queue.Empty:
        raise ServiceError("The studio did not start in time.") from None
    if not line:
        raise ServiceError("The studio could not start; it says why above.")
    return line
