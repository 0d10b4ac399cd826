"""Brings a window to the front, as far as the desktop allows."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from rejoin.runtime.instance import TOKEN_VARIABLE


def bring_to_front(window: QWidget, token: str | None = None) -> None:
    """Show the window above all others. `token`: of a second instance that the player started,
    without which a Wayland compositor may refuse (xdg-activation-v1). Qt takes it from the
    environment and removes it there."""
    if token is not None:
        os.environ[TOKEN_VARIABLE] = token
    if window.isMinimized():
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
    os.environ.pop(TOKEN_VARIABLE, None)
