"""Gamepads in a window without a game: a question, or the settings in a window of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QWidget

from rejoin.errors import BadInputError
from rejoin.gamepads.reader import Gamepads
from rejoin.gui.pad_keys import PadKeys
from rejoin.gui.settings.chosen_controls import pads_of
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.state_folder import settings_folder

MAPPINGS: Final = "gamecontrollerdb.txt"
"""A file of the player's, beside the settings, with gamepads that SDL does not know."""


def mappings_path() -> Path | None:
    """None where there is no home folder."""
    try:
        return settings_folder() / MAPPINGS
    except BadInputError:
        return None


@contextlib.contextmanager
def pads_in(window: QWidget, settings: PlayerSettings) -> Iterator[Gamepads]:
    """Until the end of the block the player's gamepads move the focus in this window and press."""
    pads = Gamepads(pads_of(settings), mappings_path())
    keys = PadKeys(pads, window)
    try:
        yield pads
    finally:
        keys.close()
        pads.stop()
