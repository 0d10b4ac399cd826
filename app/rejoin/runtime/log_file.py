"""The log on the disk, for a program without a terminal. Redacted, and small.

The newest lines are in `rejoin.log`, those before them in `rejoin.1.log`, in the platform's folder
for logs, for this user alone. Nothing waits for the disk: a thread writes, which starts with the
first line. A disk that is full or read-only costs lines and nothing else.
"""

from __future__ import annotations

import os
import platform
import threading
from collections import deque
from pathlib import Path
from typing import Final

from rejoin.errors import BadInputError
from rejoin.printable import printable_lines
from rejoin.redact import redact
from rejoin.runtime.doctor.privacy import without_homes
from rejoin.runtime.private_files import make_private_folder
from rejoin.runtime.state_folder import log_folder
from rejoin.version import VERSION

NAME: Final = "rejoin.log"
OLDER: Final = "rejoin.1.log"
MAX_BYTES: Final = 512 * 1024
"""Of each of the two files."""
MAX_WAITING: Final = 2000
"""Lines that wait for a slow disk; the oldest go."""
_CLOSE_S: Final = 1.0
_FLAGS: Final = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class LogFile:
    """Appends lines. Every method may be called on any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: the platform's. It is made with the first line."""
        self._folder = folder
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._busy = False
        self._hangs = False
        """Whether a `flush` timed out, and no write has ended since it began."""
        self._closed = False
        self._thread: threading.Thread | None = None

    def add(self, text: str) -> None:
        """Write this line, redacted; returns at once."""
        with self._changed:
            if self._closed:
                return
            if self._thread is None:
                self._waiting.append(_first_line())
                self._thread = threading.Thread(target=self._run, name="log file", daemon=True)
                self._thread.start()
            self._waiting.append(text)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until what was added is written, for a second at most."""
        with self._changed:
            if self._thread is not None:
                self._hangs = True
                if self._changed.wait_for(lambda: not self._waiting and not self._busy, _CLOSE_S):
                    self._hangs = False

    def close(self) -> None:
        """`flush`, and write nothing more. May be called twice. A disk that hung through a whole
        `flush` is not waited for again: `logging` calls both at the end of a program."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = None if self._hangs else self._thread
        if thread is not None:
            thread.join(_CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = self._hangs = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting) or self._closed)
                if not self._waiting:
                    return
                lines, self._busy = list(self._waiting), True
                self._waiting.clear()
            try:
                self._write("".join(f"{_safe(line)}\n" for line in lines))
            except (OSError, BadInputError):
                continue  # in a terminal they are on standard error

    def _write(self, text: str) -> None:
        """The file is opened again each time: another Rejoin may have renamed it meanwhile."""
        folder = self._folder or log_folder()
        make_private_folder(folder)
        file = folder / NAME
        descriptor = os.open(file, _FLAGS, 0o600)
        try:
            os.write(descriptor, text.encode("utf-8", "backslashreplace"))
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        if size > MAX_BYTES:
            file.replace(folder / OLDER)


def _first_line() -> str:
    return f"Rejoin {VERSION}, {platform.system()} {platform.release()} {platform.machine()}"


def _safe(text: str) -> str:
    """Players send this file to others: without secrets, addresses and names of people."""
    return printable_lines(redact(without_homes(text)))
