"""The mouse over the picture: Qt's mouse events -> positions in the picture, clicks, travel.

A free pointer counts where it is over the picture itself, not over its bars, and until the buttons
that were pressed there are released. A captured one (`mouse_capture`) only travels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent

from rejoin.gui.input import BUTTONS, PlayerInput, wheel_turn
from rejoin.gui.key_events import held_modifiers
from rejoin.gui.module_wishes import ClickGrants
from rejoin.gui.mouse_capture import MouseCapture
from rejoin.gui.video_view import VideoView

_NEAR_PX = 4.0
"""Two presses as near as this, and as quickly as the desktop's double click, are counted."""


@dataclass(frozen=True, slots=True)
class _Press:
    button: Qt.MouseButton
    at: float
    place: QPointF
    count: int


class Pointer:
    """Posts what the mouse does over one picture."""

    def __init__(
        self,
        view: VideoView,
        mouse: MouseCapture,
        sender: PlayerInput,
        grants: ClickGrants,
        *,
        view_moved: Callable[[], None],
        clicked: Callable[[], None] = lambda: None,
    ) -> None:
        """`view_moved`: called before an event, if the picture is elsewhere than at the last.
        `clicked`: before each press that is for the game."""
        self._view = view
        self._mouse = mouse
        self._sender = sender
        self._grants = grants
        self._view_moved = view_moved
        self._clicked = clicked
        self._target = QRectF()
        self._last: QPointF | None = None
        """Where the free pointer was last, in the whole window; None: it has just arrived."""
        self._place = QPointF()
        """Where it was last in the picture."""
        self._press: _Press | None = None

    def press(self, event: QMouseEvent) -> None:
        """A button went down. Whether it is over the picture is decided here."""
        if not self._sender.is_open or event.button() not in BUTTONS:
            return
        inside = self._locate(event.position())
        if not (inside or self._mouse.captured):
            return
        self._clicked()
        self._grants.clicked(self._sender.clock())
        self._press = self._counted(event.button())
        self._sender.button(
            event.button(),
            True,
            self._place,
            clicks=self._press.count,
            modifiers=held_modifiers(event.modifiers()),
        )

    def release(self, event: QMouseEvent) -> None:
        """A button went up, wherever the pointer is; without its press it is not sent."""
        self._locate(event.position())
        self._sender.button(
            event.button(),
            False,
            self._place,
            clicks=self._press.count if self._press else 1,
            modifiers=held_modifiers(event.modifiers()),
        )

    def move(self, event: QMouseEvent) -> bool:
        """The pointer moved. False if this ended the capture of the mouse."""
        modifiers = held_modifiers(event.modifiers())
        if self._mouse.captured:
            self._last = None
            travel = self._mouse.move(event.globalPosition())
            if travel is None:
                return False
            self._sender.move(*travel, self._place, modifiers)
            return True
        at = event.position()
        inside = self._locate(at)
        before, self._last = self._last, QPointF(at)
        if inside or self._sender.held.buttons:
            ratio = self._view.devicePixelRatioF()
            travelled = QPointF() if before is None else (at - before) * ratio
            self._sender.move(travelled.x(), travelled.y(), self._place, modifiers)
        return True

    def travelled(self, dx: int, dy: int) -> None:
        """The captured pointer would have moved so far, by the compositor's word."""
        if dx or dy:
            held = held_modifiers(QGuiApplication.keyboardModifiers())
            self._sender.move(dx, dy, self._place, held)

    def wheel(self, event: QWheelEvent) -> None:
        """The wheel turned over the picture, or while the mouse is captured."""
        if self._locate(event.position()) or self._mouse.captured:
            self._sender.wheel(wheel_turn(event), self._place, held_modifiers(event.modifiers()))

    def leave(self) -> None:
        """The pointer left the window: the way to where it comes back is no movement."""
        self._last = None

    def _locate(self, at: QPointF) -> bool:
        """Whether it, a place in the window, is in the picture. While captured it stands still."""
        target = self._view.target()
        if target != self._target:
            self._target = QRectF(target)
            self._view_moved()
        if self._mouse.captured:
            return False
        inside = self._view.mapFrom(self._view.window(), at)
        self._place = inside - target.topLeft()
        return target.contains(inside)

    def _counted(self, button: Qt.MouseButton) -> _Press:
        now, last, place = self._sender.clock(), self._press, self._place
        within_s = QGuiApplication.styleHints().mouseDoubleClickInterval() / 1000
        again = (
            last is not None
            and last.button == button
            and now - last.at <= within_s
            and (place - last.place).manhattanLength() <= _NEAR_PX
        )
        return _Press(button, now, QPointF(place), last.count + 1 if again and last else 1)
