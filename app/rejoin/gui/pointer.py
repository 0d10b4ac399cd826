"""The mouse over the picture: Qt's mouse events -> positions in the picture, clicks, travel.

A free pointer counts where it is over the picture itself, not over its bars, and until the buttons
that were pressed there are released. A captured one (`mouse_capture`) only travels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QMouseEvent, QWheelEvent

from rejoin.gui.input import BUTTONS, PlayerInput, PointerTravel, wheel_turn
from rejoin.gui.key_events import held_modifiers
from rejoin.gui.module_wishes import ClickGrants
from rejoin.gui.mouse_capture import MouseCapture
from rejoin.gui.video_view import VideoView
from rejoin.input_events.events import Button, Modifiers

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
        self._nudged = PointerTravel()

    def press(self, event: QMouseEvent) -> None:
        """A button went down. Whether it is over the picture is decided here."""
        if not self._sender.is_open or event.button() not in BUTTONS:
            return
        inside = self._locate(event.position())
        if inside or self._mouse.captured:
            self._button_down(event.button(), held_modifiers(event.modifiers()))

    def _button_down(self, button: Qt.MouseButton, modifiers: Modifiers) -> None:
        self._clicked()
        self._grants.clicked(self._sender.clock())
        self._press = self._counted(button)
        self._sender.button(
            button, True, self._place, clicks=self._press.count, modifiers=modifiers
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
            dx = dy = 0.0
            if before is not None:
                ratio = self._view.devicePixelRatioF()
                dx, dy = (at.x() - before.x()) * ratio, (at.y() - before.y()) * ratio
            self._sender.move(dx, dy, self._place, modifiers)
        return True

    def travelled(self, dx: int, dy: int) -> None:
        """The captured pointer would have moved this far, as the compositor reports."""
        if dx or dy:
            self._sender.move(dx, dy, self._place, _held_now())

    def wheel(self, event: QWheelEvent) -> None:
        """The wheel turned over the picture, or while the mouse is captured."""
        if self._locate(event.position()) or self._mouse.captured:
            self._sender.wheel(wheel_turn(event), self._place, held_modifiers(event.modifiers()))

    # --- by a finger, as on a trackpad ----------------------------------------------------------

    def nudge(self, dx: float, dy: float) -> None:
        """Move the pointer by this much, in Qt's pixels, whether captured or free."""
        if self._mouse.captured:
            self._mouse.nudge(dx, dy)
            return
        if not self._sender.is_open:
            return
        self._see_view()
        size, ratio = self._target.size(), self._view.devicePixelRatioF()
        before = self._place
        across, down = self._nudged.travelled(dx, dy)  # Qt puts the pointer on whole pixels
        x = min(max(before.x() + across, 0.0), max(size.width() - 1, 0.0))
        y = min(max(before.y() + down, 0.0), max(size.height() - 1, 0.0))
        self._place = QPointF(x, y)
        there = self._view.mapTo(self._view.window(), self._place + self._target.topLeft())
        self._last = QPointF(there)  # the pointer's own way there is no movement
        QCursor.setPos(self._view.window().mapToGlobal(there).toPoint())
        moved = (self._place - before) * ratio
        self._sender.move(moved.x(), moved.y(), self._place, _held_now())

    def touched(self, button: Button, pressed: bool) -> None:
        """A tap's button went down or up, where the pointer is."""
        [of_qt] = [each for each, ours in BUTTONS.items() if ours is button]
        if not pressed:
            self._sender.button(of_qt, False, self._place, modifiers=_held_now())
        elif self._sender.is_open:
            self._see_view()
            self._button_down(of_qt, _held_now())

    def turn(self, turn: tuple[int, int]) -> None:
        """Two fingers turned the wheel."""
        self._sender.wheel(turn, self._place, _held_now())

    def leave(self) -> None:
        """The pointer left the window: the way to where it comes back is no movement."""
        self._last = None

    def _locate(self, at: QPointF) -> bool:
        """Whether it, a place in the window, is in the picture. While captured it stands still."""
        target = self._see_view()
        if self._mouse.captured:
            return False
        inside = self._view.mapFrom(self._view.window(), at)
        self._place = inside - target.topLeft()
        return target.contains(inside)

    def _see_view(self) -> QRectF:
        """Where the picture is in its view; the module hears of it if that has changed."""
        target = self._view.target()
        if target != self._target:
            self._target = QRectF(target)
            self._view_moved()
        return self._target

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


def _held_now() -> Modifiers:
    return held_modifiers(QGuiApplication.keyboardModifiers())
