"""A pointer and a keyboard for a Wayland compositor, as by devices: a few lines of wire protocol.

zwlr_virtual_pointer_manager_v1 and zwp_virtual_keyboard_manager_v1 (wlroots has both). The keyboard
brings the usual keymap of evdev, so that scan codes are those of a real keyboard.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rejoin.input_events.keys import BY_CODE

LEFT, RIGHT, MIDDLE, BACK, FORWARD = 0x110, 0x111, 0x112, 0x113, 0x114
"""BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE and BTN_EXTRA of input-event-codes.h."""

_MODIFIERS = {"ShiftLeft": 1, "ControlLeft": 4, "AltLeft": 8, "MetaLeft": 64}
"""Bits of the keymap's modifiers; a virtual keyboard says itself what is held."""


def _keymap(layout: str) -> bytes:
    """The XKB keymap of a layout, as text with a NUL, by libxkbcommon."""
    library = ctypes.CDLL("libxkbcommon.so.0")
    library.xkb_context_new.restype = ctypes.c_void_p
    library.xkb_keymap_new_from_names.restype = ctypes.c_void_p
    library.xkb_keymap_get_as_string.restype = ctypes.c_char_p
    context = ctypes.c_void_p(library.xkb_context_new(0))
    names = (ctypes.c_char_p * 5)(b"evdev", b"pc105", layout.encode(), None, None)
    keymap = ctypes.c_void_p(library.xkb_keymap_new_from_names(context, names, 0))
    text: bytes = library.xkb_keymap_get_as_string(keymap, 1)
    return text + b"\0"


class WaylandInput:
    """One connection to the compositor. Every call has been carried out when it returns."""

    def __init__(self, environment: Mapping[str, str], layout: str = "us") -> None:
        path = Path(environment["XDG_RUNTIME_DIR"]) / environment["WAYLAND_DISPLAY"]
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(path))
        self._next = 2
        self._data = b""
        self._globals: dict[str, int] = {}
        self._registry = self._made()
        self._request(1, 1, struct.pack("=I", self._registry))
        self._sync()
        seat = self._bind("wl_seat")
        pointers = self._bind("zwlr_virtual_pointer_manager_v1")
        keyboards = self._bind("zwp_virtual_keyboard_manager_v1")
        self._pointer, self._keyboard = self._made(), self._made()
        self._request(pointers, 0, struct.pack("=II", seat, self._pointer))
        self._request(keyboards, 0, struct.pack("=II", seat, self._keyboard))
        self._held: set[str] = set()
        self._give_keymap(_keymap(layout))
        self._sync()

    def close(self) -> None:
        self._line.close()

    # --- as a person would ----------------------------------------------------------------------

    def move_by(self, dx: float, dy: float) -> None:
        fixed = (int(dx * 256), int(dy * 256))
        self._request(self._pointer, 0, struct.pack("=Iii", _now(), *fixed))
        self._frame()

    def move_to(self, x: int, y: int, size: tuple[int, int]) -> None:
        """Of a screen of this size."""
        self._request(self._pointer, 1, struct.pack("=IIIII", _now(), x, y, *size))
        self._frame()

    def button(self, number: int, pressed: bool) -> None:
        self._request(self._pointer, 2, struct.pack("=III", _now(), number, pressed))
        self._frame()

    def key(self, code: str, pressed: bool) -> None:
        number = BY_CODE[code].evdev[0]
        self._request(self._keyboard, 1, struct.pack("=III", _now(), number, pressed))
        if code in _MODIFIERS:
            (self._held.add if pressed else self._held.discard)(code)
            bits = sum(_MODIFIERS[each] for each in self._held)
            self._request(self._keyboard, 2, struct.pack("=IIII", bits, 0, 0, 0))
        self._sync()

    # --- the protocol ---------------------------------------------------------------------------

    def _frame(self) -> None:
        self._request(self._pointer, 4, b"")
        self._sync()

    def _give_keymap(self, text: bytes) -> None:
        file = os.memfd_create("keymap")
        try:
            os.write(file, text)
            body = struct.pack("=II", 1, len(text))
            head = struct.pack("=II", self._keyboard, (len(body) + 8) << 16)
            socket.send_fds(self._line, [head + body], [file])
        finally:
            os.close(file)

    def _made(self) -> int:
        self._next += 1
        return self._next - 1

    def _bind(self, interface: str) -> int:
        made, name = self._made(), interface.encode() + b"\0"
        padded = name + bytes(-len(name) % 4)
        body = struct.pack("=II", self._globals[interface], len(name)) + padded
        self._request(self._registry, 0, body + struct.pack("=II", 1, made))
        return made

    def _request(self, sender: int, opcode: int, body: bytes) -> None:
        self._line.sendall(struct.pack("=II", sender, (len(body) + 8) << 16 | opcode) + body)

    def _sync(self) -> None:
        """Until the compositor has read all that was sent."""
        done = self._made()
        self._request(1, 0, struct.pack("=I", done))
        while True:
            self._data += self._line.recv(65536)
            while len(self._data) >= 8:
                sender, word = struct.unpack_from("=II", self._data)
                size = word >> 16
                if len(self._data) < size:
                    break
                body, self._data = self._data[8:size], self._data[size:]
                if sender == self._registry and not word & 0xFFFF:
                    number, length = struct.unpack_from("=II", body)
                    self._globals[body[8 : 7 + length].decode()] = number
                assert sender != 1 or word & 0xFFFF, body  # wl_display.error
                if sender == done:
                    return


def _now() -> int:
    return int(time.monotonic() * 1000) & 0xFFFFFFFF


@contextlib.contextmanager
def wayland_input(environment: Mapping[str, str], layout: str = "us") -> Iterator[WaylandInput]:
    made = WaylandInput(environment, layout)
    try:
        yield made
    finally:
        made.close()
