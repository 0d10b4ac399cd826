"""Tickets on disk: one small file for each stream session, written whole or not at all.

Rule 1: a file is the player's own and nobody else can read it: mode 0600 in a folder of mode 0700.
        What somebody else owns, or may read, is refused.
Rule 2: a write is a new file, flushed to the disk, that then takes the old one's name; a crash at
        any moment leaves the old ticket or the new one.
Rule 3: of two writes the newer wins, however long the older one hung in the disk.

Run on Linux. Windows has no such modes: there the folder in the user's profile protects the file,
and the checks of Rule 1 are left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import platformdirs

from rejoin.core.model import SessionId
from rejoin.core.ticket import MAX_TEXT, OUTLIVED_S, Ticket, from_text, to_text
from rejoin.errors import BadInputError

_SUFFIX: Final = ".ticket"
_IN_KEYRING: Final = "keyring:"
_MAX_FILES: Final = 100
_POSIX: Final = sys.platform != "win32"
_OPEN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def tickets_folder() -> Path:
    """Where tickets of this user are."""
    return platformdirs.user_state_path("rejoin", appauthor=False) / "tickets"


def key_of(backend_url: str, session_id: SessionId) -> str:
    """A stream session's name in file names: 16 hex digits that tell nothing of it."""
    if re.fullmatch(f"{_IN_KEYRING}[0-9a-f]{{16}}", session_id):
        return session_id.removeprefix(_IN_KEYRING)
    return hashlib.sha256(f"{backend_url}\n{session_id}".encode()).hexdigest()[:16]


def in_keyring(backend_url: str, session_id: SessionId) -> SessionId:
    """What stands in a ticket for the id of a session that is itself a secret."""
    return SessionId(f"{_IN_KEYRING}{key_of(backend_url, session_id)}")


def own_folder(folder: Path) -> None:
    """Make a folder that is the player's alone, or raise OSError."""
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


class TicketFolder:
    """The tickets of one user. May be used from any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or tickets_folder()
        self._lock = threading.Lock()
        self._handed = 0
        self._written: dict[str, int] = {}

    def turn(self) -> int:
        """A number for a write that is about to begin (Rule 3)."""
        with self._lock:
            self._handed += 1
            return self._handed

    def write(self, ticket: Ticket, turn: int | None = None) -> None:
        """Raises OSError."""
        key = key_of(ticket.address.backend_url, ticket.state.session_id)
        turn = self.turn() if turn is None else turn
        own_folder(self.folder)
        fresh = self.folder / f".{key}-{os.getpid()}-{turn}.tmp"
        try:
            self._write_new(fresh, to_text(ticket).encode())
            with self._lock:
                if turn < self._written.get(key, 0):
                    return
                self._written[key] = turn
                os.replace(fresh, self._file(key))
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink()
        self._flush_folder()

    def remove(self, key: str, turn: int | None = None) -> None:
        """Forget a ticket; one that is not there is no failure. Raises OSError."""
        turn = self.turn() if turn is None else turn
        with self._lock:
            self._written[key] = max(turn, self._written.get(key, 0))
            self._file(key).unlink(missing_ok=True)

    def newest(self) -> Ticket | None:
        """The ticket that was written last; None if there is none.

        What cannot be used is passed over for one that can. Raises BadInputError, with one
        sentence, when there is nothing else.
        """
        found: list[Ticket] = []
        refused: BadInputError | None = None
        for file in self._files():
            try:
                found.append(self._read(file))
            except BadInputError as error:
                refused = refused or error
        if found:
            return max(found, key=lambda ticket: ticket.wall_s)
        if refused is not None:
            raise refused
        return None

    def sweep(self) -> None:
        """Remove what is a day old: no game lasts longer, and no write does."""
        oldest_s = time.time() - OUTLIVED_S
        for pattern in (f"*{_SUFFIX}", ".*.tmp"):
            with contextlib.suppress(OSError):
                for file in self.folder.glob(pattern):
                    with contextlib.suppress(OSError):
                        if file.lstat().st_mtime < oldest_s:
                            file.unlink()

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _files(self) -> Iterator[Path]:
        """Newest first, and never more than a player could have made."""
        dated = []
        with contextlib.suppress(OSError):
            for file in self.folder.glob(f"*{_SUFFIX}"):
                with contextlib.suppress(OSError):
                    dated.append((file.lstat().st_mtime, file))
        for _, file in sorted(dated, reverse=True)[:_MAX_FILES]:
            yield file

    def _read(self, file: Path) -> Ticket:
        try:
            descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _OPEN)
        except OSError:
            raise BadInputError("The ticket cannot be used: it cannot be read.") from None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise BadInputError("The ticket cannot be used: it is not a file.")
            if _POSIX and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
                raise BadInputError("The ticket cannot be used: others can read or write it.")
            with open(descriptor, "rb", closefd=False) as opened:
                # A character is four bytes at the most.
                content = opened.read(4 * MAX_TEXT + 1)
        except OSError:
            raise BadInputError("The ticket cannot be used: it cannot be read.") from None
        finally:
            os.close(descriptor)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise BadInputError("The ticket cannot be used: it is damaged.") from None
        return from_text(text)

    @staticmethod
    def _write_new(file: Path, content: bytes) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
        with open(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())

    def _flush_folder(self) -> None:
        """The new name is on the disk as well; where folders cannot be flushed, soon."""
        if not _POSIX:
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder, os.O_RDONLY | _OPEN)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
