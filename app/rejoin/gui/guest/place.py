"""Where a window is, to be kept and restored on the screen of the same name."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.runtime.place_file import Place


def place_of(window: QWidget, before: Place | None) -> Place | None:
    """Where it is now. `before`: where it was: the place of a window that is maximised or in full
    screen is the one before. None: not known, as while it is minimised or not shown."""
    if not window.isVisible() or window.isMinimized():
        return before
    screen = window.screen()
    maximised = window.isMaximized()
    if maximised or window.isFullScreen():
        normal, corner = window.normalGeometry(), None
        if before is not None and before.screen == screen.name():
            corner = QPoint(before.x, before.y)
        if corner is None:
            corner = normal.topLeft() - screen.geometry().topLeft()
        size = normal.size()
    else:
        corner, size = window.pos() - screen.geometry().topLeft(), window.size()
    try:
        return Place(screen.name(), corner.x(), corner.y(), size.width(), size.height(), maximised)
    except ValueError:
        return before


def restore(window: QWidget, place: Place, *, on_screen: str | None = None) -> None:
    """Put a window that is not shown yet where it was, as far as it fits there.

    On a screen that is not there any more, only the size counts; the desktop chooses the position,
    as it always does on Wayland. `on_screen`: where it has to open whatever the place says: then
    only the size counts, too.
    """
    screen = next((each for each in QGuiApplication.screens() if each.name() == place.screen), None)
    there = screen is not None and on_screen is None
    room = (screen if screen is not None and there else window.screen()).availableGeometry()
    size = QSize(place.width, place.height).boundedTo(room.size()).expandedTo(window.minimumSize())
    window.resize(size)
    if screen is not None and there:
        window.setScreen(screen)
        frame = QRect(screen.geometry().topLeft() + QPoint(place.x, place.y), size)
        window.move(_inside(frame, room).topLeft())
    if place.maximised:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def _inside(frame: QRect, room: QRect) -> QRect:
    """Moved as little as it takes to lie in `room`; its upper left corner does in any case."""
    moved = QRect(frame)
    moved.moveRight(min(moved.right(), room.right()))
    moved.moveBottom(min(moved.bottom(), room.bottom()))
    moved.moveLeft(max(moved.left(), room.left()))
    moved.moveTop(max(moved.top(), room.top()))
    return moved
