"""Mouse capture (pointer lock): the pointer is hidden, and only its movement is sent to the game.

While captured the pointer is moved back to the middle before it reaches an edge of the visible part
of the view, so that it can always move further. Where a desktop does not let us move the pointer,
the mouse is not captured, and the window says so. Wayland never lets us: there it takes pointer
lock, which Rejoin does not have yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui.input import PlayerInput, PointerTravel

_EDGE_SHARE = 0.15
"""The pointer is moved back once it is nearer to an edge than this share of the visible view."""

_LEAST_ROOM_PX = 240

_TRIAL_PX = 24
"""How far the pointer is moved to try whether it can be moved, if it is in the middle already."""


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
class Refused:
    """The player wants the game to have the mouse, but the desktop does not let us capture it."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The game has the mouse."""


CaptureState = Free | FreedByKeys | FreedByDrop | Refused | Captured


class MouseCapture:
    """Captures the mouse over one view, and shows the cursor there while it is free.

    `changed` is called when the mouse was captured or freed, before what is held is released.
    """

    def __init__(
        self, view: QWidget, sender: PlayerInput, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._view = view
        self._sender = sender
        self._changed = changed
        self._cursor = Qt.CursorShape.ArrowCursor
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
        if self.captured or not self._sender.is_open:
            return False
        at, home = QCursor.pos(), self._home(self._room())
        is_there = (at - home).manhattanLength() < _TRIAL_PX
        if is_there:
            home += QPoint(_TRIAL_PX, _TRIAL_PX)
        if not _move_pointer(QPointF(at), home):
            self._state = Refused()
            return False
        self._state = Captured()
        self._view.setCursor(Qt.CursorShape.BlankCursor)
        self._view.grabMouse()
        if is_there:
            self._travel.begin(home.x(), home.y())
        else:
            self._travel.begin(at.x(), at.y())
            self._travel.warped(home.x(), home.y())
        self._changed()
        return True

    def release(self, to: Free | FreedByKeys | FreedByDrop | Refused = Free()) -> bool:
        """Free the mouse and release held buttons and keys. Returns whether it was captured."""
        if not self.captured:
            return False
        self._state = to
        self._view.releaseMouse()
        self.show_cursor()
        self._changed()
        self._sender.release_all()
        return True

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """The cursor over the view, while the game takes input and the mouse is free."""
        self._cursor = shape
        self.show_cursor()

    def show_cursor(self) -> None:
        """Show the cursor that belongs here now; call it when the input was opened or closed."""
        if self.captured:
            return
        if self._sender.is_open and self._cursor is not Qt.CursorShape.ArrowCursor:
            self._view.setCursor(self._cursor)
        else:
            self._view.unsetCursor()

    def keys_released(self) -> None:
        """Ctrl or Alt was released, or may have been while another window had the focus."""
        if isinstance(self._state, FreedByKeys):
            self._state = Free()

    def forget_drop(self) -> None:
        """The note that asks for a click was shown long enough."""
        if isinstance(self._state, FreedByDrop):
            self._state = Free()

    # --- what the mouse does while captured -----------------------------------------------------

    def move(self, to: QPointF) -> tuple[int, int] | None:
        """The pointer is at `to`, a global position: its travel, rightwards and downwards.

        None: the mouse is not captured, or not any more.
        """
        if not self.captured:
            return None
        travel = self._travel.moved(to.x(), to.y())
        room = self._room()
        margin_x, margin_y = room.width() * _EDGE_SHARE, room.height() * _EDGE_SHARE
        inside = to - QPointF(room.topLeft())
        if not (
            margin_x <= inside.x() <= room.width() - margin_x
            and margin_y <= inside.y() <= room.height() - margin_y
        ):
            home = self._home(room)
            self._travel.warped(home.x(), home.y())
            if not _move_pointer(to, home):
                self.release(Refused())
                return None
        return travel

    def _room(self) -> QRect:
        """The largest part of the view on one screen: the pointer cannot leave the screens.

        At least `_LEAST_ROOM_PX` wide and high: in less, moves could be mistaken for our own.
        """
        view = QRect(self._view.mapToGlobal(QPoint(0, 0)), self._view.size())
        screens = [screen.geometry() for screen in QGuiApplication.screens()]
        screen = max(screens, key=lambda each: _area(view & each), default=view)
        visible = view & screen
        if visible.isEmpty():
            return view
        more_x = max(0, _LEAST_ROOM_PX - visible.width())
        more_y = max(0, _LEAST_ROOM_PX - visible.height())
        return visible.adjusted(-more_x, -more_y, more_x, more_y) & screen

    def _home(self, room: QRect) -> QPoint:
        """Where the pointer is put: the middle of the view, if it has enough room around it."""
        middle = self._view.mapToGlobal(QPoint(self._view.width() // 2, self._view.height() // 2))
        margin_x, margin_y = int(room.width() * _EDGE_SHARE), int(room.height() * _EDGE_SHARE)
        inner = room.adjusted(margin_x, margin_y, -margin_x, -margin_y)
        return middle if inner.contains(middle) else room.center()


def _area(of: QRect) -> int:
    return 0 if of.isEmpty() else of.width() * of.height()


def _move_pointer(at: QPointF, to: QPoint) -> bool:
    """Move the pointer from `at`; whether it went there. Both are global positions."""
    if QGuiApplication.platformName().startswith("wayland"):
        return False
    QCursor.setPos(to)
    now = QPointF(QCursor.pos())
    return (now - QPointF(to)).manhattanLength() < (now - at).manhattanLength()
