"""Qt's plugin for X11: whether it can be loaded, when it is chosen, how held keys are repeated."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLibraryInfo
from PySide6.QtGui import QGuiApplication

from rejoin.gui.displays import platforms
from rejoin.gui.wayland_wire import prefer_x11

_log = logging.getLogger("rejoin.gui")


def _load(library: str) -> Any:
    import ctypes  # for X11 alone

    return ctypes.CDLL(library)


def check(
    environment: Mapping[str, str] = os.environ,
    system: str = sys.platform,
    load: Callable[[str], object] = _load,
) -> None:
    """Raise ImportError, with the library's name, where the plugin lacks a system library.

    Without this check Qt would abort the process.
    """
    if not system.startswith("linux") or not will_use_x11(environment):
        return
    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    plugin = plugins / "platforms" / "libqxcb.so"
    if not plugin.exists():
        return  # a Qt that was built in another way
    try:
        load(str(plugin))
    except OSError as error:
        raise ImportError(str(error)) from error


def will_use_x11(environment: Mapping[str, str]) -> bool:
    """Whether Qt chooses X11, as far as the environment alone decides it."""
    on_wayland = bool(environment.get("WAYLAND_DISPLAY"))
    for name in platforms(environment):
        if on_wayland or not name.startswith("wayland"):
            return name == "xcb"
    return bool(environment.get("DISPLAY")) and not on_wayland


def choose(
    environment: MutableMapping[str, str] = os.environ,
    system: str = sys.platform,
    load: Callable[[str], object] = _load,
) -> None:
    """Before there is an application: X11 on a Wayland desktop that cannot lock the pointer."""
    if not prefer_x11(environment, system):
        return
    try:
        check(environment, system, load)
    except ImportError as error:
        del environment["QT_QPA_PLATFORM"]
        _log.info("this desktop cannot lock the pointer, and X11 cannot be used: %s", error)


def stop_releases_by_repeat(
    application: QGuiApplication, load: Callable[[str], Any] = _load
) -> bool:
    """On X11, have a held key repeat without being released each time; whether that was set.

    By default the X server sends a release and a press for each repeat. Qt pairs them only if both
    have arrived when it looks, so a game saw a held key released and pressed again. With detectable
    auto-repeat (XKB) repeats are presses alone, without Qt's auto-repeat flag: `keys_down` knows
    them. It is a property of our connection to the server, not of the server.
    """
    if application.platformName() != "xcb":
        return False
    import ctypes

    try:
        display = application.nativeInterface().display()  # type: ignore[attr-defined]
        function = load("libX11.so.6").XkbSetDetectableAutoRepeat
    except (AttributeError, OSError) as error:
        _log.info("held keys repeat as the X server repeats them: %s", type(error).__name__)
        return False
    function.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int))
    supported = ctypes.c_int(0)
    function(ctypes.c_void_p(display), 1, ctypes.byref(supported))
    return bool(supported.value)
