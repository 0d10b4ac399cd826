"""Remembers the feed's content between two runs, in a small JSON file among the state files.

A file that cannot be read counts as missing.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rejoin.runtime.private_files import read_regular
from rejoin.runtime.state_folder import keep_file, state_folder
from rejoin.runtime.updates.feed import Newer, is_notes_url, read_version

_log = logging.getLogger("rejoin.updates")

_MAX_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Remembered:
    """`asked_at`: when the feed was last asked for, with or without success (Unix time). `highest`:
    the newest version that a feed has named. `newer`: the content of that feed."""

    asked_at: float | None = None
    highest: str | None = None
    newer: Newer | None = None


class UpdateMemory:
    """The file. Only the home window uses it, of which a user has one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Remembered:
        """The remembered value."""
        try:
            return _read(json.loads(read_regular(self._path, _MAX_BYTES)))
        except FileNotFoundError:
            return Remembered()
        except (OSError, ArithmeticError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.info("what is known of updates was not read: %s", type(error).__name__)
            return Remembered()

    def keep(self, remembered: Remembered) -> bool:
        """Write it; returns whether that worked."""
        try:
            keep_file(self._path, json.dumps(asdict(remembered)) + "\n")
        except OSError as error:
            _log.info("what is known of updates was not kept: %s", type(error).__name__)
            return False
        return True


def memory_path() -> Path:
    """The path of this user's file. Raises BadInputError."""
    return state_folder() / "updates.json"


def _read(content: Any) -> Remembered:
    asked_at, highest, newer = content["asked_at"], content["highest"], content["newer"]
    if highest is not None:
        read_version(highest)
    return Remembered(
        None if asked_at is None else _time(asked_at),
        highest,
        None if newer is None else _newer(newer),
    )


def _newer(content: Any) -> Newer:
    made = Newer(content["version"], content["notes"], _time(content["expires_at"]))
    read_version(made.version)
    if not is_notes_url(made.notes):
        raise ValueError("not a page of the web")
    return made


def _time(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("not a time")
    return float(value)
