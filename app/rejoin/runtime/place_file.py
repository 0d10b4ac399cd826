"""Keeps the window's place between two runs in a small JSON file among the user's state files.

It never disturbs the game: an unreadable file counts as missing, and a place that cannot be written
is not kept.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rejoin.runtime.private_files import read_regular
from rejoin.runtime.state_folder import keep_file, state_folder

_log = logging.getLogger("rejoin.place_file")

MOST_PIXELS: Final = 32_767
"""The largest coordinate that X11 can address."""
_MAX_BYTES: Final = 4096
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A window, in logical pixels: `x` and `y` are those of its frame on the screen `screen`, the
    size is without the frame, and the one while not `maximised`. Raises ValueError for values that
    no window can have."""

    screen: str
    x: int
    y: int
    width: int
    height: int
    maximised: bool = False

    def __post_init__(self) -> None:
        if not self.screen.isprintable() or len(self.screen) > _MAX_NAME:
            raise ValueError("not the name of a screen")
        if not all(-MOST_PIXELS <= each <= MOST_PIXELS for each in (self.x, self.y)):
            raise ValueError("not a position")
        if not all(0 < each <= MOST_PIXELS for each in (self.width, self.height)):
            raise ValueError("not a size")


class PlaceFile:
    """Reads at once; writes on a thread of its own, the newest place only. No call raises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._to_write: Place | None = None
        self._writing: threading.Thread | None = None

    def read(self) -> Place | None:
        """The place kept last, or None."""
        try:
            content = json.loads(read_regular(self._path, _MAX_BYTES))
            numbers = {name: content[name] for name in ("x", "y", "width", "height")}
            if any(type(each) is not int for each in numbers.values()):
                raise ValueError("no whole number")
            screen, maximised = content["screen"], content["maximised"]
            if type(screen) is not str or type(maximised) is not bool:
                raise ValueError("wrong types")
            return Place(screen, **numbers, maximised=maximised)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.info("the window's place was not read: %s", type(error).__name__)
            return None

    def keep(self, place: Place) -> None:
        """Write it soon; returns at once."""
        with self._lock:
            self._to_write = place
            if self._writing is None:
                self._writing = threading.Thread(
                    target=self._write_all, name="rejoin-place-file", daemon=True
                )
                self._writing.start()

    def close(self, within_s: float = 1.0) -> None:
        """Wait until everything is written, for `within_s` at most."""
        with self._lock:
            writing = self._writing
        if writing is not None:
            writing.join(within_s)

    def _write_all(self) -> None:
        while True:
            with self._lock:
                place, self._to_write = self._to_write, None
                if place is None:
                    self._writing = None
                    return
            try:
                keep_file(self._path, json.dumps(asdict(place)) + "\n")
            except OSError as error:
                _log.info("the window's place was not kept: %s", type(error).__name__)


def place_path() -> Path:
    """Where this user's window place is kept. Raises BadInputError."""
    return state_folder() / "window.json"
