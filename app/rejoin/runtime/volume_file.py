"""Saves the volume between two runs, in a small JSON file among the user's state files.

It never disturbs the game: an unreadable file counts as missing, and a volume that cannot be
written is not saved.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Final

from rejoin.language import Message
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.private_files import read_regular
from rejoin.runtime.state_folder import keep_file, state_folder

_log = logging.getLogger("rejoin.volume_file")

_MAX_BYTES: Final = 4096
_CLOSE_WITHIN_S: Final = 1.0


def sound_path() -> Path:
    """Where this user's volume is saved. Raises BadInputError."""
    return state_folder() / "sound.json"


class SoundFile:
    """Reads at once; writes on its own thread, the newest choice only. No call raises."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or sound_path()
        self._lock = threading.Lock()
        self._to_write: SoundChoice | None = None
        self._writing: threading.Thread | None = None
        self._problem = ""

    @property
    def problem(self) -> str:
        """Why the newest choice was not written: one sentence; empty: it was, or will be."""
        return self._problem

    def read(self) -> SoundChoice:
        """The volume chosen last, or full volume."""
        try:
            content = json.loads(read_regular(self._path, _MAX_BYTES))
            volume, muted = content["volume"], content["muted"]
            if type(volume) is not int or type(muted) is not bool:
                raise ValueError("wrong types")
            return SoundChoice(volume, muted)
        except FileNotFoundError:
            return SoundChoice()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.info("the volume was not read: %s", type(error).__name__)
            return SoundChoice()

    def save(self, choice: SoundChoice) -> None:
        """Write it soon; returns at once. May be called on any thread."""
        with self._lock:
            self._to_write = choice
            if self._writing is None:
                self._writing = threading.Thread(
                    target=self._write_all, name="rejoin-sound-file", daemon=True
                )
                self._writing.start()

    def close(self) -> None:
        """Wait until everything is written, for _CLOSE_WITHIN_S at most."""
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
                content = {"volume": choice.volume, "muted": choice.muted}
                keep_file(self._path, json.dumps(content) + "\n")
                self._problem = ""
            except OSError as error:
                why = error.strerror or type(error).__name__
                self._problem = Message("The volume cannot be saved: {why}.", why=why)
                _log.info("the volume was not saved: %s", type(error).__name__)
