"""An exclusive lock of the OS on a file, which it releases when the process ends, in whatever way.

Tested on Linux; the lock of Windows was not.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_POSIX: Final = sys.platform != "win32"
_POLL_S: Final = 0.01


class FileLock:
    """Held from `acquire` to `release`; the file is removed with it."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, file: Path) -> FileLock | None:
        """None if another process, or another part of this one, holds it. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        while True:
            descriptor = os.open(file, flags, 0o600)
            try:
                if not _locked(descriptor):
                    os.close(descriptor)
                    return None
                if _is_still(file, descriptor):
                    return cls(file, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its holder removed the file after we opened and before we locked

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if _POSIX:  # Windows does not remove open files: there an empty file stays
            with contextlib.suppress(OSError):
                self._file.unlink()
        os.close(descriptor)


@contextlib.contextmanager
def turn_at(path: Path, within_s: float) -> Iterator[None]:
    """Nobody else who asks for the same has a turn at this file meanwhile.

    Without a lock where its folder or file system allows none: that alone stops nobody. Raises
    TimeoutError if another turn is not over `within_s`.
    """
    until = time.monotonic() + within_s
    lock = _acquired(path.with_name(f".{path.name}.lock"), until)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _acquired(file: Path, until: float) -> FileLock | None:
    """None where there can be none. Raises TimeoutError."""
    while True:
        try:
            lock = FileLock.acquire(file)
        except OSError:
            return None
        if lock is not None:
            return lock
        if time.monotonic() >= until:
            raise TimeoutError
        time.sleep(_POLL_S)


def _is_still(file: Path, descriptor: int) -> bool:
    """Whether the path still names the file that was opened."""
    try:
        named = file.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
