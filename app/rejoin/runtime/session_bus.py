"""Finds the address of the desktop's session bus (D-Bus on Linux)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def bus_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address of the bus; None if there is none."""
    address = environment.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    socket = Path(environment.get("XDG_RUNTIME_DIR", "")) / "bus"
    try:
        found = socket.is_absolute() and socket.is_socket()
    except OSError:  # the folder of another user, as after `sudo -u`
        return None
    return f"unix:path={socket}" if found else None
