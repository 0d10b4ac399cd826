"""Mouse capture: the pointer is hidden, and only its movement is sent to the game.

While captured the pointer is moved back to the middle before it reaches an edge, so that it can
always move further.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QWidget

from rejoin.gui.input import HeldControls, PointerTravel

_EDGE_SHARE = 0.2
"""The pointer is moved back once it is nearer to an edge than this share of the view."""


@dataclass(frozen=True, slots=True)
class Free:
    """The mouse is not captured."""


@dataclass(frozen=True, slots=True)
class FreedByKeys:
    """Freed by Ctrl+Alt, which are still held: a volume shortcut captures the mouse again."""


@dataclass(frozen=True, slots=True)
class FreedByDrop:
    """Freed because the connection dropped: once it is back, a note asks for a click."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The game has the mouse."""


CaptureState = Free | FreedByKeys | FreedByDrop | Captured


class MouseCapture:
    """Captures the mouse over one view; while captured, its input goes to `controls`."""

    def __init__(self, view: QWidget, controls: HeldControls) -> None:
        self._view = view
        self._controls = controls
        self._travel = PointerTravel()
        self._state: CaptureState = Free()

    @property
    def state(self) -> CaptureState:
        return self._state

    @property
    def captured(self) -> bool:
        return isinstance(self._state, Captured)

    # --- to and from the game -------------------------------------------------------------------

    def capture(self) -> bool:
        """Capture the mouse, if the game takes input now. Returns whether this captured it."""
        if self.captured or not self._controls.is_open:
            return False
        self._state = Captured()
        self._view.setCursor(Qt.CursorShape.BlankCursor)
        self._view.grabMouse()
        at = QCursor.pos()
        self._travel.begin(at.x(), at.y())
        return True

    def release(self, to: Free | FreedByKeys | FreedByDrop = Free()) -> bool:
        """Free the mouse and release held buttons and keys. Returns whether it was captured."""
        if not self.captured:
            return False
        self._state = to
        self._view.releaseMouse()
        self._view.unsetCursor()
        self._controls.release_all()
        return True

    def keys_released(self) -> None:
        """Ctrl or Alt was released, or may have been while another window had the focus."""
        if isinstance(self._state, FreedByKeys):
            self._state = Free()

    def forget_drop(self) -> None:
        """The note that asks for a click was shown long enough."""
        if isinstance(self._state, FreedByDrop):
            self._state = Free()

    # --- what the mouse does while captured -----------------------------------------------------

    def button(self, button: Qt.MouseButton, pressed: bool) -> None:
        if self.captured:
            self._controls.button(button, pressed)

    def wheel(self, eighths_of_degree: int) -> None:
        if self.captured:
            self._controls.wheel(eighths_of_degree)

    def move(self, to: QPointF) -> None:
        """The pointer is at `to`, a global position."""
        if not self.captured:
            return
        self._controls.travel(*self._travel.moved(to.x(), to.y()))
        inside = self._view.mapFromGlobal(to)
        width, height = self._view.width(), self._view.height()
        margin_x, margin_y = width * _EDGE_SHARE, height * _EDGE_SHARE
        if not (
            margin_x <= inside.x() <= width - margin_x
            and margin_y <= inside.y() <= height - margin_y
        ):
            middle = self._view.mapToGlobal(QPoint(width // 2, height // 2))
            self._travel.warped(middle.x(), middle.y())
            QCursor.setPos(middle)
