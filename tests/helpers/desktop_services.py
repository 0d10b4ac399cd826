"""A session bus of its own with a screen saver, the portals and notifications, by jeepney.

It refuses calls with other signatures than the real services have, and notes who calls.
"""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import (  # type: ignore[import-untyped]
    MatchRule,
    message_bus,
)
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    open_dbus_connection,
)

AVAILABLE = shutil.which("dbus-daemon") is not None

SCREEN_SAVER = "org.freedesktop.ScreenSaver"
PORTAL = "org.freedesktop.portal.Desktop"
SETTINGS = "org.freedesktop.portal.Settings"
NOTIFICATIONS = "org.freedesktop.Notifications"
_SIGNATURES = {
    (SCREEN_SAVER, "Inhibit"): "ss",
    (SCREEN_SAVER, "UnInhibit"): "u",
    ("org.freedesktop.portal.Inhibit", "Inhibit"): "sua{sv}",
    ("org.freedesktop.portal.Request", "Close"): "",
    (SETTINGS, "ReadAll"): "as",
    (NOTIFICATIONS, "Notify"): "susssasa{sv}i",
    (NOTIFICATIONS, "CloseNotification"): "u",
}


@dataclass
class Services:
    """`calls`: method and arguments. `held`: who holds the screen saver off, and by which cookie or
    handle; an entry goes when its holder leaves the bus. `shown`: the notifications, by id.
    `settings`: of the portal, by namespace and key."""

    address: str
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    held: dict[object, str] = field(default_factory=dict)
    shown: dict[int, tuple[str, str]] = field(default_factory=dict)
    settings: dict[str, dict[str, tuple[str, object]]] = field(default_factory=dict)
    connection: DBusConnection | None = None
    silent: bool = False
    """It does what it is asked and answers nothing."""
    silent_for: frozenset[str] = frozenset()
    """Methods for which it does so in any case."""
    clicks: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    """Notifications to be clicked, each with a token of the desktop's or None."""

    def click(self, token: str | None = None) -> None:
        """The person clicks the notification that is shown."""
        self.clicks.put(token)

    def send_clicks(self, connection: DBusConnection) -> None:
        """As the specification has it: the token, if there is one, and then the action."""
        while not self.clicks.empty():
            token = self.clicks.get()
            emitter = DBusAddress("/org/freedesktop/Notifications", interface=NOTIFICATIONS)
            for shown in tuple(self.shown):
                if token is not None:
                    connection.send(new_signal(emitter, "ActivationToken", "us", (shown, token)))
                connection.send(new_signal(emitter, "ActionInvoked", "us", (shown, "default")))

    def named(self, method: str) -> list[tuple[Any, ...]]:
        return [arguments for name, arguments in self.calls if name == method]

    def set(self, namespace: str, key: str, value: tuple[str, object]) -> None:
        """Change a setting of the portal, and tell it."""
        assert self.connection is not None
        self.settings.setdefault(namespace, {})[key] = value
        portal = DBusAddress("/org/freedesktop/portal/desktop", interface=SETTINGS)
        body = (namespace, key, value)
        self.connection.send(new_signal(portal, "SettingChanged", "ssv", body))

    def handle(self, message: Message, connection: DBusConnection) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.signal:
            name, _before, after = message.body
            if not after:
                self.held = {key: who for key, who in self.held.items() if who != name}
            return
        if message.header.message_type is not MessageType.method_call:
            return
        interface, method = fields[HeaderFields.interface], fields[HeaderFields.member]
        sender = fields[HeaderFields.sender]
        if _SIGNATURES.get((interface, method)) != fields.get(HeaderFields.signature, ""):
            connection.send(new_error(message, "org.freedesktop.DBus.Error.InvalidArgs"))
            return
        self.calls.append((method, message.body))
        signature, answer = self._answer(interface, method, sender, message)
        if not self.silent and method not in self.silent_for:
            connection.send(new_method_return(message, signature, answer))

    def _answer(
        self, interface: str, method: str, sender: str, message: Message
    ) -> tuple[str | None, tuple[object, ...]]:
        body = message.body
        if method == "Inhibit" and interface == SCREEN_SAVER:
            cookie = 3_000_000_000 + len(self.calls)  # no INT32
            self.held[cookie] = sender
            return "u", (cookie,)
        if method == "ReadAll":
            return "a{sa{sv}}", ({name: self.settings.get(name, {}) for name in body[0]},)
        if method == "Inhibit":
            handle = f"/org/freedesktop/portal/desktop/request/x/{len(self.calls)}"
            self.held[handle] = sender
            return "o", (handle,)
        if method == "UnInhibit":
            self.held.pop(body[0])
        elif method == "Close":
            self.held.pop(message.header.fields[HeaderFields.path])
        elif method == "Notify":
            shown = body[1] or 4_000_000_000 + len(self.calls)
            self.shown[shown] = (body[3], body[4])
            return "u", (shown,)
        elif method == "CloseNotification":
            self.shown.pop(body[0])
        return None, ()


@contextmanager
def session_bus(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a bus that ends with the block. `environment`: of what the bus starts."""
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as daemon:
        try:
            assert daemon.stdout is not None
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


@contextmanager
def desktop_services(*names: str, address: str | None = None) -> Iterator[Services]:
    """These services on a bus of their own, or at `address`."""
    if address is None:
        with session_bus() as own, desktop_services(*names, address=own) as services:
            yield services
        return
    services = Services(address)
    connection = services.connection = open_dbus_connection(address)
    for name in names:
        connection.send_and_get_reply(message_bus.RequestName(name))
    rule = MatchRule(type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged")
    connection.send_and_get_reply(message_bus.AddMatch(rule))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            services.send_clicks(connection)
            try:
                services.handle(connection.receive(timeout=0.1), connection)
            except TimeoutError:
                continue
            except (ConnectionError, OSError):
                return

    thread = threading.Thread(target=serve, name="desktop services")
    thread.start()
    try:
        yield services
    finally:
        ended.set()
        thread.join()
        connection.close()


__all__ = ["AVAILABLE", "NOTIFICATIONS", "PORTAL", "SCREEN_SAVER", "desktop_services"]
