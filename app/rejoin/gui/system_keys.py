"""Keys of the desktop (Alt+Tab, Super) for the game: taken while it may have them, then released.

X11 grabs the keyboard; Wayland asks the compositor to inhibit its shortcuts. On Windows and macOS
nothing is taken: their ways (a hook, an event tap) are not written.
"""

from __future__ import annotations

from typing import Protocol

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui.control_options import SystemKeysMode


class ShortcutInhibitor(Protocol):
    """A compositor that can turn its shortcuts off: `gui.wayland.WaylandDesktop`."""

    def inhibit_shortcuts(self, window: QWidget) -> bool: ...
    def allow_shortcuts(self) -> None: ...


class SystemKeys:
    """The desktop's keys, for one window."""

    def __init__(
        self, window: QWidget, mode: SystemKeysMode, inhibitor: ShortcutInhibitor | None = None
    ) -> None:
        self._window = window
        self.mode = mode
        self._inhibitor = inhibitor
        self._taken = False
        self._released = False
        """The player has released them; the next click in the picture takes them for the game
        again."""

    @property
    def taken(self) -> bool:
        """Whether the game has them now."""
        return self._taken

    def update(self, *, may: bool) -> None:
        """Take or release them. `may`: the game takes input and its window is active."""
        wanted = (
            may and not self._released and self.mode.wants(full_screen=self._window.isFullScreen())
        )
        if wanted and not self._taken:
            self._taken = self._take()
        elif self._taken and not wanted:
            self._taken = False
            self._release()

    def release(self) -> None:
        """The player wants the desktop's shortcuts, until the next click in the picture."""
        if self._taken:
            self._released = True
            self.update(may=False)

    def clicked(self) -> None:
        """The player clicked in the picture."""
        self._released = False

    def _take(self) -> bool:
        if self._inhibitor is not None:
            return self._inhibitor.inhibit_shortcuts(self._window)
        on_x11 = QGuiApplication.platformName() == "xcb" and self._window.internalWinId()
        return bool(on_x11 and self._window.windowHandle().setKeyboardGrabEnabled(True))

    def _release(self) -> None:
        if self._inhibitor is not None:
            self._inhibitor.allow_shortcuts()
            return
        if self._window.internalWinId():
            self._window.windowHandle().setKeyboardGrabEnabled(False)
