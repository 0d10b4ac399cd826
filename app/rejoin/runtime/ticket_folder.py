"""Tickets on disk: one small file per stream session, written atomically.

Rule 1: only the player can read the file, and a write leaves the old ticket or the new one
        (`private_files`).
Rule 2: of two writes the newer one wins, even if the older one finishes later.
Rule 3: beside the newest ticket there may be one picture, `KEY.png`, if that ticket allows it. It
        is removed with its ticket, and when another game writes one. A remover deletes the ticket
        first, and a writer of a picture checks for the ticket afterwards, so neither order leaves a
        picture without its ticket.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from rejoin.clock import boot_id, boot_s
from rejoin.core.ids import SessionId
from rejoin.core.ticket import MAX_SESSION_S, MAX_TEXT, Now, Ticket, from_text, to_text
from rejoin.errors import BadInputError
from rejoin.runtime.private_files import (
    NotPrivateError,
    NotRegularError,
    flush_folder,
    make_private_folder,
    read_private,
    temporary_file,
)
from rejoin.runtime.state_folder import state_folder

_SUFFIX: Final = ".ticket"
_KEY_DIGITS: Final = 16
_PICTURE: Final = ".png"
_PICTURE_TMP: Final = ".png.tmp"
_IN_KEYRING: Final = "keyring:"
_MAX_FILES: Final = 100
MAX_PICTURE_BYTES: Final = 2 * 1024 * 1024
"""640 by 640 pixels have 1.2 MB uncompressed."""


def tickets_folder() -> Path:
    """Where this user's tickets are. Raises BadInputError."""
    return state_folder() / "tickets"


def present() -> Now:
    """The present by this machine's clocks."""
    return Now(boot_id(), boot_s(), time.time())


def key_of(backend_url: str, session_id: SessionId) -> str:
    """A stream session's key in file names: 16 hex digits that reveal nothing about it."""
    if re.fullmatch(f"{_IN_KEYRING}[0-9a-f]{{16}}", session_id):
        return session_id.removeprefix(_IN_KEYRING)
    named = f"{backend_url}\n{session_id}".encode("utf-8", "surrogatepass")  # as it was typed
    return hashlib.sha256(named).hexdigest()[:16]


def keyring_reference(backend_url: str, session_id: SessionId) -> SessionId:
    """Written into a ticket instead of a session id that is itself a secret."""
    return SessionId(f"{_IN_KEYRING}{key_of(backend_url, session_id)}")


def _key_of_picture(file: Path) -> str:
    """The key of the ticket to which a picture, or the leftover of its writing, belongs."""
    return file.name.removeprefix(".")[:_KEY_DIGITS]


class TicketFolder:
    """The tickets of one user. May be used from any thread."""

    def __init__(self, folder: Path | None = None, now: Callable[[], Now] = present) -> None:
        self.folder = folder or tickets_folder()
        self.now = now
        self._lock = threading.Lock()
        self._sequence = 0
        self._newest_write: dict[str, int] = {}

    def next_sequence(self) -> int:
        """A sequence number for a write that is about to begin (Rule 2)."""
        with self._lock:
            self._sequence += 1
            return self._sequence

    def write(self, ticket: Ticket, sequence: int | None = None) -> None:
        """Raises OSError."""
        key = key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id)
        sequence = self.next_sequence() if sequence is None else sequence
        make_private_folder(self.folder)
        fresh = self.folder / f".{key}-{os.getpid()}-{sequence}.tmp"
        with temporary_file(fresh, to_text(ticket).encode()), self._lock:
            if sequence < self._newest_write.get(key, 0):
                return
            self._newest_write[key] = sequence
            os.replace(fresh, self._file(key))
        flush_folder(self.folder)
        self._remove_pictures(but=key if ticket.backend.keeps_last_picture else None)

    def remove(self, key: str, sequence: int | None = None) -> None:
        """Remove a ticket, if it exists. Raises OSError."""
        sequence = self.next_sequence() if sequence is None else sequence
        with self._lock:
            self._newest_write[key] = max(sequence, self._newest_write.get(key, 0))
            self._file(key).unlink(missing_ok=True)
        for file in self._pictures():
            if _key_of_picture(file) == key:
                file.unlink(missing_ok=True)

    def write_picture(self, key: str, content: bytes) -> None:
        """Keep a PNG beside ticket `key`, in place of any other, if the ticket exists and allows
        it. Raises OSError."""
        if len(content) > MAX_PICTURE_BYTES or not self._allows_picture(key):
            return
        fresh = self.folder / f".{key}-{os.getpid()}-{self.next_sequence()}{_PICTURE_TMP}"
        kept = self.folder / f"{key}{_PICTURE}"
        with temporary_file(fresh, content):
            os.replace(fresh, kept)
        self._remove_pictures(but=key)
        if not self._allows_picture(key):
            kept.unlink(missing_ok=True)

    def read_picture(self, ticket: Ticket) -> bytes | None:
        """The picture kept beside this ticket; None: there is none that can be used."""
        if not ticket.backend.keeps_last_picture:
            return None
        key = key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id)
        try:
            content = read_private(self.folder / f"{key}{_PICTURE}", MAX_PICTURE_BYTES + 1)
        except OSError:
            return None
        return content if len(content) <= MAX_PICTURE_BYTES else None

    def newest(self) -> Ticket | None:
        """The ticket that was written last; None if there is none.

        Tickets that cannot be used are skipped. Raises BadInputError, with one sentence, if there
        are only such tickets.
        """
        found: list[Ticket] = []
        refused: BadInputError | None = None
        for file in self._files():
            try:
                found.append(self._read(file))
            except BadInputError as error:
                refused = refused or error
        if found:
            now = self.now()
            return max(found, key=lambda ticket: ticket.age_order(now))
        if refused is not None:
            raise refused
        return None

    def sweep(self) -> None:
        """Remove tickets of games that are over, and leftovers of writes after a day."""
        now = self.now()
        for pattern in (f"*{_SUFFIX}", ".*.tmp"):
            with contextlib.suppress(OSError):
                for file in self.folder.glob(pattern):
                    with contextlib.suppress(OSError):
                        if self._is_over(file, now):
                            file.unlink()
        for file in self._pictures():
            if not self._allows_picture(_key_of_picture(file)):
                with contextlib.suppress(OSError):
                    file.unlink()

    def _pictures(self) -> list[Path]:
        """Pictures, and leftovers of their writing."""
        found: list[Path] = []
        with contextlib.suppress(OSError):
            for pattern in (f"*{_PICTURE}", f".*{_PICTURE_TMP}"):
                found.extend(self.folder.glob(pattern))
        return found

    def _remove_pictures(self, *, but: str | None) -> None:
        """Remove all but those of one ticket. Files that cannot be removed are left to `sweep`."""
        for file in self._pictures():
            if _key_of_picture(file) != but:
                with contextlib.suppress(OSError):
                    file.unlink()

    def _allows_picture(self, key: str) -> bool:
        try:
            return self._read(self._file(key)).backend.keeps_last_picture
        except BadInputError:  # also if there is no ticket
            return False

    def _is_over(self, file: Path, now: Now) -> bool:
        """By the ticket's own times; for an unreadable one by the file's. Raises OSError."""
        if file.suffix == _SUFFIX:
            with contextlib.suppress(BadInputError):
                return self._read(file).expired(now)
        return now.unix_s - file.lstat().st_mtime > MAX_SESSION_S

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _files(self) -> Iterator[Path]:
        """Newest first, at most _MAX_FILES."""
        dated = []
        with contextlib.suppress(OSError):
            for file in self.folder.glob(f"*{_SUFFIX}"):
                with contextlib.suppress(OSError):
                    dated.append((file.lstat().st_mtime, file))
        for _, file in sorted(dated, reverse=True)[:_MAX_FILES]:
            yield file

    def _read(self, file: Path) -> Ticket:
        try:
            content = read_private(file, 4 * MAX_TEXT + 1)  # a character has at most four bytes
        except NotRegularError:
            raise BadInputError("The ticket cannot be used: it is not a regular file.") from None
        except NotPrivateError:
            raise BadInputError(
                "The ticket cannot be used: other users can read or write it."
            ) from None
        except OSError:
            raise BadInputError("The ticket cannot be used: it cannot be read.") from None
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise BadInputError("The ticket cannot be used: it is damaged.") from None
        return from_text(text)
