"""Where a key is on the keyboard: key events of Qt -> USB HID usages of page 7.

A usage is a position, not a letter: W is where W is on a US keyboard. On X11 and Wayland it comes
from the scan code (evdev + 8), on macOS from the virtual key. There a position that is not in the
table is no key of the game: its letter would press another key (the key beside the right Shift of
ABNT2 keyboards prints "/"). Elsewhere, and for events without a scan code, it comes from `Qt.Key`,
which follows the keyboard layout: a limitation on Windows.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

# Linux input-event-codes.h -> HID Usage Tables 1.5, page 0x07, as the kernel's hid-input maps them.
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
    85: 0x94,  # zenkaku/hankaku (JIS)
    86: 0x64,  # the extra key of ISO keyboards
    87: 0x44,  # F11
    88: 0x45,  # F12
    89: 0x87,  # the extra key of ABNT2 and JIS keyboards
    90: 0x92,  # katakana
    91: 0x93,  # hiragana
    92: 0x8A,  # henkan (JIS)
    93: 0x88,  # katakana/hiragana (JIS)
    94: 0x8B,  # muhenkan (JIS)
    95: 0x8C,  # keypad , of JIS keyboards
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
    117: 0x67,  # keypad =
    119: 0x48,  # pause
    121: 0x85,  # keypad . of ABNT2 keyboards
    122: 0x90,  # hangeul (Korean)
    123: 0x91,  # hanja (Korean)
    124: 0x89,  # yen (JIS)
    125: 0xE3,  # left meta
    126: 0xE7,  # right meta
    127: 0x65,  # menu
    179: 0xB6,  # keypad (
    180: 0xB7,  # keypad )
    **{code: 0x68 + code - 183 for code in range(183, 195)},  # F13..F24
}

# Apple's virtual keys (kVK_* in HIToolbox/Events.h), which are positions -> the same usages.
_MAC: dict[int, int] = {
    **dict(
        zip(
            range(12),  # a s d f h g z x c v, ISO's extra key, b
            (0x04, 0x16, 0x07, 0x09, 0x0B, 0x0A, 0x1D, 0x1B, 0x06, 0x19, 0x64, 0x05),
            strict=True,
        )
    ),
    **dict(
        zip(
            range(12, 30),  # q w e r y t 1 2 3 4 6 5 = 9 7 - 8 0
            bytes.fromhex("14 1A 08 15 1C 17 1E 1F 20 21 23 22 2E 26 24 2D 25 27"),
            strict=True,
        )
    ),
    **dict(
        zip(
            range(30, 52),  # ] o u [ i p enter l j ' k ; \ , / n m . tab space ` backspace
            bytes.fromhex("30 12 18 2F 0C 13 28 0F 0D 34 0E 33 31 36 38 11 10 37 2B 2C 35 2A"),
            strict=True,
        )
    ),
    53: 0x29,  # escape
    # right command, command, shift, caps lock, option, control, right shift, option, control
    **dict(zip(range(54, 63), (0xE7, 0xE3, 0xE1, 0x39, 0xE2, 0xE0, 0xE5, 0xE6, 0xE4), strict=True)),
    64: 0x6C,  # F17
    65: 0x63,  # keypad .
    67: 0x55,  # keypad *
    69: 0x57,  # keypad +
    71: 0x53,  # keypad clear, where others have num lock
    75: 0x54,  # keypad /
    76: 0x58,  # keypad enter
    78: 0x56,  # keypad -
    79: 0x6D,  # F18
    80: 0x6E,  # F19
    81: 0x67,  # keypad =
    82: 0x62,  # keypad 0
    **{code: 0x59 + code - 83 for code in range(83, 90)},  # keypad 1..7
    90: 0x6F,  # F20
    91: 0x60,  # keypad 8
    92: 0x61,  # keypad 9
    93: 0x89,  # yen (JIS)
    94: 0x87,  # underscore (JIS)
    95: 0x8C,  # keypad , of JIS keyboards
    # F5 F6 F7 F3 F8 F9, eisu, F11, kana, F13 F16 F14
    **dict(
        zip(
            range(96, 108),
            (0x3E, 0x3F, 0x40, 0x3C, 0x41, 0x42, 0x91, 0x44, 0x90, 0x68, 0x6B, 0x69),
            strict=True,
        )
    ),
    109: 0x43,  # F10
    110: 0x65,  # menu
    111: 0x45,  # F12
    # F15, help (where others have insert), home, page up, delete, F4, end, F2, page down, F1
    **dict(
        zip(
            range(113, 123),
            (0x6A, 0x49, 0x4A, 0x4B, 0x4C, 0x3D, 0x4D, 0x3B, 0x4E, 0x3A),
            strict=True,
        )
    ),
    **dict(zip(range(123, 127), (0x50, 0x4F, 0x51, 0x52), strict=True)),  # left right down up
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


def _by_key() -> dict[int, int]:
    table = dict(_NAMED)
    table.update({_K.Key_A.value + i: 0x04 + i for i in range(26)})
    table.update({_K.Key_F1.value + i: 0x3A + i for i in range(12)})
    for first, rows in ((0x1E, _PRINTED), (0x2D, _PUNCTUATION)):
        for i, printed in enumerate(rows):
            table.update({ord(character): first + i for character in printed})
    return table


_BY_KEY = _by_key()


_NO_SCAN_CODE = 1
"""On macOS Qt reports this scan code for every key."""

_VIRTUAL = 1 << 32
"""Added to virtual keys, so that none is mistaken for a scan code."""


def usage_of(key: int, scan_code: int, platform: str, virtual_key: int = 0) -> int | None:
    """The HID usage of a key event; None for a key that is not for the game.

    `scan_code`: `QKeyEvent.nativeScanCode()`, 0 where there is none. `platform`: Qt's name for it.
    `virtual_key`: `QKeyEvent.nativeVirtualKey()`.
    """
    if scan_code > 8 and platform.startswith(("xcb", "wayland")):
        return _EVDEV.get(scan_code - 8)
    if scan_code == _NO_SCAN_CODE and platform == "cocoa":
        return _MAC.get(virtual_key)
    return _BY_KEY.get(key)


def identity_of(event: QKeyEvent) -> int:
    """The same number for press and release of a key, and another one for every other key."""
    scan_code = event.nativeScanCode()
    if scan_code > _NO_SCAN_CODE:
        return scan_code
    if scan_code == _NO_SCAN_CODE:
        return _VIRTUAL + event.nativeVirtualKey()
    # Negative: never mistaken for a scan code. Shift changes the key ("1" and "!"), not its usage.
    return -(_BY_KEY.get(event.key()) or event.key())
