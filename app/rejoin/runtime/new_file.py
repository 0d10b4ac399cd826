"""Writes a file that the player asked for, under a name that is still free."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.errors import RejoinError
from rejoin.language import Message

_MOST_NAMES: Final = 1000
_REASONS: Final = {
    errno.ENOSPC: Message("the disk is full"),
    errno.EDQUOT: Message("the disk is full"),
    errno.EACCES: Message("this folder may not be written"),
    errno.EPERM: Message("this folder may not be written"),
    errno.EROFS: Message("this folder may not be written"),
}


@dataclass(frozen=True, slots=True)
class Saved:
    """The whole file is here; `home`: this user's home folder."""

    file: Path
    home: Path


@dataclass(frozen=True, slots=True)
class NotSaved:
    """Why not: one sentence."""

    sentence: str


def write_new_file(folder: Path, name: str, content: bytes) -> Path:
    """Write `name` into the folder, which is made; where it exists, `name-2` and so on.

    Never replaces a file, and leaves no partial file behind. Returns its path. Raises RejoinError.
    """
    wanted = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST_NAMES):
            tail = "" if number == 1 else f"-{number}"
            file = folder / f"{wanted.stem}{tail}{wanted.suffix}"
            with contextlib.suppress(FileExistsError):
                return _written(file, content)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, Message("the disk reports an error"))
        raise RejoinError(Message("Nothing was saved: {reason}.", reason=reason)) from error
    raise RejoinError(Message("Nothing was saved: too many files have this name."))


def _written(file: Path, content: bytes) -> Path:
    """Raises OSError: FileExistsError."""
    with file.open("xb") as made:
        try:
            made.write(content)
            made.flush()
        except BaseException:
            with contextlib.suppress(OSError):
                file.unlink()
            raise
    return file
