"""Holds off the screen saver on Wayland for a window that is seen: what Qt has no interface for.

Protocol: idle-inhibit (unstable v1) of wayland-protocols. The compositor counts an inhibitor only
while its surface is visible, and ends it with the client's connection.
"""

from __future__ import annotations

import logging
from typing import Final

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui.wayland_client import POINTER, WaylandLibrary, native_of

_log = logging.getLogger("rejoin.gui")

_CREATE_INHIBITOR: Final = 1


class IdleInhibitor:
    """One inhibitor, for one window at a time; on Qt's thread."""

    def __init__(self, application: QGuiApplication) -> None:
        """Raises OSError, AttributeError or ValueError where libwayland cannot be used, or the
        compositor has no idle inhibitors."""
        self._display: int = native_of(application).display()
        self._library = library = WaylandLibrary()
        self._inhibitor = library.interface("zwp_idle_inhibitor_v1", (("destroy", "", ()),))
        # Kept: libwayland reads it for as long as there is an object of it.
        self._of_manager = library.interface(
            "zwp_idle_inhibit_manager_v1",
            (
                ("destroy", "", ()),
                ("create_inhibitor", "no", (self._inhibitor, library.core["surface"])),
            ),
        )
        self._held: tuple[int, int] | None = None
        """The inhibitor, and the surface that it is for."""
        bound = library.bind(self._display, self._of_manager)
        if not bound:
            raise ValueError("the compositor has no idle inhibitors")
        (self._manager,) = bound.values()

    def hold(self, window: QWidget | None) -> None:
        """Hold the screen saver off for this window, which is shown; None: for none.

        To be called again at each change of the window: its surface may be another one.
        """
        surface = None if window is None else int(window.winId())
        if surface == (None if self._held is None else self._held[1]):
            return
        if self._held is not None:
            self._library.destroy(self._held[0])
            self._held = None
        if surface is not None:
            made = self._library.call(
                self._manager, _CREATE_INHIBITOR, self._inhibitor, None, POINTER(surface)
            )
            self._held = None if made is None else (made, surface)
        self._library.flush(self._display)


def inhibitor_of(application: QGuiApplication) -> IdleInhibitor | None:
    """None on another platform, and where it cannot be used."""
    if not application.platformName().startswith("wayland"):
        return None
    try:
        return IdleInhibitor(application)
    except (AttributeError, OSError, ValueError) as error:
        _log.info("the screen saver cannot be held off on Wayland: %s", error)
        return None
