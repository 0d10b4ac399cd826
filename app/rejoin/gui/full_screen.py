"""Full screen: toggled by the player, or entered and left by the input module."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget


class FullScreen:
    """Of one window, which it leaves as large as it was before."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._leave: Callable[[], None] = window.showNormal
        self._is_modules = False
        """Whether the input module has entered it; else the module cannot leave it."""

    def toggle(self) -> None:
        """The player's shortcut."""
        window = self._window
        self._is_modules = False
        if window.isFullScreen():
            self._leave()
        else:
            self._leave = window.showMaximized if window.isMaximized() else window.showNormal
            window.showFullScreen()

    def wish(self, wanted: bool, may_enter: Callable[[], bool]) -> None:
        """The input module's wish. `may_enter` is asked only if it would be entered now."""
        if wanted == self._window.isFullScreen():
            return
        if (wanted and may_enter()) or (not wanted and self._is_modules):
            self.toggle()
            self._is_modules = wanted
