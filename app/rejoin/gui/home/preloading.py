"""Loads after the first paint what a game needs, so that no press of a button waits for it.

What knows nothing of Qt is imported on the background thread, a module at a time; an import holds
the interpreter while a library is loaded, and the pauses let the window's thread have it. What
makes classes of Qt's is imported on the window's thread, a module at each turn of its loop.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QTimer

BESIDE: Final = (
    "rejoin.core.model",
    "asyncio",
    "ssl",
    "numpy",
    "av",
    "cryptography.hazmat.bindings._rust",
    "cryptography.x509",
    "pydantic",
    "httpcore",
    "httpx",
    "aioice",
    "aiortc.rtcdatachannel",
    "aiortc",
    "keyring",
    "rejoin.signaling.wire",
    "rejoin.signaling.exchange",
    "rejoin.signaling.openid_client",
    "rejoin.runtime.instance_server",
    "rejoin.runtime.backend_visit",
    "rejoin.runtime.opening",
    "rejoin.rtc.peer",
    "rejoin.runtime.player",
    "rejoin.runtime.stream_thread",
    "rejoin.gamepads.reader",
    "rejoin.redact",
    "rejoin.input_events.keys",
    "rejoin.media.video.scaling",
    "rejoin.media.video.frame_pacer",
    "rejoin.media.video.probing",
)
"""In this order: a library before what is made of it."""

IN_TURN: Final = (
    "rejoin.gui.home.step_page",
    "rejoin.gui.home.steps",
    "rejoin.gui.texts",
    "rejoin.gui.bridge",
    "rejoin.gui.raster_surface",
    "rejoin.gui.video_view",
    "rejoin.gui.key_events",
    "rejoin.gui.card",
    "rejoin.gui.shortcuts",
    "rejoin.gui.input",
    "rejoin.gui.mouse_capture",
    "rejoin.gui.notes",
    "rejoin.gui.corners",
    "rejoin.gui.end_card",
    "rejoin.gui.reconnect_overlay",
    "rejoin.gui.starting_card",
    "rejoin.gui.stats_overlay",
    "rejoin.gui.layers",
    "rejoin.gui.announcer",
    "rejoin.gui.module_wishes",
    "rejoin.gui.pointer",
    "rejoin.gui.wayland",
    "rejoin.gui.system_keys",
    "rejoin.gui.touch",
    "rejoin.gui.controls",
    "rejoin.gui.report",
    "rejoin.gui.surface_choice",
    "rejoin.gui.window_options",
    "rejoin.gui.main_window",
    "rejoin.gui.network_hint",
    "rejoin.gui.settings.following",
    "rejoin.gui.guest.hosted",
    "rejoin.gui.home.played_game",
)
"""After those."""

_PAUSE_S: Final = 0.003


def load_beside(names: tuple[str, ...] = BESIDE) -> None:
    """On the background thread. A missing module fails later, where it is used, with its
    sentence."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            return
        time.sleep(_PAUSE_S)


class LoadInTurn:
    """Imports on the window's thread, one module at each turn of its loop, and then says so."""

    def __init__(self, done: Callable[[], None], names: tuple[str, ...] = IN_TURN) -> None:
        self._names = list(names)
        self._done = done
        self._ended = False

    def begin(self) -> None:
        QTimer.singleShot(0, self._next)

    def end(self) -> None:
        """Import nothing more, and say nothing."""
        self._ended = True

    def _next(self) -> None:
        if self._ended:
            return
        if not self._names:
            self._done()
            return
        try:
            importlib.import_module(self._names.pop(0))
        except ImportError:
            self._names.clear()
        QTimer.singleShot(5, self._next)
