"""Wayland over Qt's own connection, for protocols that Qt has no interface for.

By ctypes on the libwayland-client that Qt itself has loaded. What is made here belongs to the queue
that Qt dispatches, so that its events arrive on Qt's own thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final, cast

from PySide6.QtGui import QGuiApplication

_LIBRARY: Final = "libwayland-client.so.0"
POINTER = ctypes.c_void_p
_DESTROY: Final = 0
_DESTROYED: Final = 1
"""WL_MARSHAL_FLAG_DESTROY."""
_GET_REGISTRY: Final = 1
_BIND: Final = 0


class Interface(ctypes.Structure):
    """wl_interface."""


class _Message(ctypes.Structure):
    """wl_message."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("signature", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.POINTER(Interface))),
    )


Interface._fields_ = (
    ("name", ctypes.c_char_p),
    ("version", ctypes.c_int),
    ("method_count", ctypes.c_int),
    ("methods", ctypes.POINTER(_Message)),
    ("event_count", ctypes.c_int),
    ("events", ctypes.POINTER(_Message)),
)

Messages = Sequence[tuple[str, str, Sequence[Interface | None]]]
"""Of each request or event: name, signature, and for each argument the interface of its object."""

_ON_GLOBAL = ctypes.CFUNCTYPE(
    None, POINTER, POINTER, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32
)
_ON_GLOBAL_REMOVED = ctypes.CFUNCTYPE(None, POINTER, POINTER, ctypes.c_uint32)


class WaylandLibrary:
    """The part of libwayland-client that we call. Raises OSError, AttributeError or ValueError."""

    def __init__(self) -> None:
        found = ctypes.CDLL(_LIBRARY)
        self._marshal = found.wl_proxy_marshal_flags
        self._marshal.restype = POINTER
        for name, result, arguments in (
            ("wl_display_create_queue", POINTER, 1),
            ("wl_event_queue_destroy", None, 1),
            ("wl_display_roundtrip_queue", ctypes.c_int, 2),
            ("wl_display_flush", ctypes.c_int, 1),
            ("wl_proxy_create_wrapper", POINTER, 1),
            ("wl_proxy_wrapper_destroy", None, 1),
            ("wl_proxy_set_queue", None, 2),
            ("wl_proxy_add_listener", ctypes.c_int, 3),
            ("wl_proxy_destroy", None, 1),
        ):
            function = getattr(found, name)
            function.restype, function.argtypes = result, (POINTER,) * arguments
        self._found = found
        self._kept: list[object] = []
        self.core = {
            name: Interface.in_dll(found, f"wl_{name}_interface")
            for name in ("registry", "surface", "pointer", "region", "seat")
        }
        """Interfaces that libwayland itself has."""

    def interface(self, name: str, requests: Messages, events: Messages = ()) -> Interface:
        """An interface of version 1, whose first request is its destructor."""
        return Interface(
            name.encode(),
            1,
            len(requests),
            self._messages(requests),
            len(events),
            self._messages(events),
        )

    def _messages(self, of: Messages) -> Any:
        made = (_Message * max(1, len(of)))()
        for at, (message, signature, types) in enumerate(of):
            array: Any = (ctypes.POINTER(Interface) * max(1, len(types)))(
                *(cast(Any, None if each is None else ctypes.pointer(each)) for each in types)
            )
            self._kept.append(array)
            pointers = ctypes.cast(array, ctypes.POINTER(ctypes.POINTER(Interface)))
            made[at] = _Message(message.encode(), signature.encode(), pointers)
        self._kept.append(made)
        return made

    def call(
        self, proxy: int, opcode: int, interface: Interface | None, *arguments: object
    ) -> int | None:
        """Send a request; returns the object that it makes, if any."""
        of = None if interface is None else ctypes.byref(interface)
        made: int | None = self._marshal(
            POINTER(proxy), ctypes.c_uint32(opcode), of, ctypes.c_uint32(1), ctypes.c_uint32(0),
            *arguments,
        )  # fmt: skip
        return made

    def destroy(self, proxy: int) -> None:
        """Send the destructor of one of our objects."""
        self._marshal(
            POINTER(proxy), ctypes.c_uint32(_DESTROY), None,
            ctypes.c_uint32(1), ctypes.c_uint32(_DESTROYED),
        )  # fmt: skip

    def flush(self, display: int) -> None:
        """Send now what was requested."""
        self._found.wl_display_flush(display)

    def bind(self, display: int, *wanted: Interface) -> dict[bytes, int]:
        """The compositor's objects of these interfaces, by name; without those that it lacks.

        Found over a queue of our own, as Qt's must not be dispatched here.
        """
        found, names = self._found, {}

        def on_global(_d: object, _r: object, name: int, interface: bytes, _v: int) -> None:
            names[interface] = name

        queue = found.wl_display_create_queue(display)
        wrapper = found.wl_proxy_create_wrapper(display)
        found.wl_proxy_set_queue(wrapper, queue)
        registry = self.call(wrapper, _GET_REGISTRY, self.core["registry"], None)
        found.wl_proxy_wrapper_destroy(wrapper)
        if registry is None:
            return {}
        listener = Listener(
            self,
            registry,
            _ON_GLOBAL(on_global),
            _ON_GLOBAL_REMOVED(lambda data, registry, name: None),
        )
        found.wl_display_roundtrip_queue(display, queue)
        found.wl_proxy_set_queue(registry, None)  # what it makes goes to the queue of Qt
        found.wl_event_queue_destroy(queue)
        bound: dict[bytes, int] = {}
        for each in wanted:
            if each.name not in names:
                continue
            made = self.call(
                registry, _BIND, each, ctypes.c_uint32(names[each.name]),
                ctypes.c_char_p(each.name), ctypes.c_uint32(1), None,
            )  # fmt: skip
            if made is not None:
                bound[each.name] = made
        found.wl_proxy_destroy(registry)
        del listener  # nothing calls it any more
        return bound

    def listen(self, proxy: int, table: Any) -> None:
        """Have the proxy call the functions of this table."""
        self._found.wl_proxy_add_listener(proxy, table, None)


class Listener:
    """The functions that a proxy calls; to be kept as long as the proxy."""

    def __init__(self, library: WaylandLibrary, proxy: int, *functions: Any) -> None:
        self._functions = functions
        self._table = (POINTER * len(functions))(
            *(ctypes.cast(each, POINTER) for each in functions)
        )
        library.listen(proxy, self._table)


def native_of(application: QGuiApplication) -> Any:
    """Qt's native interface on Wayland: `display()`, `pointer()` and `seat()` are addresses."""
    return cast(Any, application).nativeInterface()
