"""Small files that only this user can read, each written whole.

Rule 1: a file has mode 0600 in a folder of mode 0700. One that somebody else owns or may read is
        refused.
Rule 2: a write creates a new file, flushes it to the disk and renames it over the old one; a crash
        at any moment leaves the old one or the new one. The renaming is the caller's.

Tested on Linux. Windows has no such modes: there the folder in the user's profile protects the
file, and the checks of Rule 1 are left out.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_POSIX: Final = sys.platform != "win32"
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
"""To open a pipe does not wait for whoever writes into it."""
_OPEN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class NotPrivateError(PermissionError):
    """Other users can read or write the file."""


class NotRegularError(OSError):
    """It is a folder, a link, a pipe or a device."""


def make_private_folder(folder: Path) -> None:
    """Make sure that the folder exists and only this user can use it. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _POSIX:
        return
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder.name} is not a folder of this user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def read_private(file: Path, max_bytes: int) -> bytes:
    """At most `max_bytes` of a file. Raises OSError: NotPrivateError, NotRegularError."""
    descriptor = os.open(file, os.O_RDONLY | _NO_WAIT | _OPEN)
    try:
        found = _regular(descriptor)
        if _POSIX and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
            raise NotPrivateError("other users can read or write it")
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(max_bytes)
    finally:
        os.close(descriptor)


def read_regular(file: Path, max_bytes: int) -> bytes:
    """At most `max_bytes` of a file, where its links lead, whoever may read it. A pipe, which may
    never end, and a device are refused at once. Raises OSError: NotRegularError."""
    with open(file, "rb", opener=_at_once) as opened:
        _regular(opened.fileno())
        return opened.read(max_bytes)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAIT)


def _regular(descriptor: int) -> os.stat_result:
    """Raises OSError: NotRegularError."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise NotRegularError(errno.EINVAL, "not a regular file")
    return found


def write_new(file: Path, content: bytes) -> None:
    """Write a file that must not exist, and flush it to the disk; a partial file is removed. Raises
    OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            file.unlink()
        raise


@contextlib.contextmanager
def temporary_file(file: Path, content: bytes) -> Iterator[None]:
    """`write_new`; at the end the file is removed, unless it was renamed. Raises OSError."""
    try:
        write_new(file, content)
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink()


def flush_folder(folder: Path) -> None:
    """Flush a renaming to the disk, where folders can be flushed."""
    if not _POSIX:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | _OPEN)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
