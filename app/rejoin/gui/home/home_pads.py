"""The gamepads of the home window: read while no game reads them itself.

SDL has one queue of events for the whole process, so there is one reader at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from rejoin.errors import BadInputError
from rejoin.gui import hand
from rejoin.gui.input import PlayerPads
from rejoin.gui.pad_keys import PadKeys
from rejoin.gui.settings.chosen_controls import pads_of
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.runtime.loaded_settings import Loaded
from rejoin.runtime.settings_file import settings_path


class HomePads(QObject):
    """`make_pads`: by the player's settings as they are now."""

    def __init__(self, window: QWidget, make_pads: Callable[[], PlayerPads]) -> None:
        super().__init__(window)
        self._window = window
        self._make_pads = make_pads
        self._pads: PlayerPads | None = None
        self._keys: PadKeys | None = None
        with contextlib.suppress(BadInputError):  # there is no home folder
            SettingsWatch(settings_path(), self).changed.connect(self._on_changed)

    def begin(self) -> None:
        """No game is played here."""
        if self._pads is None:
            self._pads = self._make_pads()
            self._keys = PadKeys(self._pads, self._window)

    def end(self) -> None:
        """A game begins, or the window closes."""
        if self._keys is not None:
            self._keys.close()
        if self._pads is not None:
            self._pads.stop()
        self._pads = self._keys = None

    def _on_changed(self, loaded: Loaded) -> None:
        if self._pads is not None and not loaded.damaged:
            hand.swap_buttons(loaded.settings.pad_swap_ab_cards)
            self._pads.choose(pads_of(loaded.settings))
