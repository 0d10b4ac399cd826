"""A stand-in for NetworkManager on a system bus of its own: one property, asked over real D-Bus."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jeepney import (  # type: ignore[import-untyped]
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_return,
)
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

AVAILABLE = shutil.which("dbus-daemon") is not None and shutil.which("gdbus") is not None
NAME = "org.freedesktop.NetworkManager"
NONE, PORTAL, LIMITED, FULL = 1, 2, 3, 4
"""NMConnectivityState."""


@dataclass
class NetworkManager:
    """`connectivity`: what it says. `asked`: the methods that were called."""

    address: str
    connectivity: int = FULL
    asked: list[str] = field(default_factory=list)

    def answer(self, message: Message) -> Message:
        fields = message.header.fields
        method = fields[HeaderFields.member]
        self.asked.append(method)
        at = (fields[HeaderFields.path], fields.get(HeaderFields.interface), method, message.body)
        expected = (
            "/org/freedesktop/NetworkManager",
            "org.freedesktop.DBus.Properties",
            "Get",
            (NAME, "Connectivity"),
        )
        if at != expected:
            return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
        return new_method_return(message, "v", (("u", self.connectivity),))


@contextmanager
def network_manager(folder: Path) -> Iterator[NetworkManager]:
    """It serves until the end of the block; DBUS_SYSTEM_BUS_ADDRESS has to name its address."""
    address = f"unix:path={folder / 'system-bus'}"
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen([*command, f"--address={address}"], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        service, ended = NetworkManager(address), threading.Event()
        connection = open_dbus_connection(address)
        connection.send_and_get_reply(message_bus.RequestName(NAME))

        def serve() -> None:
            while not ended.is_set():
                try:
                    message = connection.receive(timeout=0.1)
                except TimeoutError:
                    continue
                except (ConnectionError, OSError):
                    return
                if message.header.message_type is MessageType.method_call:
                    connection.send(service.answer(message))

        thread = threading.Thread(target=serve, name="network manager")
        thread.start()
        try:
            yield service
        finally:
            ended.set()
            thread.join()
            connection.close()
            daemon.terminate()
