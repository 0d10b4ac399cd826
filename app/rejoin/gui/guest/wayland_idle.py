"""Holds off the screen saver on Wayland for a window that is seen: what Qt has no interface for.

By ctypes on the libwayland-client that Qt itself has loaded, over Qt's own connection. Protocol:
idle-inhibit (unstable v1) of wayland-protocols. The compositor counts an inhibitor only while its
surface is visible, and ends it with the client's connection.
"""

from __future__ import annotations

import ctypes
import logging
from typing import Any, Final, cast

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

_log = logging.getLogger("rejoin.gui")

_LIBRARY: Final = "libwayland-client.so.0"
_MANAGER: Final = b"zwp_idle_inhibit_manager_v1"
_POINTER = ctypes.c_void_p
_DESTROY: Final = 0
_DESTROYED: Final = 1
"""WL_MARSHAL_FLAG_DESTROY."""
_GET_REGISTRY, _BIND, _CREATE_INHIBITOR = 1, 0, 1


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

_ON_GLOBAL = ctypes.CFUNCTYPE(
    None, _POINTER, _POINTER, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32
)
_ON_GLOBAL_REMOVED = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, ctypes.c_uint32)


class IdleInhibitor:
    """One inhibitor, for one window at a time; on Qt's thread."""

    def __init__(self, application: QGuiApplication) -> None:
        """Raises OSError, AttributeError or ValueError where libwayland cannot be used, or the
        compositor has no idle inhibitors."""
        native: Any = cast(Any, application).nativeInterface()
        self._display: int = native.display()
        self._library = ctypes.CDLL(_LIBRARY)
        self._declare()
        self._held: tuple[int, int] | None = None
        """The inhibitor, and the surface that it is for."""
        self._manager = self._bound()

    def _declare(self) -> None:
        library = self._library
        self._marshal = library.wl_proxy_marshal_flags
        self._marshal.restype = _POINTER
        for name, result, arguments in (
            ("wl_display_create_queue", _POINTER, 1),
            ("wl_event_queue_destroy", None, 1),
            ("wl_display_roundtrip_queue", ctypes.c_int, 2),
            ("wl_display_flush", ctypes.c_int, 1),
            ("wl_proxy_create_wrapper", _POINTER, 1),
            ("wl_proxy_wrapper_destroy", None, 1),
            ("wl_proxy_set_queue", None, 2),
            ("wl_proxy_add_listener", ctypes.c_int, 3),
            ("wl_proxy_destroy", None, 1),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, (_POINTER,) * arguments
        surface = _Interface.in_dll(library, "wl_surface_interface")
        self._inhibitor = _Interface(b"zwp_idle_inhibitor_v1", 1, 1, _messages(("destroy", "")))
        self._of_manager = _Interface(
            _MANAGER, 1, 2, _messages(("destroy", ""), ("create_inhibitor", "no"))
        )
        types = (ctypes.POINTER(_Interface) * 2)(
            ctypes.pointer(self._inhibitor), ctypes.pointer(surface)
        )
        self._kept = types
        self._of_manager.methods[1].types = ctypes.cast(
            types, ctypes.POINTER(ctypes.POINTER(_Interface))
        )

    def _bound(self) -> int:
        """The manager. Found over a queue of our own, as Qt's must not be dispatched here."""
        library, names = self._library, {}

        def on_global(_d: object, _r: object, name: int, interface: bytes, _v: int) -> None:
            names[interface] = name

        registry_interface = _Interface.in_dll(library, "wl_registry_interface")
        queue = library.wl_display_create_queue(self._display)
        display = library.wl_proxy_create_wrapper(self._display)
        library.wl_proxy_set_queue(display, queue)
        registry = self._call(display, _GET_REGISTRY, registry_interface, None)
        library.wl_proxy_wrapper_destroy(display)
        functions = (_ON_GLOBAL(on_global), _ON_GLOBAL_REMOVED(lambda data, registry, name: None))
        table = (_POINTER * 2)(*(ctypes.cast(each, _POINTER) for each in functions))
        library.wl_proxy_add_listener(registry, table, None)
        library.wl_display_roundtrip_queue(self._display, queue)
        manager = None
        if _MANAGER in names:
            manager = self._call(
                registry,
                _BIND,
                self._of_manager,
                ctypes.c_uint32(names[_MANAGER]),
                ctypes.c_char_p(_MANAGER),
                ctypes.c_uint32(1),
                None,
            )
        library.wl_proxy_destroy(registry)
        if manager is not None:
            library.wl_proxy_set_queue(manager, None)
        library.wl_event_queue_destroy(queue)
        if manager is None:
            raise ValueError("the compositor has no idle inhibitors")
        return manager

    def _call(
        self, proxy: int | None, opcode: int, interface: _Interface | None, *arguments: object
    ) -> int | None:
        """Send a request; returns the object that it makes. `interface`: None: the destructor."""
        of = None if interface is None else ctypes.byref(interface)
        flags = _DESTROYED if interface is None else 0
        made: int | None = self._marshal(
            _POINTER(proxy), ctypes.c_uint32(opcode), of,
            ctypes.c_uint32(1), ctypes.c_uint32(flags), *arguments,
        )  # fmt: skip
        return made

    def hold(self, window: QWidget | None) -> None:
        """Hold the screen saver off for this window, which is shown; None: for none.

        To be called again at each change of the window: its surface may be another one.
        """
        surface = None if window is None else int(window.winId())
        if surface == (None if self._held is None else self._held[1]):
            return
        if self._held is not None:
            self._call(self._held[0], _DESTROY, None)
            self._held = None
        if surface is not None:
            made = self._call(
                self._manager, _CREATE_INHIBITOR, self._inhibitor, None, _POINTER(surface)
            )
            self._held = None if made is None else (made, surface)
        self._library.wl_display_flush(self._display)


def _messages(*requests: tuple[str, str]) -> Any:
    made = (_Message * len(requests))()
    for at, (name, signature) in enumerate(requests):
        none = (ctypes.POINTER(_Interface) * 1)()
        pointers = ctypes.cast(none, ctypes.POINTER(ctypes.POINTER(_Interface)))
        made[at] = _Message(name.encode(), signature.encode(), pointers)
    return made


def inhibitor_of(application: QGuiApplication) -> IdleInhibitor | None:
    """None on another platform, and where it cannot be used."""
    if not application.platformName().startswith("wayland"):
        return None
    try:
        return IdleInhibitor(application)
    except (AttributeError, OSError, ValueError) as error:
        _log.info("the screen saver cannot be held off on Wayland: %s", error)
        return None
