"""The icons on the cards, read beside the window once it is painted. Until then, and for a game
without one, a card has initials."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from rejoin.errors import BadInputError
from rejoin.gui.home.last_picture import image_of
from rejoin.runtime.game_icons import read_icon

if TYPE_CHECKING:
    from rejoin.gui.home.home_page import HomePage
    from rejoin.gui.home.jobs import Jobs


class CardIcons(QObject):
    """Lives as long as the page. To be used on the GUI thread; a slow disk does not stop that."""

    def __init__(self, home: HomePage, jobs: Jobs) -> None:
        """`jobs`: brings what was read to the window's thread."""
        super().__init__(home)
        self._home = home
        self._jobs = jobs
        self._known: dict[str, QImage | None] = {}
        """By key, of the cards that are shown; None: it has none, or is being read."""
        home.cards_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Other cards are shown: read the icons of the new ones."""
        shown = [tile.card.key for tile in self._home.tiles]
        new = [key for key in shown if key not in self._known]
        self._known = {key: self._known.get(key) for key in shown}
        self._show()
        if new:
            threading.Thread(target=lambda: self._read(new), name="card icons", daemon=True).start()

    def _read(self, keys: list[str]) -> None:
        found = {key: image for key in keys if (image := _icon(key)) is not None}
        if found:
            self._jobs.later(lambda: self._take(found))

    def _take(self, found: dict[str, QImage]) -> None:
        self._known |= {key: image for key, image in found.items() if key in self._known}
        self._show()

    def _show(self) -> None:
        for tile in self._home.tiles:
            tile.show_icon(self._known[tile.card.key])


def _icon(key: str) -> QImage | None:
    try:
        content = read_icon(key)
    except BadInputError:  # there is no home folder
        return None
    return image_of(content) if content else None
