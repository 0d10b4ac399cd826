"""Counts the data that games have used, in a small JSON file among the user's state files.

It counts received picture and sound; packet headers and sent data add some per cent. A failure
never disturbs the game: an unreadable file counts as empty, and a failed write is tried again with
the next.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.media.statistics import StreamStatistics
from rejoin.runtime.file_lock import turn_at
from rejoin.runtime.private_files import read_regular
from rejoin.runtime.state_folder import keep_file, state_folder

_log = logging.getLogger("rejoin.data_used")

SAVE_EVERY_S: Final = 60.0
_PAUSE_S: Final = 5.0
"""Statistics come once a second; a longer pause does not count as play."""
_MAX_BYTES: Final = 4096
_MOST: Final = 2**60
_CLOSE_WITHIN_S: Final = 1.0
_TURN_WITHIN_S: Final = 5.0


def data_used_path() -> Path:
    """The path of this user's file. Raises BadInputError."""
    return state_folder() / "data_used.json"


@dataclass(frozen=True, slots=True)
class DataTotal:
    """`received_bytes` in `played_s` seconds of play, since `since_unix_s`; None: since never."""

    received_bytes: int = 0
    played_s: float = 0.0
    since_unix_s: float | None = None

    @property
    def bytes_per_hour(self) -> float | None:
        """None until there is a minute to judge by."""
        return self.received_bytes / self.played_s * 3600 if self.played_s >= 60 else None


def read_total(path: Path) -> DataTotal:
    """The total in the file; zero if the file is unusable. Raises nothing."""
    try:
        content = json.loads(read_regular(path, _MAX_BYTES))
        received, played_s, since = (
            content[name] for name in ("received_bytes", "played_s", "since_unix_s")
        )
        usable = type(received) is int and 0 <= received <= _MOST
        if not (usable and 0 <= float(played_s) <= _MOST and 0 <= float(since) <= _MOST):
            raise ValueError("wrong values")
        return DataTotal(received, float(played_s), float(since))
    except FileNotFoundError:
        return DataTotal()
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        _log.info("the data used was not read: %s", type(error).__name__)
        return DataTotal()


def forget_total(path: Path) -> None:
    """Begin at zero. Raises OSError."""
    path.unlink(missing_ok=True)


class DataUsed:
    """Counts the statistics of one game; writes on its own thread, in turn with other games. No
    call raises."""

    def __init__(self, path: Path | None = None, wall: Callable[[], float] = time.time) -> None:
        self._path = path or data_used_path()
        self._wall = wall
        self._connection: int | None = None
        self._counted = 0
        """Of this connection."""
        self._counted_at: float | None = None
        self._saved_at: float | None = None
        self._lock = threading.Lock()
        self._unsaved = DataTotal()
        self._writing: threading.Thread | None = None

    def count(self, at: float, statistics: StreamStatistics) -> None:
        """The shown connection's statistics at boot time `at`; called about once a second."""
        total = statistics.bytes_received + statistics.audio_bytes_received
        if statistics.connection != self._connection:
            self._connection, self._counted = statistics.connection, 0
        new, self._counted = max(0, total - self._counted), total
        pause_s = 0.0 if self._counted_at is None else at - self._counted_at
        self._counted_at = at
        with self._lock:
            self._unsaved = DataTotal(
                self._unsaved.received_bytes + new,
                self._unsaved.played_s + (pause_s if 0.0 < pause_s <= _PAUSE_S else 0.0),
            )
        if self._saved_at is None:
            self._saved_at = at
        elif at - self._saved_at >= SAVE_EVERY_S:
            self._saved_at = at
            self._save()

    def close(self) -> None:
        """Write the rest, and wait for that, for _CLOSE_WITHIN_S at most."""
        self._save()
        with self._lock:
            writing = self._writing
        if writing is not None:
            writing.join(_CLOSE_WITHIN_S)

    def _save(self) -> None:
        with self._lock:
            if self._writing is None and self._unsaved.received_bytes:
                self._writing = threading.Thread(
                    target=self._write, name="rejoin-data-used", daemon=True
                )
                self._writing.start()

    def _write(self) -> None:
        """Write until nothing is left or the disk refuses; then the next write tries again."""
        while True:
            with self._lock:
                new, self._unsaved = self._unsaved, DataTotal()
                if not new.received_bytes:
                    self._unsaved = new
                    self._writing = None
                    return
            try:
                self._add(new)
            except OSError as error:
                _log.info("the data used was not saved: %s", type(error).__name__)
                with self._lock:
                    self._unsaved = DataTotal(
                        self._unsaved.received_bytes + new.received_bytes,
                        self._unsaved.played_s + new.played_s,
                    )
                    self._writing = None
                return

    def _add(self, new: DataTotal) -> None:
        """Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with turn_at(self._path, _TURN_WITHIN_S):
            self._replace(read_total(self._path), new)

    def _replace(self, before: DataTotal, new: DataTotal) -> None:
        """Raises OSError."""
        since = self._wall() if before.since_unix_s is None else before.since_unix_s
        content = {
            "received_bytes": before.received_bytes + new.received_bytes,
            "played_s": before.played_s + new.played_s,
            "since_unix_s": since,
        }
        keep_file(self._path, json.dumps(content) + "\n")
