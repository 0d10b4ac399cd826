"""What a Wayland compositor can do, asked over a connection of our own before Qt is there.

The protocol's first steps by hand (wayland.xml: wl_display, wl_registry): a few hundred bytes over
a local socket. Qt's own choice of a platform does not look at this.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Final

from rejoin.gui.displays import platforms

if TYPE_CHECKING:
    import socket

POINTER_CONSTRAINTS: Final = "zwp_pointer_constraints_v1"
RELATIVE_POINTER: Final = "zwp_relative_pointer_manager_v1"
SHORTCUTS_INHIBIT: Final = "zwp_keyboard_shortcuts_inhibit_manager_v1"

_PATIENCE_S: Final = 2.0
_MOST: Final = 1 << 20
"""No compositor has this many bytes to say of itself."""
_DISPLAY, _REGISTRY, _DONE = 1, 2, 3
_HEAD: Final = struct.Struct("=II")


def globals_of(environment: Mapping[str, str]) -> frozenset[str] | None:
    """The names of the compositor's interfaces; None if there is none or it does not answer."""
    name = environment.get("WAYLAND_DISPLAY", "")
    if not name:
        return None
    import socket  # not where there is no Wayland

    path = os.path.join(environment.get("XDG_RUNTIME_DIR", ""), name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_PATIENCE_S)
        try:
            line.connect(path)
            # wl_display.get_registry, wl_display.sync: the answer to the second ends the first's.
            for opcode, made in ((1, _REGISTRY), (0, _DONE)):
                line.sendall(struct.pack("=III", _DISPLAY, 12 << 16 | opcode, made))
            return _read(line)
        except (OSError, ValueError, struct.error):
            return None


def _read(line: socket.socket) -> frozenset[str] | None:
    found: set[str] = set()
    data, received = b"", 0
    while received < _MOST:
        more = line.recv(65536)
        if not more:
            return None
        data += more
        received += len(more)
        at = 0
        while len(data) - at >= _HEAD.size:
            sender, word = _HEAD.unpack_from(data, at)
            size = word >> 16
            if size < _HEAD.size:
                return None
            if len(data) - at < size:
                break
            body = data[at + _HEAD.size : at + size]
            at += size
            if sender == _DONE:
                return frozenset(found)
            if sender == _REGISTRY and not word & 0xFFFF:  # wl_registry.global
                (length,) = struct.unpack_from("=I", body, 4)
                found.add(body[8 : 8 + length].rstrip(b"\0").decode())
        data = data[at:]
    return None


def prefer_x11(environment: MutableMapping[str, str], system: str) -> bool:
    """On a Wayland desktop that cannot lock the pointer, have Qt use its X11 server, if it has one;
    whether it will. What the player chose (QT_QPA_PLATFORM) stays."""
    if not system.startswith("linux") or platforms(environment) or not environment.get("DISPLAY"):
        return False
    found = globals_of(environment)
    if found is None or {POINTER_CONSTRAINTS, RELATIVE_POINTER} <= found:
        return False
    environment["QT_QPA_PLATFORM"] = "xcb;wayland"
    return True
