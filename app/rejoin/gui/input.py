"""Keyboard, buttons, pointer and wheel -> `Controls`: everything that is held, as one value.

Keys are positions (USB HID usages of page 7), not letters: W is where W is on a US keyboard. On X11
and Wayland the position comes from the scan code (evdev + 8). Elsewhere, and for codes that are not
in the table, it comes from `Qt.Key`, which follows the keyboard layout: a limitation on Windows and
macOS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent

from rejoin.input_protocol.controls import Controls

_U32 = 0xFFFFFFFF

# Linux input-event-codes.h -> HID Usage Tables 1.5, page 0x07.
_EVDEV: dict[int, int] = {
    1: 0x29,  # escape
    **{code: 0x1E + code - 2 for code in range(2, 12)},  # 1..9, 0
    **dict(zip(range(12, 16), (0x2D, 0x2E, 0x2A, 0x2B), strict=True)),  # - = backspace tab
    **dict(
        zip(
            range(16, 28),  # q w e r t y u i o p [ ]
            (0x14, 0x1A, 0x08, 0x15, 0x17, 0x1C, 0x18, 0x0C, 0x12, 0x13, 0x2F, 0x30),
            strict=True,
        )
    ),
    28: 0x28,  # enter
    29: 0xE0,  # left control
    **dict(
        zip(
            range(30, 42),  # a s d f g h j k l ; ' `
            (0x04, 0x16, 0x07, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F, 0x33, 0x34, 0x35),
            strict=True,
        )
    ),
    42: 0xE1,  # left shift
    43: 0x31,  # backslash
    **dict(
        zip(
            range(44, 54),  # z x c v b n m , . /
            (0x1D, 0x1B, 0x06, 0x19, 0x05, 0x11, 0x10, 0x36, 0x37, 0x38),
            strict=True,
        )
    ),
    54: 0xE5,  # right shift
    55: 0x55,  # keypad *
    56: 0xE2,  # left alt
    57: 0x2C,  # space
    58: 0x39,  # caps lock
    **{code: 0x3A + code - 59 for code in range(59, 69)},  # F1..F10
    69: 0x53,  # num lock
    70: 0x47,  # scroll lock
    **dict(
        zip(
            range(71, 84),  # keypad 7 8 9 - 4 5 6 + 1 2 3 0 .
            (0x5F, 0x60, 0x61, 0x56, 0x5C, 0x5D, 0x5E, 0x57, 0x59, 0x5A, 0x5B, 0x62, 0x63),
            strict=True,
        )
    ),
    86: 0x64,  # the extra key of ISO keyboards
    87: 0x44,  # F11
    88: 0x45,  # F12
    96: 0x58,  # keypad enter
    97: 0xE4,  # right control
    98: 0x54,  # keypad /
    99: 0x46,  # print screen
    100: 0xE6,  # right alt
    **dict(
        zip(
            range(102, 112),  # home up page-up left right end down page-down insert delete
            (0x4A, 0x52, 0x4B, 0x50, 0x4F, 0x4D, 0x51, 0x4E, 0x49, 0x4C),
            strict=True,
        )
    ),
    119: 0x48,  # pause
    125: 0xE3,  # left meta
    126: 0xE7,  # right meta
    127: 0x65,  # menu
}

_K = Qt.Key
_NAMED: dict[int, int] = {
    _K.Key_Return: 0x28,
    _K.Key_Escape: 0x29,
    _K.Key_Backspace: 0x2A,
    _K.Key_Tab: 0x2B,
    _K.Key_Backtab: 0x2B,
    _K.Key_Space: 0x2C,
    _K.Key_CapsLock: 0x39,
    _K.Key_Print: 0x46,
    _K.Key_ScrollLock: 0x47,
    _K.Key_Pause: 0x48,
    _K.Key_Insert: 0x49,
    _K.Key_Home: 0x4A,
    _K.Key_PageUp: 0x4B,
    _K.Key_Delete: 0x4C,
    _K.Key_End: 0x4D,
    _K.Key_PageDown: 0x4E,
    _K.Key_Right: 0x4F,
    _K.Key_Left: 0x50,
    _K.Key_Down: 0x51,
    _K.Key_Up: 0x52,
    _K.Key_NumLock: 0x53,
    _K.Key_Enter: 0x58,
    _K.Key_Menu: 0x65,
    _K.Key_Control: 0xE0,
    _K.Key_Shift: 0xE1,
    _K.Key_Alt: 0xE2,
    _K.Key_Meta: 0xE3,
    _K.Key_AltGr: 0xE6,
}
_PRINTED = ("1!", "2@", "3#", "4$", "5%", "6^", "7&", "8*", "9(", "0)")
_PUNCTUATION = ("-_", "=+", "[{", "]}", "\\|", "", ";:", "'\"", "`~", ",<", ".>", "/?")

_BUTTONS: dict[Qt.MouseButton, int] = {
    Qt.MouseButton.LeftButton: 1,
    Qt.MouseButton.RightButton: 2,
    Qt.MouseButton.MiddleButton: 4,
}


def _by_key() -> dict[int, int]:
    table = dict(_NAMED)
    table.update({_K.Key_A.value + i: 0x04 + i for i in range(26)})
    table.update({_K.Key_F1.value + i: 0x3A + i for i in range(12)})
    for first, rows in ((0x1E, _PRINTED), (0x2D, _PUNCTUATION)):
        for i, printed in enumerate(rows):
            table.update({ord(character): first + i for character in printed})
    return table


_BY_KEY = _by_key()


def usage_of(key: int, scan_code: int, platform: str) -> int | None:
    """The HID usage of a key event; None for a key that PC keyboards do not have.

    `scan_code`: `QKeyEvent.nativeScanCode()`, 0 where there is none. `platform`: Qt's name for it.
    """
    if scan_code > 8 and platform.startswith(("xcb", "wayland")):
        found = _EVDEV.get(scan_code - 8)
        if found is not None:
            return found
    return _BY_KEY.get(key)


@dataclass(slots=True)
class PointerTravel:
    """How far the pointer moved since last time, not counting the moves that we made ourselves.

    Positions are global, in pixels. Travel is in whole pixels; fractions are carried over.
    """

    _last: tuple[float, float] | None = None
    _warp: tuple[float, float] | None = None
    _rest_x: float = 0.0
    _rest_y: float = 0.0

    def begin(self, x: float, y: float) -> None:
        """The pointer is here; it has not moved yet."""
        self._last, self._warp = (x, y), None
        self._rest_x = self._rest_y = 0.0

    def warped(self, x: float, y: float) -> None:
        """We moved the pointer here; positions from before that may still arrive."""
        self._warp = (x, y)

    def moved(self, x: float, y: float) -> tuple[int, int]:
        """The pointer is here now; returns its travel rightwards and downwards."""
        if self._last is None:
            self.begin(x, y)
            return 0, 0
        from_x, from_y = self._last
        if self._warp is not None:
            warp_x, warp_y = self._warp
            # Nearer to where we put it than to where it was: the warp has taken effect.
            if (x - warp_x) ** 2 + (y - warp_y) ** 2 < (x - from_x) ** 2 + (y - from_y) ** 2:
                from_x, from_y = warp_x, warp_y
                self._warp = None
        self._last = (x, y)
        self._rest_x += x - from_x
        self._rest_y += y - from_y
        dx, dy = int(self._rest_x), int(self._rest_y)
        self._rest_x -= dx
        self._rest_y -= dy
        return dx, dy


class HeldControls:
    """Everything the player holds. `send` is called on each change, and never while closed.

    The window opens and closes it. Closing releases everything and sends that once; input while
    closed is dropped, never queued. A key is released by the code it was pressed with, so that a
    change of layout or Shift in between leaves no key stuck.
    """

    def __init__(self, send: Callable[[Controls], None]) -> None:
        self._send = send
        self._open = False
        self._pressed: dict[int, int] = {}
        self._buttons = 0
        self._x = self._y = self._wheel = 0

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def controls(self) -> Controls:
        return Controls(
            frozenset(self._pressed.values()), self._buttons, self._x, self._y, self._wheel
        )

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self.release_all()
        self._open = False

    def release_all(self) -> None:
        """Release everything and send that, if anything was held."""
        held = self.controls.held
        self._pressed.clear()
        self._buttons = 0
        if held and self._open:
            self._send(self.controls)

    def key(self, identity: int, usage: int, pressed: bool) -> None:
        """`identity` is the same for press and release of a key: its scan code, else its usage."""
        if not self._open:
            return
        before = self.controls
        if pressed:
            self._pressed[identity] = usage
        else:
            self._pressed.pop(identity, None)
        if self.controls != before:
            self._send(self.controls)

    def button(self, button: Qt.MouseButton, pressed: bool) -> None:
        bit = _BUTTONS.get(button, 0)
        buttons = self._buttons | bit if pressed else self._buttons & ~bit
        if self._open and buttons != self._buttons:
            self._buttons = buttons
            self._send(self.controls)

    def travel(self, dx: int, dy: int) -> None:
        """Pixels rightwards and downwards."""
        if self._open and (dx or dy):
            self._x, self._y = (self._x + dx) & _U32, (self._y + dy) & _U32
            self._send(self.controls)

    def wheel(self, eighths_of_degree: int) -> None:
        """Positive: turned away from the player."""
        if self._open and eighths_of_degree:
            self._wheel = (self._wheel + eighths_of_degree) & _U32
            self._send(self.controls)


def send_key(controls: HeldControls, event: QKeyEvent, *, pressed: bool) -> None:
    """Send a key to the game by its position; key repeat is ignored."""
    if event.isAutoRepeat():
        return
    scan_code = event.nativeScanCode()
    usage = usage_of(event.key(), scan_code, QGuiApplication.platformName())
    if usage is not None:
        # Negative where there is no scan code: never mistaken for one.
        controls.key(scan_code or -usage, usage, pressed)
