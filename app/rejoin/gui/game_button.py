"""A button over the running game, for a mouse or a finger.

It takes no keyboard focus: while playing every key is for the game. Nothing that the mouse does on
it reaches the game, and a click that was on its way when it appeared presses nothing. A finger
presses it by itself, without Qt's way by the mouse: that would move the game's pointer, and while
the game has the mouse it would go to the game.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent, QTouchEvent, QWheelEvent
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
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.hide()

    def show_now(self, shown: bool, now: float) -> None:
        """Show or hide it."""
        if shown == self.isHidden():
            self._armed_at = now + self._unarmed_s
            self.setVisible(shown)

    def event(self, event: QEvent) -> bool:
        if not isinstance(event, QTouchEvent):
            return super().event(event)
        points, was_down = event.points(), self.isDown()
        on_it = bool(points) and self.rect().contains(points[0].position().toPoint())
        match event.type():
            case QEvent.Type.TouchBegin:
                self.setDown(on_it and self._clock() >= self._armed_at)
            case QEvent.Type.TouchUpdate:
                self.setDown(was_down and on_it)
            case QEvent.Type.TouchEnd:
                self.setDown(False)
                if was_down and on_it:
                    self.click()
            case _:
                self.setDown(False)
        event.accept()
        return True

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
