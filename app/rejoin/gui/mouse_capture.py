"""Mouse capture (pointer lock): the pointer is hidden, and only its movement is sent to the game.

Where the desktop lets us move the pointer (X11, Windows, macOS) it is moved back to the middle
before it reaches an edge of the visible part of the view, so that it can always move further.
Wayland never lets us: there the compositor is asked for a pointer lock (`PointerLock`), and the
mouse counts as captured only once it has confirmed the lock. Where neither is possible, the mouse
is not captured, and the window says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

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
class Asked:
    """The compositor was asked for the pointer lock and has not answered; the mouse is free."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The game has the mouse."""


CaptureState = Free | FreedByKeys | FreedByDrop | Refused | Asked | Captured


class PointerLock(Protocol):
    """A compositor's pointer lock. `gui.wayland.WaylandDesktop` implements it."""

    def lock_pointer(
        self,
        window: QWidget,
        on_lock: Callable[[bool], None],
        on_move: Callable[[float, float], None],
    ) -> bool:
        """Request it. False: it is not possible. `on_lock(True)`: the pointer is locked now;
        `on_lock(False)`: not any more. `on_move`: it would have moved this far, in Qt's pixels."""

    def unlock_pointer(self) -> None:
        """Release it, or withdraw the request. May be called twice."""


class MouseCapture:
    """Captures the mouse over one view, and shows the cursor there while it is free."""

    def __init__(
        self,
        view: QWidget,
        sender: PlayerInput,
        changed: Callable[[], None] = lambda: None,
        *,
        lock: PointerLock | None = None,
        sensitivity: float = 1.0,
        travelled: Callable[[int, int], None] = lambda dx, dy: None,
    ) -> None:
        """`changed` is called when the mouse was captured or freed, before what is held is
        released. `lock`: asked in place of moving the pointer; then `travelled` is called with
        each movement. `sensitivity`: travel is multiplied by it."""
        self._view = view
        self._sender = sender
        self._changed = changed
        self._lock = lock
        self.sensitivity = sensitivity
        self._travelled = travelled
        self._cursor = Qt.CursorShape.ArrowCursor
        self._travel = PointerTravel()
        self._state: CaptureState = Free()

    @property
    def state(self) -> CaptureState:
        return self._state

    @property
    def captured(self) -> bool:
        return isinstance(self._state, Captured)

    @property
    def asked(self) -> bool:
        """Whether the desktop still has to answer."""
        return isinstance(self._state, Asked)

    # --- to and from the game -------------------------------------------------------------------

    def capture(self) -> bool:
        """Capture the mouse, if the game takes input now. Returns whether this captured it; with a
        `PointerLock` that is known later."""
        if self.captured or self.asked or not self._sender.is_open:
            return False
        if self._lock is not None:
            self._ask(self._lock)
            return self.captured
        at, home = QCursor.pos(), self._home(self._room())
        is_there = (at - home).manhattanLength() < _TRIAL_PX
        if is_there:
            home += QPoint(_TRIAL_PX, _TRIAL_PX)
        self._view.setCursor(Qt.CursorShape.BlankCursor)
        if not _move_pointer(QPointF(at), home):
            self._state = Refused()
            self.show_cursor()
            return False
        if is_there:
            self._travel.begin(home.x(), home.y())
        else:
            self._travel.begin(at.x(), at.y())
            self._travel.warped(home.x(), home.y())
        self._begin()
        return True

    def _begin(self) -> None:
        self._state = Captured()
        self._view.setCursor(Qt.CursorShape.BlankCursor)
        self._view.grabMouse()
        self._changed()

    def _ask(self, lock: PointerLock) -> None:
        self._state = Asked()
        if not lock.lock_pointer(self._view.window(), self._on_lock, self.nudge):
            self._state = Refused()

    def _on_lock(self, locked: bool) -> None:
        if locked and self.asked:
            self._travel.begin(0.0, 0.0)
            self._begin()
        elif not locked:
            self.release()

    def nudge(self, dx: float, dy: float) -> None:
        """The captured pointer would move so far, in Qt's pixels."""
        if self.captured:
            scale = self._scale()
            self._travelled(*self._travel.travelled(dx * scale, dy * scale))

    def _scale(self) -> float:
        """From Qt's pixels to those of the screen, as the player likes it."""
        return self._view.devicePixelRatioF() * self.sensitivity

    def release(self, to: Free | FreedByKeys | FreedByDrop | Refused = Free()) -> bool:
        """Free the mouse and release held buttons and keys. Returns whether it was captured."""
        if self._lock is not None:
            self._lock.unlock_pointer()
        if self.asked:
            self._state = Free()
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
        if self._lock is not None:
            return 0, 0  # it stands still
        travel = self._travel.moved(to.x(), to.y(), self._scale())
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
        return False  # whatever Qt says of the pointer
    QCursor.setPos(to)
    now = QPointF(QCursor.pos())
    return (now - QPointF(to)).manhattanLength() < (now - at).manhattanLength()
