"""The player's choice of volume between two runs: a small JSON file of the user's state.

It may never cost the game: what cannot be read is as if it were not there, and what cannot be
written is forgotten.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Final

import platformdirs

from rejoin.media.audio.volume import SoundChoice

_log = logging.getLogger("rejoin.sound")

_MOST_BYTES: Final = 4096
_CLOSE_WITHIN_S: Final = 1.0


def sound_path() -> Path:
    """Where this user's choice is."""
    return platformdirs.user_state_path("rejoin", appauthor=False) / "sound.json"


class SoundFile:
    """Reads at once, writes on a thread of its own, the newest choice only. No call raises."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or sound_path()
        self._lock = threading.Lock()
        self._to_write: SoundChoice | None = None
        self._writing: threading.Thread | None = None

    def read(self) -> SoundChoice:
        """What was chosen last, or the full volume."""
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(_MOST_BYTES))
            volume, muted = told["volume"], told["muted"]
            if type(volume) is not int or type(muted) is not bool:
                raise ValueError("other types")
            return SoundChoice(volume, muted)
        except FileNotFoundError:
            return SoundChoice()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.info("the choice of volume was not read: %s", type(error).__name__)
            return SoundChoice()

    def keep(self, choice: SoundChoice) -> None:
        """Have it written soon; returns at once. May be called on any thread."""
        with self._lock:
            self._to_write = choice
            if self._writing is None:
                self._writing = threading.Thread(
                    target=self._write_all, name="rejoin-sound-file", daemon=True
                )
                self._writing.start()

    def close(self) -> None:
        """Wait, not long, until what was to be kept is written."""
        with self._lock:
            writing = self._writing
        if writing is not None:
            writing.join(_CLOSE_WITHIN_S)

    def _write_all(self) -> None:
        while True:
            with self._lock:
                choice, self._to_write = self._to_write, None
                if choice is None:
                    self._writing = None
                    return
            try:
                self._write(choice)
            except OSError as error:
                _log.info("the choice of volume was not kept: %s", type(error).__name__)

    def _write(self, choice: SoundChoice) -> None:
        """A new file that takes the old one's name: a crash leaves the old one or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            new.write_text(json.dumps({"volume": choice.volume, "muted": choice.muted}) + "\n")
            new.replace(self._path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
