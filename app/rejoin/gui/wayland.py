"""Pointer lock and inhibited shortcuts on Wayland: what Qt has no interface for.

Protocols: pointer-constraints and relative-pointer (unstable v1), keyboard-shortcuts-inhibit
(unstable v1), of wayland-protocols.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui.wayland_client import POINTER, Listener, WaylandLibrary, native_of
from rejoin.gui.wayland_wire import POINTER_CONSTRAINTS, RELATIVE_POINTER, SHORTCUTS_INHIBIT

_log = logging.getLogger("rejoin.gui")

_UNTIL_UNLOCKED: Final = 1
"""The lifetime "oneshot": a lock that was lost does not come back by itself."""
_FIXED: Final = 256.0
"""wl_fixed_t counts 1/256."""

_ON_STATE = ctypes.CFUNCTYPE(None, POINTER, POINTER)
_ON_MOTION = ctypes.CFUNCTYPE(
    None, POINTER, POINTER, *(ctypes.c_uint32,) * 2, *(ctypes.c_int32,) * 4
)


class _Library(WaylandLibrary):
    """With the interfaces of the three protocols."""

    def __init__(self) -> None:
        super().__init__()
        core = self.core
        surface, pointer, region = core["surface"], core["pointer"], core["region"]
        self.locked_pointer = self.interface(
            "zwp_locked_pointer_v1",
            (
                ("destroy", "", ()),
                ("set_cursor_position_hint", "ff", (None, None)),
                ("set_region", "?o", (region,)),
            ),
            (("locked", "", ()), ("unlocked", "", ())),
        )
        of_pointer = (surface, pointer, region, None)
        self.constraints = self.interface(
            POINTER_CONSTRAINTS,
            (
                ("destroy", "", ()),
                ("lock_pointer", "noo?ou", (self.locked_pointer, *of_pointer)),
                ("confine_pointer", "noo?ou", (None, *of_pointer)),
            ),
        )
        self.relative_pointer = self.interface(
            "zwp_relative_pointer_v1",
            (("destroy", "", ()),),
            (("relative_motion", "uuffff", (None,) * 6),),
        )
        self.relative_manager = self.interface(
            RELATIVE_POINTER,
            (
                ("destroy", "", ()),
                ("get_relative_pointer", "no", (self.relative_pointer, pointer)),
            ),
        )
        self.inhibitor = self.interface(
            "zwp_keyboard_shortcuts_inhibitor_v1",
            (("destroy", "", ()),),
            (("active", "", ()), ("inactive", "", ())),
        )
        self.inhibit_manager = self.interface(
            SHORTCUTS_INHIBIT,
            (
                ("destroy", "", ()),
                ("inhibit_shortcuts", "noo", (self.inhibitor, surface, core["seat"])),
            ),
        )


class WaylandDesktop:
    """Locks the pointer and inhibits shortcuts for windows of this program, on Qt's thread."""

    def __init__(self, application: QGuiApplication) -> None:
        """Raises OSError, AttributeError or ValueError where libwayland cannot be used."""
        self._native = native_of(application)
        self._library = library = _Library()
        self._display: int = self._native.display()
        self._bound = library.bind(
            self._display, library.constraints, library.relative_manager, library.inhibit_manager
        )
        self._locked: int | None = None
        self._relative: int | None = None
        self._inhibitor: int | None = None
        self._listeners: list[Listener] = []
        """Of the newest lock. Those of the one before are freed with the next lock at the soonest:
        an event may be on its way to them."""

    # --- the pointer (mouse_capture.PointerLock) ------------------------------------------------

    def lock_pointer(
        self,
        window: QWidget,
        on_lock: Callable[[bool], None],
        on_move: Callable[[float, float], None],
    ) -> bool:
        """See `PointerLock`."""
        self.unlock_pointer()
        library, pointer = self._library, self._native.pointer()
        constraints = self._bound.get(library.constraints.name)
        relative = self._bound.get(library.relative_manager.name)
        if not constraints or not relative or not pointer:
            return False
        locked = library.call(
            constraints, 1, library.locked_pointer, None, POINTER(int(window.winId())),
            POINTER(pointer), None, ctypes.c_uint32(_UNTIL_UNLOCKED),
        )  # fmt: skip
        moves = library.call(relative, 1, library.relative_pointer, None, POINTER(pointer))
        self._locked, self._relative = locked, moves
        if not locked or not moves:
            self.unlock_pointer()
            return False

        def on_state(now_locked: bool) -> None:
            if self._locked == locked:  # not of a lock before this one
                on_lock(now_locked)

        def on_motion(
            _d: Any, _p: Any, _h: Any, _l: Any, dx: int, dy: int, _x: Any, _y: Any
        ) -> None:
            if self._relative == moves:
                on_move(dx / _FIXED, dy / _FIXED)

        self._listeners = [
            Listener(
                library,
                locked,
                _ON_STATE(lambda data, proxy: on_state(True)),
                _ON_STATE(lambda data, proxy: on_state(False)),
            ),
            Listener(library, moves, _ON_MOTION(on_motion)),
        ]
        library.flush(self._display)
        return True

    def unlock_pointer(self) -> None:
        """See `PointerLock`."""
        for proxy in (self._locked, self._relative):
            if proxy:
                self._library.destroy(proxy)
        if self._locked or self._relative:
            self._library.flush(self._display)
        self._locked = self._relative = None

    # --- the keyboard ---------------------------------------------------------------------------

    def inhibit_shortcuts(self, window: QWidget) -> bool:
        """Have the desktop's shortcuts sent to this window while it has the keyboard; whether the
        compositor can."""
        library, devices = self._library, self._native.seat()
        manager = self._bound.get(library.inhibit_manager.name)
        if not manager or not devices:
            return False
        if self._inhibitor is None:
            self._inhibitor = library.call(
                manager,
                1,
                library.inhibitor,
                None,
                POINTER(int(window.winId())),
                POINTER(devices),
            )
            library.flush(self._display)
        return self._inhibitor is not None

    def allow_shortcuts(self) -> None:
        """The desktop has its shortcuts again. May be called twice."""
        if self._inhibitor is not None:
            self._library.destroy(self._inhibitor)
            self._library.flush(self._display)
        self._inhibitor = None


def desktop_of(application: QGuiApplication) -> WaylandDesktop | None:
    """What the compositor offers; None on another platform, or where libwayland cannot be used."""
    if not application.platformName().startswith("wayland"):
        return None
    try:
        return WaylandDesktop(application)
    except (AttributeError, OSError, ValueError) as error:
        _log.warning("the pointer cannot be locked on Wayland: %s", error)
        return None
