"""Pointer lock and inhibited shortcuts on Wayland: what Qt has no interface for.

By ctypes on the libwayland-client that Qt itself has loaded, over Qt's own connection and its
default queue, so that Qt dispatches our events on its own thread. Protocols: pointer-constraints
and relative-pointer (unstable v1), keyboard-shortcuts-inhibit (unstable v1), of wayland-protocols.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.gui.wayland_wire import POINTER_CONSTRAINTS, RELATIVE_POINTER, SHORTCUTS_INHIBIT

_log = logging.getLogger("rejoin.gui")

_LIBRARY: Final = "libwayland-client.so.0"
_POINTER = ctypes.c_void_p
_UNTIL_UNLOCKED: Final = 1
"""The lifetime "oneshot": a lock that was lost does not come back by itself."""
_DESTROY: Final = 0
_DESTROYED: Final = 1
"""WL_MARSHAL_FLAG_DESTROY."""
_FIXED: Final = 256.0
"""wl_fixed_t counts 1/256."""


class _Interface(ctypes.Structure):
    """wl_interface."""


class _Message(ctypes.Structure):
    """wl_message."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("signature", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.POINTER(_Interface))),
    )


_Interface._fields_ = (
    ("name", ctypes.c_char_p),
    ("version", ctypes.c_int),
    ("method_count", ctypes.c_int),
    ("methods", ctypes.POINTER(_Message)),
    ("event_count", ctypes.c_int),
    ("events", ctypes.POINTER(_Message)),
)

_Types = Sequence[_Interface | None]
_Messages = Sequence[tuple[str, str, _Types]]

_ON_GLOBAL = ctypes.CFUNCTYPE(
    None, _POINTER, _POINTER, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32
)
_ON_GLOBAL_REMOVED = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, ctypes.c_uint32)
_ON_STATE = ctypes.CFUNCTYPE(None, _POINTER, _POINTER)
_ON_MOTION = ctypes.CFUNCTYPE(
    None, _POINTER, _POINTER, *(ctypes.c_uint32,) * 2, *(ctypes.c_int32,) * 4
)


class _Library:
    """The part of libwayland-client that we call. Raises OSError, AttributeError or ValueError."""

    def __init__(self) -> None:
        found = ctypes.CDLL(_LIBRARY)
        self._marshal = found.wl_proxy_marshal_flags
        self._marshal.restype = _POINTER
        self.add_listener = found.wl_proxy_add_listener
        self.add_listener.argtypes = (_POINTER, _POINTER, _POINTER)
        self.create_queue = found.wl_display_create_queue
        self.create_queue.restype, self.create_queue.argtypes = _POINTER, (_POINTER,)
        self.destroy_queue = found.wl_event_queue_destroy
        self.destroy_queue.restype, self.destroy_queue.argtypes = None, (_POINTER,)
        self.roundtrip = found.wl_display_roundtrip_queue
        self.roundtrip.argtypes = (_POINTER, _POINTER)
        self.flush = found.wl_display_flush
        self.flush.argtypes = (_POINTER,)
        self.wrapper = found.wl_proxy_create_wrapper
        self.wrapper.restype, self.wrapper.argtypes = _POINTER, (_POINTER,)
        self.unwrap = found.wl_proxy_wrapper_destroy
        self.unwrap.restype, self.unwrap.argtypes = None, (_POINTER,)
        self.set_queue = found.wl_proxy_set_queue
        self.set_queue.restype, self.set_queue.argtypes = None, (_POINTER, _POINTER)
        self._kept: list[object] = []
        core = {
            name: _Interface.in_dll(found, f"wl_{name}_interface")
            for name in ("registry", "surface", "pointer", "region", "seat")
        }
        self.registry = core["registry"]
        surface, pointer, region = core["surface"], core["pointer"], core["region"]
        self.locked_pointer = self._interface(
            "zwp_locked_pointer_v1",
            (
                ("destroy", "", ()),
                ("set_cursor_position_hint", "ff", (None, None)),
                ("set_region", "?o", (region,)),
            ),
            (("locked", "", ()), ("unlocked", "", ())),
        )
        of_pointer = (surface, pointer, region, None)
        self.constraints = self._interface(
            POINTER_CONSTRAINTS,
            (
                ("destroy", "", ()),
                ("lock_pointer", "noo?ou", (self.locked_pointer, *of_pointer)),
                ("confine_pointer", "noo?ou", (None, *of_pointer)),
            ),
        )
        self.relative_pointer = self._interface(
            "zwp_relative_pointer_v1",
            (("destroy", "", ()),),
            (("relative_motion", "uuffff", (None,) * 6),),
        )
        self.relative_manager = self._interface(
            RELATIVE_POINTER,
            (
                ("destroy", "", ()),
                ("get_relative_pointer", "no", (self.relative_pointer, pointer)),
            ),
        )
        self.inhibitor = self._interface(
            "zwp_keyboard_shortcuts_inhibitor_v1",
            (("destroy", "", ()),),
            (("active", "", ()), ("inactive", "", ())),
        )
        self.inhibit_manager = self._interface(
            SHORTCUTS_INHIBIT,
            (
                ("destroy", "", ()),
                ("inhibit_shortcuts", "noo", (self.inhibitor, surface, core["seat"])),
            ),
        )

    def _interface(self, name: str, requests: _Messages, events: _Messages = ()) -> _Interface:
        def messages(of: _Messages) -> Any:
            made = (_Message * max(1, len(of)))()
            for at, (message, signature, types) in enumerate(of):
                array: Any = (ctypes.POINTER(_Interface) * max(1, len(types)))(
                    *(cast(Any, None if each is None else ctypes.pointer(each)) for each in types)
                )
                self._kept.append(array)
                pointers = ctypes.cast(array, ctypes.POINTER(ctypes.POINTER(_Interface)))
                made[at] = _Message(message.encode(), signature.encode(), pointers)
            self._kept.append(made)
            return made

        return _Interface(
            name.encode(), 1, len(requests), messages(requests), len(events), messages(events)
        )

    def call(
        self, proxy: int, opcode: int, interface: _Interface | None, *arguments: object
    ) -> int | None:
        """Send a request; returns the object that it makes, if any."""
        of = None if interface is None else ctypes.byref(interface)
        made: int | None = self._marshal(
            _POINTER(proxy), ctypes.c_uint32(opcode), of, ctypes.c_uint32(1), ctypes.c_uint32(0),
            *arguments,
        )  # fmt: skip
        return made

    def destroy(self, proxy: int) -> None:
        """Send the destructor of one of our objects; each has it as its first request."""
        self._marshal(
            _POINTER(proxy), ctypes.c_uint32(_DESTROY), None,
            ctypes.c_uint32(1), ctypes.c_uint32(_DESTROYED),
        )  # fmt: skip


class _Listener:
    """The functions that a proxy calls; to be kept as long as the proxy."""

    def __init__(self, library: _Library, proxy: int, *functions: Any) -> None:
        self._functions = functions
        self._table = (_POINTER * len(functions))(
            *(ctypes.cast(each, _POINTER) for each in functions)
        )
        library.add_listener(proxy, self._table, None)


class WaylandDesktop:
    """Locks the pointer and inhibits shortcuts for windows of this program, on Qt's thread."""

    def __init__(self, application: QGuiApplication) -> None:
        """Raises OSError, AttributeError or ValueError where libwayland cannot be used."""
        self._native: Any = cast(Any, application).nativeInterface()
        self._library = _Library()
        self._display: int = self._native.display()
        self._bound: dict[bytes, int | None] = {}
        self._bind()
        self._locked: int | None = None
        self._relative: int | None = None
        self._inhibitor: int | None = None
        self._listeners: list[_Listener] = []
        """Of the newest lock. Those of the one before are freed with the next lock at the soonest:
        an event may be on its way to them."""

    def _bind(self) -> None:
        """Find the managers. On a queue of our own, as Qt's must not be dispatched here."""
        library, names = self._library, {}

        def on_global(_d: object, _r: object, name: int, interface: bytes, _v: int) -> None:
            names[interface] = name

        queue = library.create_queue(self._display)
        display = library.wrapper(self._display)
        library.set_queue(display, queue)
        registry = library.call(display, 1, library.registry, None)
        library.unwrap(display)
        if registry is None:
            return
        self._registry_listener = _Listener(
            library,
            registry,
            _ON_GLOBAL(on_global),
            _ON_GLOBAL_REMOVED(lambda data, registry, name: None),
        )
        library.roundtrip(self._display, queue)
        library.set_queue(registry, None)  # what it makes goes to the queue that Qt dispatches
        library.destroy_queue(queue)
        for wanted in (library.constraints, library.relative_manager, library.inhibit_manager):
            if wanted.name in names:
                self._bound[wanted.name] = library.call(
                    registry,
                    0,
                    wanted,
                    ctypes.c_uint32(names[wanted.name]),
                    ctypes.c_char_p(wanted.name),
                    ctypes.c_uint32(1),
                    None,
                )

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
            constraints, 1, library.locked_pointer, None, _POINTER(int(window.winId())),
            _POINTER(pointer), None, ctypes.c_uint32(_UNTIL_UNLOCKED),
        )  # fmt: skip
        moves = library.call(relative, 1, library.relative_pointer, None, _POINTER(pointer))
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
            _Listener(
                library,
                locked,
                _ON_STATE(lambda data, proxy: on_state(True)),
                _ON_STATE(lambda data, proxy: on_state(False)),
            ),
            _Listener(library, moves, _ON_MOTION(on_motion)),
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
                _POINTER(int(window.winId())),
                _POINTER(devices),
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
