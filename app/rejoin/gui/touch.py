"""A touch screen over the picture: Qt's touch events -> the pointer.

As a pointer, the way that a finger goes is left to Qt, which makes mouse events of it: the pointer
is where the finger is, and its left button is held. As a trackpad (`trackpad`), and whenever the
game has the mouse for itself, the finger moves the pointer by as much as it moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QEventPoint, QTouchEvent

from rejoin.clock import Clock
from rejoin.gui.control_options import TouchMode
from rejoin.gui.mouse_capture import MouseCapture
from rejoin.gui.pointer import Pointer
from rejoin.gui.trackpad import CLICK_S, Clicked, Held, Moved, TouchAction, Trackpad, Turned
from rejoin.gui.video_view import VideoView
from rejoin.input_events.events import Button

_EVENTS = (
    QEvent.Type.TouchBegin,
    QEvent.Type.TouchUpdate,
    QEvent.Type.TouchEnd,
    QEvent.Type.TouchCancel,
)


class Touch(QObject):
    """Of one picture, whose events it filters."""

    def __init__(
        self,
        view: VideoView,
        mouse: MouseCapture,
        pointer: Pointer,
        mode: TouchMode,
        clock: Clock,
    ) -> None:
        super().__init__(view)
        self._mouse = mouse
        self._pointer = pointer
        self.mode = mode
        self._clock = clock
        self.began: Callable[[QPointF], None] = lambda at: None
        """Called with where in the picture's view a finger of a trackpad comes down."""
        self._trackpad = Trackpad()
        view.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in _EVENTS or not isinstance(event, QTouchEvent):
            return False
        if event.type() == QEvent.Type.TouchBegin and not self._is_trackpad():
            event.ignore()  # Qt makes mouse events of this touch to its end
            return True
        if event.type() == QEvent.Type.TouchBegin:
            self.began(event.points()[0].position())
        if event.type() == QEvent.Type.TouchCancel:
            actions = self._trackpad.cancel()
        else:
            up = QEventPoint.State.Released
            fingers = {
                point.id(): (point.position().x(), point.position().y())
                for point in event.points()
                if point.state() != up
            }
            actions = self._trackpad.touch(fingers, self._clock())
        for action in actions:
            self._do(action)
        event.accept()
        return True

    def _is_trackpad(self) -> bool:
        return self.mode is TouchMode.TRACKPAD or self._mouse.captured

    def _do(self, action: TouchAction) -> None:
        match action:
            case Moved(dx, dy):
                self._pointer.nudge(dx, dy)
            case Turned(turn_x, turn_y):
                self._pointer.turn((turn_x, turn_y))
            case Clicked(button):
                self._pointer.touched(button, True)
                QTimer.singleShot(
                    round(CLICK_S * 1000), self, lambda: self._pointer.touched(button, False)
                )
            case Held(pressed):
                self._pointer.touched(Button.LEFT, pressed)
            case _:
                assert_never(action)
