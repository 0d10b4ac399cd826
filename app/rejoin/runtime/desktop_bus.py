"""Asks a Linux desktop over D-Bus to stay awake during a game, and to show notifications.

The screen saver is inhibited by `org.freedesktop.ScreenSaver` (Idle Inhibition Service, freedesktop
specification 0.1) or else by the portal `org.freedesktop.portal.Inhibit`, which sandboxes have.
Both release a client's inhibition when its connection to the bus ends, so a killed program leaves
nothing behind. Notifications are those of `org.freedesktop.Notifications` (specification 1.2).

The library is jeepney: QtDBus from Python sends every number as INT32 or INT64, which services
refuse where they want UINT32.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rejoin.language import mark, tr

_log = logging.getLogger("rejoin.desktop")

NAME: Final = "Rejoin"
REASON: Final = "A game is being played"
CALL_WITHIN_S: Final = 3.0
CLOSE_WITHIN_S: Final = 1.0

_IDLE: Final = 8
"""The flag "Idle" of the portal's Inhibit: the session does not become idle."""
_URGENCY_NORMAL: Final = 1
_AS_LONG_AS_THE_DESKTOP_LIKES: Final = -1
_NOTIFICATIONS: Final = "org.freedesktop.Notifications"
_SHOW: Final = mark("Show the game")
_CLICK: Final = "default"
"""The action of a click on the notification itself."""
_LISTENS_EVERY_S: Final = 0.25
"""How often the bus is checked for a click while a notification is shown."""

OnClick = Callable[["str | None"], None]
"""A notification was clicked: with a token by which the window may come to the front (Wayland's
xdg-activation), where the desktop gives one. Called on the desktop's thread."""


@dataclass(frozen=True, slots=True)
class Notification:
    """`title` in one line, `text` below it; both without markup."""

    title: str
    text: str


class Desktop(Protocol):
    """Services of a desktop for a game.

    No call blocks or raises; without the service nothing happens. Only the newest call of each
    counts.
    """

    def keep_awake(self, wanted: bool) -> None:
        """Keep the screen saver and the blank screen off while this is wanted."""

    def notify(self, notification: Notification | None) -> None:
        """Show this in place of the notification before; None: remove it."""

    def close(self) -> None:
        """Undo everything. May be called twice; later wishes are ignored."""


class NoDesktop:
    """For a system without these services."""

    def keep_awake(self, wanted: bool) -> None: ...

    def notify(self, notification: Notification | None) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Wishes:
    awake: bool = False
    notification: Notification | None = None
    shown: int = 0
    """Rises with each new notification, so that a repeated text is shown again."""
    action: str = ""
    """The label of the click's action, in the window's language."""


class BusDesktop:
    """The desktop of the session bus, on a daemon thread that starts with the first wish."""

    def __init__(self, address: str, on_click: OnClick = lambda token: None) -> None:
        """`address`: of the session bus (`session_bus.bus_address`)."""
        self._address = address
        self._on_click = on_click
        self._changed = threading.Condition()
        self._wishes = _Wishes()
        self._closed = False
        self._thread: threading.Thread | None = None

    def keep_awake(self, wanted: bool) -> None:
        """See `Desktop`."""
        with self._changed:
            wishes = self._wishes
            self._wish(_Wishes(wanted, wishes.notification, wishes.shown, wishes.action))

    def notify(self, notification: Notification | None) -> None:
        """See `Desktop`."""
        with self._changed:
            wishes = self._wishes
            new = notification is not None
            self._wish(_Wishes(wishes.awake, notification, wishes.shown + new, tr(_SHOW)))

    def close(self) -> None:
        """See `Desktop`. Waits for CLOSE_WITHIN_S at most: if the desktop hangs, its inhibition
        ends with the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_WITHIN_S)

    def _wish(self, wishes: _Wishes) -> None:
        """With the lock held."""
        if wishes == self._wishes or self._closed:
            return
        self._wishes = wishes
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rejoin-desktop", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        services = _Services(self._address)
        done = _Wishes()
        while True:
            with self._changed:
                within_s = _LISTENS_EVERY_S if services.is_shown else None
                while self._wishes == done and not self._closed:
                    if not self._changed.wait(within_s):
                        break
                if self._closed:
                    break
                wanted = self._wishes
            if wanted == done:
                clicked, token = services.take_click()
                if clicked:
                    self._on_click(token)
                continue
            if wanted.awake != done.awake:
                services.keep_awake(wanted.awake)
            if (wanted.notification, wanted.shown) != (done.notification, done.shown):
                services.notify(wanted.notification, wanted.action)
            done = wanted
        services.close()


class _Services:
    """The calls, on the thread. The connection is opened by the first one.

    A call that fails is logged and not repeated. One that times out closes the connection, which
    ends everything that the service may still do for it. What the screen saver's service did for
    it is asked for once more, where another service was the one that failed.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: Any = None
        self._release: Callable[[], None] | None = None
        """Ends the inhibition that is held."""
        self._shown = 0
        """The id of the notification that is shown; 0: none."""
        self._signals: deque[Any] = deque(maxlen=16)
        """Signals of the notification service that were received."""

    @property
    def is_shown(self) -> bool:
        return bool(self._shown)

    def take_click(self) -> tuple[bool, str | None]:
        """Whether the notification was clicked since, and the token that came with it."""
        try:
            while self._connection is not None:
                self._connection.recv_messages(timeout=0.0)
        except TimeoutError:
            pass
        except Exception as error:
            _log.info("the desktop is gone: %s", type(error).__name__)
            was_held = self._release is not None
            self._disconnect()
            self._hold_again(was_held)
        clicked, token = False, None
        while self._signals:
            body = self._signals.popleft().body
            if len(body) == 2 and body[0] == self._shown and isinstance(body[1], str):
                if body[1] == _CLICK:
                    clicked = True
                else:
                    token = body[1]
        return clicked, token

    def keep_awake(self, wanted: bool) -> None:
        if not wanted:
            release, self._release = self._release, None
            if release is not None:
                release()
            return
        cookie = self._screen_saver("Inhibit", "ss", (NAME, REASON))
        if cookie is not None:
            self._release = lambda: _ignore(self._screen_saver("UnInhibit", "u", (cookie,)))
            return
        portal = ("/org/freedesktop/portal/desktop", "org.freedesktop.portal.Desktop")
        handle = self._call(
            (*portal, "org.freedesktop.portal.Inhibit"),
            "Inhibit",
            "sua{sv}",
            ("", _IDLE, {"reason": ("s", REASON)}),
        )
        if handle is None:
            _log.info("this desktop's screen saver cannot be held off over D-Bus")
            return
        request = (str(handle), portal[1], "org.freedesktop.portal.Request")
        self._release = lambda: _ignore(self._call(request, "Close", "", ()))

    def notify(self, notification: Notification | None, action: str = "") -> None:
        if notification is None:
            before, self._shown = self._shown, 0
            if before:
                self._notifications("CloseNotification", "u", (before,))
            return
        hints = {"urgency": ("y", _URGENCY_NORMAL), "desktop-entry": ("s", "rejoin")}
        shown = self._notifications(
            "Notify",
            "susssasa{sv}i",
            (
                NAME,
                self._shown,
                "rejoin",
                notification.title,
                _escaped(notification.text),
                [_CLICK, action],
                hints,
                _AS_LONG_AS_THE_DESKTOP_LIKES,
            ),
        )
        self._shown = shown if isinstance(shown, int) else 0

    def close(self) -> None:
        if self._connection is not None:
            self.keep_awake(False)
            self.notify(None)
        self._disconnect()

    def _screen_saver(self, method: str, signature: str, arguments: tuple[object, ...]) -> object:
        name = "org.freedesktop.ScreenSaver"
        at = ("/org/freedesktop/ScreenSaver", name, name)
        return self._call(at, method, signature, arguments)

    def _notifications(self, method: str, signature: str, arguments: tuple[object, ...]) -> object:
        at = ("/org/freedesktop/Notifications", _NOTIFICATIONS, _NOTIFICATIONS)
        was_held = self._release is not None
        answer = self._call(at, method, signature, arguments)
        self._hold_again(was_held)
        return answer

    def _hold_again(self, was_held: bool) -> None:
        """After the connection may have been closed that held the screen saver off."""
        if was_held and self._release is None:
            self.keep_awake(True)

    def _call(
        self, at: tuple[str, str, str], method: str, signature: str, arguments: tuple[object, ...]
    ) -> object:
        """The first value of the answer, or None. `at`: path, name and interface."""
        from jeepney import (  # type: ignore[import-untyped]
            DBusAddress,
            MessageType,
            new_method_call,
        )
        from jeepney.io.blocking import (  # type: ignore[import-untyped]
            open_dbus_connection,
        )

        path, name, interface = at
        address = DBusAddress(path, bus_name=name, interface=interface)
        message = new_method_call(address, method, signature, arguments)
        try:
            if self._connection is None:
                self._connection = open_dbus_connection(self._address)
                self._listen()
            reply = self._connection.send_and_get_reply(message, timeout=CALL_WITHIN_S)
        except (
            Exception
        ) as error:  # of the socket or of the library: a failing desktop must not end the game
            _log.info("%s of %s: %s", method, interface, type(error).__name__)
            self._disconnect()
            return None
        if reply.header.message_type is MessageType.error:
            _log.info("%s of %s was refused", method, interface)
            return None
        return reply.body[0] if reply.body else None

    def _listen(self) -> None:
        """Receive the notification service's signals: ActivationToken, then ActionInvoked."""
        from jeepney import MatchRule
        from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]

        for member in ("ActivationToken", "ActionInvoked"):
            rule = MatchRule(type="signal", interface=_NOTIFICATIONS, member=member)
            self._connection.filter(rule, queue=self._signals)
            self._connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=CALL_WITHIN_S)

    def _disconnect(self) -> None:
        """Close the connection, which ends everything that services hold for it."""
        connection, self._connection = self._connection, None
        self._release, self._shown = None, 0
        if connection is not None:
            connection.close()


def _escaped(text: str) -> str:
    """Servers may read simple markup in the text (not in the title)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _ignore(_answer: object) -> None: ...
