"""How large a new window is, and where it opens."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme

FIRST_SIZE: Final = QSize(1280, 720)
LEAST_SIZE: Final = QSize(640, 400)
LEAST_WITH_LARGE_TEXT: Final = QSize(1024, 600)
_FIRST_SHARE: Final = 0.92
"""The share of a smaller screen that a new window takes: the rest is for its frame."""


def first_size(available: QSize) -> QSize:
    """The size of a new window: `FIRST_SIZE` if that fits the screen with a frame around it."""
    most = available * _FIRST_SHARE
    fits = FIRST_SIZE.width() <= most.width() and FIRST_SIZE.height() <= most.height()
    return FIRST_SIZE if fits else FIRST_SIZE.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)


def least_size(available: QSize) -> QSize:
    """The smallest size of a window: larger with larger text, so that every card fits, and no
    larger than the screen."""
    wanted = QSize(theme.scaled(LEAST_SIZE.width()), theme.scaled(LEAST_SIZE.height()))
    return wanted.boundedTo(LEAST_WITH_LARGE_TEXT).boundedTo(available)


def open_on(window: QWidget, name: str | None) -> bool:
    """Move a window that is not shown yet to the middle of the screen of this name. False if there
    is none."""
    for screen in QGuiApplication.screens():
        if screen.name() == name:
            window.setScreen(screen)
            place = window.frameGeometry()
            place.moveCenter(screen.availableGeometry().center())
            window.move(place.topLeft())
            return True
    return False


def size_window(window: QWidget, wanted: tuple[int, int] | None = None) -> None:
    """Give a new window its size. `wanted`: in pixels; None: what fits the screen."""
    available = window.screen().availableSize()
    window.setMinimumSize(least_size(available))
    window.resize(QSize(*wanted) if wanted else first_size(available))
