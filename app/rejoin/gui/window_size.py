"""How large a new window is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

FIRST_SIZE: Final = QSize(1280, 720)
_LEAST_SIZE: Final = QSize(640, 400)
_FIRST_SHARE: Final = 0.92
"""The share of a smaller screen that a new window takes: the rest is for its frame."""


def first_size(available: QSize) -> QSize:
    """The size of a new window: `FIRST_SIZE` if that fits the screen with a frame around it."""
    most = available * _FIRST_SHARE
    fits = FIRST_SIZE.width() <= most.width() and FIRST_SIZE.height() <= most.height()
    return FIRST_SIZE if fits else FIRST_SIZE.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)


def size_window(window: QWidget, wanted: tuple[int, int] | None = None) -> None:
    """Give a new window its size. `wanted`: in pixels; None: what fits the screen."""
    available = window.screen().availableSize()
    window.setMinimumSize(_LEAST_SIZE.boundedTo(available))
    window.resize(QSize(*wanted) if wanted else first_size(available))
