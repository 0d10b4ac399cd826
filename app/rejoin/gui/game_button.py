"""A button over the running game, for the mouse alone.

It takes no keyboard focus: while playing every key is for the game. Nothing that the mouse does on
it reaches the game, and a click that was on its way when it appeared presses nothing.
"""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui.labels import TextButton


class GameButton(TextButton):
    """Hidden at first. `unarmed_s`: it ignores clicks for this long after it has appeared."""

    def __init__(
        self,
        text: str,
        clock: Clock,
        unarmed_s: float,
        *,
        kind: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, kind, parent)
        self._clock = clock
        self._unarmed_s = unarmed_s
        self._armed_at = math.inf
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def show_now(self, shown: bool, now: float) -> None:
        """Show or hide it."""
        if shown == self.isHidden():
            self._armed_at = now + self._unarmed_s
            self.setVisible(shown)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._clock() >= self._armed_at:
            super().mousePressEvent(event)
        event.accept()  # also of the buttons that do not press it

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
