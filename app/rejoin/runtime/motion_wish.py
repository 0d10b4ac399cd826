"""Whether the operating system asks for reduced motion.

On Linux the portal `org.freedesktop.portal.Settings` reports it and its changes over D-Bus:
`org.freedesktop.appearance` `reduced-motion`, and on desktops with only GNOME's switch
`org.gnome.desktop.interface` `enable-animations`. One of them is enough. Windows and macOS are
asked once; that code was written from their documentation and was not run there.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from rejoin.runtime.session_bus import bus_address

if TYPE_CHECKING:
    import socket

_log = logging.getLogger("rejoin.desktop")

CLOSE_WITHIN_S: Final = 1.0

_PORTAL: Final = "org.freedesktop.portal.Desktop"
_PATH: Final = "/org/freedesktop/portal/desktop"
_INTERFACE: Final = "org.freedesktop.portal.Settings"
_APPEARANCE: Final = ("org.freedesktop.appearance", "reduced-motion")
_GNOME: Final = ("org.gnome.desktop.interface", "enable-animations")
_KEYS: Final = (_APPEARANCE, _GNOME)
_READ: Final = 1_000
"""The serial number of the one call that is answered with values."""

_GET_CLIENT_AREA_ANIMATION: Final = 0x1042
"""SPI_GETCLIENTAREAANIMATION of Windows."""

OnWish = Callable[[bool], None]
"""Takes whether motion is to be reduced, on a thread of the wish."""


class MotionWish(Protocol):
    """The system's setting. No call blocks or raises; without an answer motion is not reduced."""

    def follow(self, on_wish: OnWish) -> None:
        """Call `on_wish` when it is known, and after each change that the system reports."""

    def close(self) -> None:
        """No `on_wish` begins after this. May be called twice."""


class NoMotionWish:
    """For a system without such a setting."""

    def follow(self, on_wish: OnWish) -> None: ...

    def close(self) -> None: ...


class AskedOnce:
    """For a system that is asked once, by a call of its library."""

    def __init__(self, wishes: Callable[[], bool]) -> None:
        """`wishes` may raise anything: then motion is not reduced."""
        self._wishes = wishes

    def follow(self, on_wish: OnWish) -> None:
        """See `MotionWish`. On this thread."""
        try:
            wished = self._wishes()
        except Exception as error:  # of a system's library: a failure must not end the window
            _log.info("the system's wish for motion: %s", type(error).__name__)
            return
        on_wish(wished)

    def close(self) -> None: ...


class PortalWish:
    """The portal of the session bus, on a daemon thread that sleeps between its signals.

    The thread ends when there is no portal. One that takes its time is waited for there.
    """

    def __init__(self, address: str) -> None:
        """`address`: of the session bus (`session_bus.bus_address`)."""
        self._address = address
        self._lock = threading.Lock()
        self._closed = False
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def follow(self, on_wish: OnWish) -> None:
        """See `MotionWish`. Once."""
        self._thread = threading.Thread(
            target=self._run, args=(on_wish,), name="rejoin-motion", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """See `MotionWish`. Waits for CLOSE_WITHIN_S at most: a bus that hangs is abandoned."""
        with self._lock:
            self._closed = True
            if self._socket is not None:
                _shut_down(self._socket)
        if self._thread is not None:
            self._thread.join(CLOSE_WITHIN_S)

    def _run(self, on_wish: OnWish) -> None:
        from jeepney.io.blocking import (  # type: ignore[import-untyped]
            open_dbus_connection,
        )

        try:
            with open_dbus_connection(self._address) as connection:
                with self._lock:
                    if self._closed:
                        return
                    self._socket = connection.sock
                try:
                    self._listen(connection, on_wish)
                finally:
                    with self._lock:
                        self._socket = None
        except (
            Exception
        ) as error:  # of the socket or of the library: a failure must not end the window
            if not self._closed:
                _log.info("the portal's wish for motion: %s", type(error).__name__)

    def _listen(self, connection: Any, on_wish: OnWish) -> None:
        """Until the connection ends, or there is no portal."""
        from jeepney import (  # type: ignore[import-untyped]
            DBusAddress,
            HeaderFields,
            MatchRule,
            MessageType,
            message_bus,
            new_method_call,
        )

        rule = MatchRule(
            type="signal", sender=_PORTAL, interface=_INTERFACE, member="SettingChanged", path=_PATH
        )
        portal = DBusAddress(_PATH, bus_name=_PORTAL, interface=_INTERFACE)
        names = ([namespace for namespace, _ in _KEYS],)
        connection.send(message_bus.AddMatch(rule))
        connection.send(new_method_call(portal, "ReadAll", "as", names), serial=_READ)
        values: dict[tuple[str, str], object] = {}
        known: bool | None = None
        while True:
            message = connection.receive()
            header = message.header
            if header.message_type is MessageType.signal:
                if header.fields.get(HeaderFields.member) != "SettingChanged":
                    continue
                values |= _changed(message.body)
            elif header.fields.get(HeaderFields.reply_serial) != _READ:
                continue
            elif header.message_type is MessageType.error:
                _log.info("no portal says whether motion is to be reduced")
                return
            else:
                values = _read(message.body) | values
            wished = _wished(values)
            if wished != known:
                known = wished
                self._say(on_wish, wished)

    def _say(self, on_wish: OnWish, wished: bool) -> None:
        with self._lock:
            if not self._closed:
                on_wish(wished)


def _shut_down(connected: socket.socket) -> None:
    """Wake the thread that reads from it."""
    import socket  # the window is painted without, as without ctypes below

    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the bus was faster


def _read(body: tuple[Any, ...]) -> dict[tuple[str, str], object]:
    """The values that count in the answer of ReadAll (`a{sa{sv}}`), which may be malformed."""
    if len(body) != 1 or not isinstance(body[0], Mapping):
        return {}
    found: dict[tuple[str, str], object] = {}
    for namespace, key in _KEYS:
        group = body[0].get(namespace)
        if isinstance(group, Mapping) and key in group:
            found[namespace, key] = _plain(group[key])
    return found


def _changed(body: tuple[Any, ...]) -> dict[tuple[str, str], object]:
    """The value in the signal SettingChanged (`ssv`), if it is one that counts here."""
    if len(body) != 3 or body[:2] not in _KEYS:
        return {}
    return {(body[0], body[1]): _plain(body[2])}


def _plain(variant: object) -> object:
    """jeepney's variants are pairs of signature and value; a portal may put one into another."""
    for _ in range(2):
        if isinstance(variant, tuple) and len(variant) == 2:
            variant = variant[1]
    return variant


def _wished(values: Mapping[tuple[str, str], object]) -> bool:
    """1 is "reduced motion", 0 "no preference", and unknown numbers are that as well."""
    reduced = values.get(_APPEARANCE)
    return (reduced == 1 and reduced is not True) or values.get(_GNOME) is False


def motion_wish(*, with_desktop: bool, system: str = sys.platform) -> MotionWish:
    """That of this system. `with_desktop`: on Linux, whether a person sees the windows."""
    if system == "win32":
        return AskedOnce(_windows_wishes)
    if system == "darwin":
        return AskedOnce(_macos_wishes)
    address = bus_address() if with_desktop else None
    return NoMotionWish() if address is None else PortalWish(address)


def _windows_wishes() -> bool:
    """The switch "Animation effects" of Windows is off. Not run on Windows."""
    import ctypes

    animated = ctypes.c_int(1)
    user32 = ctypes.CDLL("user32")
    answered = user32.SystemParametersInfoW(
        _GET_CLIENT_AREA_ANIMATION, 0, ctypes.byref(animated), 0
    )
    return bool(answered) and not animated.value


def _macos_wishes() -> bool:
    """NSWorkspace's accessibilityDisplayShouldReduceMotion. Not run on macOS."""
    import ctypes

    objc = ctypes.CDLL("/usr/lib/libobjc.dylib")
    ctypes.CDLL("/System/Library/Frameworks/AppKit.framework/AppKit")
    objc.objc_getClass.restype = objc.sel_registerName.restype = ctypes.c_void_p
    objc.objc_getClass.argtypes = objc.sel_registerName.argtypes = (ctypes.c_char_p,)
    send = ctypes.cast(objc.objc_msgSend, ctypes.c_void_p).value
    assert send is not None
    of_object = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(send)
    of_flag = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)(send)
    workspace = of_object(
        objc.objc_getClass(b"NSWorkspace"), objc.sel_registerName(b"sharedWorkspace")
    )
    wishes = objc.sel_registerName(b"accessibilityDisplayShouldReduceMotion")
    return bool(of_flag(workspace, wishes))
