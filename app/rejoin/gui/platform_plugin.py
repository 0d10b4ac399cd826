"""Whether Qt's plugin for X11 can be loaded: Qt itself aborts the process when it cannot."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QLibraryInfo


def check(
    environment: Mapping[str, str] = os.environ,
    system: str = sys.platform,
    load: Callable[[str], object] = ctypes.CDLL,
) -> None:
    """Raise ImportError, with the library's name, where the plugin lacks a system library."""
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
    chosen = environment.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if chosen:
        return chosen == "xcb"
    return bool(environment.get("DISPLAY")) and not environment.get("WAYLAND_DISPLAY")
