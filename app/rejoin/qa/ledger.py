"""The ledger of sessions that a test run has started: each is noted before it starts.

Rule 1: an entry is one file, written before the session is started and removed when it is known to
        be over. So every session that may still run is in the ledger, whatever happens.
Rule 2: a run holds a lock of the OS. An entry whose run holds none is left over.
Rule 3: no token is in the ledger. Nor is a session's id where it is a secret (`aws-bundle`): such
        a session can only be ended while its run or its guardian lives. After that it ends by
        itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rejoin.errors import BadInputError
from rejoin.qa.files import try_to_write
from rejoin.runtime.instance import Instance, is_taken
from rejoin.runtime.private_files import make_private_folder, read_private
from rejoin.runtime.state_folder import keep_file, state_folder

MAX_FILE: Final = 16 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_SUFFIX: Final = ".session.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One session. `key`: unique. `session_id`: None: not known yet, or a secret."""

    key: str
    run: str
    case: str
    backend_url: str
    dialect: str
    started_unix_s: float
    session_id: str | None = None

    @property
    def age_s(self) -> float:
        return max(0.0, time.time() - self.started_unix_s)


def default_folder() -> Path:
    """Where the ledger of this user is. Raises BadInputError where there is no home folder."""
    return state_folder() / "qa"


class Ledger:
    """The entries in a folder. May be used on any thread and in any process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Before a run that costs money. Raises BadInputError where nothing can be written."""
        try:
            make_private_folder(self._folder)
            try_to_write(self._folder)
        except OSError as error:
            raise self._unusable(error) from error

    def note(self, entry: Entry) -> None:
        """Write an entry, or replace it. Raises BadInputError: without it no session is started."""
        try:
            make_private_folder(self._folder)
            keep_file(self._file(entry.key), json.dumps(asdict(entry)) + "\n")
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> BadInputError:
        why = error.strerror or error
        return BadInputError(
            f"The ledger of sessions, {self._folder}, cannot be used ({why}), and without it no "
            "session is started."
        )

    def session_known(self, entry: Entry, session_id: str) -> Entry:
        """The entry with the session's id, written."""
        known = replace(entry, session_id=session_id)
        self.note(known)
        return known

    def over(self, key: str) -> None:
        """Remove the entry: the session is over, or cannot be ended from here."""
        with contextlib.suppress(OSError):
            self._file(key).unlink(missing_ok=True)

    def entries(self) -> tuple[Entry, ...]:
        """All entries, the oldest first; a file that is none is passed over."""
        found = []
        with contextlib.suppress(OSError):
            for file in self._folder.glob(f"*{_SUFFIX}"):
                entry = _read(file)
                if entry is not None:
                    found.append(entry)
        return tuple(sorted(found, key=lambda entry: entry.started_unix_s))

    def unreadable(self) -> tuple[str, ...]:
        """The names of files that should be entries and are none. Raises BadInputError where the
        folder cannot be read: then nobody knows what is left over."""
        try:
            names = [each for each in os.listdir(self._folder) if each.endswith(_SUFFIX)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            why = error.strerror or error
            raise BadInputError(
                f"The ledger of sessions, {self._folder}, cannot be read ({why})."
            ) from error
        readable = {f"{entry.key}{_SUFFIX}" for entry in self.entries()}
        there = (each for each in names if os.path.lexists(self._folder / each))  # still
        return tuple(sorted(set(there) - readable))

    def left_over(self) -> tuple[Entry, ...]:
        """The entries of runs that are gone."""
        gone: dict[str, bool] = {}
        for entry in self.entries():
            if entry.run not in gone:
                gone[entry.run] = not is_taken(entry.run, self._folder)
        return tuple(entry for entry in self.entries() if gone.get(entry.run))

    @contextlib.contextmanager
    def run(self, name: str) -> Iterator[None]:
        """As long as the block runs, the entries of this run are not left over.

        Raises BadInputError.
        """
        with self._locked(name, f"There is another run {name}."):
            yield

    @contextlib.contextmanager
    def results(self, folder: Path | None) -> Iterator[None]:
        """As long as the block runs, no other run of this user writes its results into this
        folder: the second would empty the file of the first. Raises BadInputError."""
        if folder is None:
            yield
            return
        name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
        taken = (
            f"Another run writes into {folder} at this moment: name a folder for this run alone."
        )
        with self._locked(f"results-{name}", taken):
            yield

    @contextlib.contextmanager
    def _locked(self, name: str, taken: str) -> Iterator[None]:
        try:
            lock = Instance.claim(name, self._folder)
        except OSError as error:
            raise self._unusable(error) from error
        if lock is None:
            raise BadInputError(taken)
        try:
            yield
        finally:
            lock.release()

    def _file(self, key: str) -> Path:
        if not _NAME.fullmatch(key):
            raise BadInputError("An entry of the ledger has a name that cannot be used.")
        return self._folder / f"{key}{_SUFFIX}"


def _read(file: Path) -> Entry | None:
    try:
        values = json.loads(read_private(file, MAX_FILE))
        entry = Entry(**values)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (entry.key, entry.run, entry.case, entry.backend_url, entry.dialect)
    known = entry.session_id is None or isinstance(entry.session_id, str)
    number = isinstance(entry.started_unix_s, int | float)
    fits = all(isinstance(text, str) for text in texts) and known and number
    named = fits and file.name == f"{entry.key}{_SUFFIX}" and bool(_NAME.fullmatch(entry.run))
    return entry if named else None
