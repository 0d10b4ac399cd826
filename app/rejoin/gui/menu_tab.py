"""The tab *Menu* at the upper edge of the picture: the way to the menu with a mouse or a finger
alone.

It is there while the mouse is free and was at that edge a moment ago, has just been freed, or a
game has just begun (`notes`). While the game has the mouse for itself, it is there only after a
finger was at that edge.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect
from PySide6.QtGui import QEnterEvent, QHideEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import texts
from rejoin.gui.game_button import GameButton
from rejoin.gui.menu.texts import TITLE
from rejoin.language import tr

UNARMED_S: Final = 0.3
"""Less than a card needs: the tab appears because the pointer has come near."""


class MenuTab(GameButton):
    """In the middle of the upper edge."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(TITLE, clock, UNARMED_S, kind="tab", parent=parent)
        self.hovered = False
        """The pointer is on it."""
        self.name_keys("")

    def name_keys(self, keys: str) -> None:
        """The shortcut that does the same; "" for none."""
        self._keys = keys
        self.setToolTip(texts.with_keys(tr(TITLE), keys))

    def place(self, area: QRect) -> None:
        """Put it where it belongs in a picture of this size."""
        self.adjustSize()
        self.move((area.width() - self.width()) // 2, 0)

    def is_near(self, at: QPoint) -> bool:
        """Whether a place in the picture is as near to the upper edge as the tab itself."""
        return 0 <= at.y() < self.height()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.name_keys(self._keys)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.hovered = True
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered = False
        super().leaveEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.hovered = False
        super().hideEvent(event)
