"""Key events of Qt -> `KeyEvent`, with the names that the W3C gives to key, code and modifiers.

A code is a position, not a letter: KeyW is where W is on a US keyboard. It comes from the scan code
(X11 and Wayland: evdev + 8; Windows: set 1), on macOS from the virtual key. There a position that
is not in the table is no key of the game: its letter would press another key (the key beside the
right Shift of ABNT2 keyboards prints "/"). For events without a scan code it comes from `Qt.Key`,
which follows the keyboard layout.
"""

from __future__ import annotations

import re
from collections.abc import Set

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent

from rejoin.gui.shortcuts import Pressed
from rejoin.input_events import keys
from rejoin.input_events.chords import KEY_NAMES, Held
from rejoin.input_events.events import Modifiers

_K = Qt.Key

_CODE_OF_KEY: dict[int, str] = {
    _K.Key_Return: "Enter",
    _K.Key_Escape: "Escape",
    _K.Key_Backspace: "Backspace",
    _K.Key_Tab: "Tab",
    _K.Key_Backtab: "Tab",
    _K.Key_Space: "Space",
    _K.Key_CapsLock: "CapsLock",
    _K.Key_Print: "PrintScreen",
    _K.Key_ScrollLock: "ScrollLock",
    _K.Key_Pause: "Pause",
    _K.Key_Insert: "Insert",
    _K.Key_Home: "Home",
    _K.Key_PageUp: "PageUp",
    _K.Key_Delete: "Delete",
    _K.Key_End: "End",
    _K.Key_PageDown: "PageDown",
    _K.Key_Right: "ArrowRight",
    _K.Key_Left: "ArrowLeft",
    _K.Key_Down: "ArrowDown",
    _K.Key_Up: "ArrowUp",
    _K.Key_NumLock: "NumLock",
    _K.Key_Enter: "NumpadEnter",
    _K.Key_Menu: "ContextMenu",
    _K.Key_Control: "ControlLeft",
    _K.Key_Shift: "ShiftLeft",
    _K.Key_Alt: "AltLeft",
    _K.Key_Meta: "MetaLeft",
    _K.Key_AltGr: "AltRight",
}
_PRINTED = {
    "Minus": "-_",
    "Equal": "=+",
    "BracketLeft": "[{",
    "BracketRight": "]}",
    "Backslash": "\\|",
    "Semicolon": ";:",
    "Quote": "'\"",
    "Backquote": "`~",
    "Comma": ",<",
    "Period": ".>",
    "Slash": "/?",
    **{f"Digit{digit}": f"{digit}{shifted}" for digit, shifted in enumerate(")!@#$%^&*(")},
}
"""What each key prints on a US keyboard, without and with Shift."""

_CODE_OF_KEY |= {_K.Key_A.value + at: f"Key{chr(ord('A') + at)}" for at in range(26)}
_CODE_OF_KEY |= {_K.Key_F1.value + at: f"F{1 + at}" for at in range(24)}
_CODE_OF_KEY |= {ord(one): code for code, printed in _PRINTED.items() for one in printed}

_NAMES: dict[int, str] = {
    **{_K.Key_F1.value + at: f"F{1 + at}" for at in range(24)},
    _K.Key_Escape: "Escape",
    _K.Key_Tab: "Tab",
    _K.Key_Backtab: "Tab",
    _K.Key_Backspace: "Backspace",
    _K.Key_Return: "Enter",
    _K.Key_Enter: "Enter",
    _K.Key_Insert: "Insert",
    _K.Key_Delete: "Delete",
    _K.Key_Pause: "Pause",
    _K.Key_Print: "PrintScreen",
    _K.Key_SysReq: "PrintScreen",
    _K.Key_Clear: "Clear",
    _K.Key_Home: "Home",
    _K.Key_End: "End",
    _K.Key_Left: "ArrowLeft",
    _K.Key_Up: "ArrowUp",
    _K.Key_Right: "ArrowRight",
    _K.Key_Down: "ArrowDown",
    _K.Key_PageUp: "PageUp",
    _K.Key_PageDown: "PageDown",
    _K.Key_Shift: "Shift",
    _K.Key_Control: "Control",
    _K.Key_Meta: "Meta",
    _K.Key_Super_L: "Meta",
    _K.Key_Super_R: "Meta",
    _K.Key_Alt: "Alt",
    _K.Key_AltGr: "AltGraph",
    _K.Key_CapsLock: "CapsLock",
    _K.Key_NumLock: "NumLock",
    _K.Key_ScrollLock: "ScrollLock",
    _K.Key_Menu: "ContextMenu",
    _K.Key_Help: "Help",
    _K.Key_Space: " ",
    _K.Key_Multi_key: "Compose",
    _K.Key_Mode_switch: "ModeChange",
    _K.Key_Henkan: "Convert",
    _K.Key_Muhenkan: "NonConvert",
    _K.Key_Kanji: "KanjiMode",
    _K.Key_Hiragana: "Hiragana",
    _K.Key_Katakana: "Katakana",
    _K.Key_Hiragana_Katakana: "HiraganaKatakana",
    _K.Key_Zenkaku_Hankaku: "ZenkakuHankaku",
    _K.Key_Eisu_toggle: "Alphanumeric",
    _K.Key_Hangul: "HangulMode",
    _K.Key_Hangul_Hanja: "HanjaMode",
}
_FUNCTION_KEY = re.compile(r"F\d+")
_DEAD = range(_K.Key_Dead_Grave.value, _K.Key_Dead_Longsolidusoverlay.value + 1)
_CHARACTERS = range(0x20, 0x1000000)
"""Values of `Qt.Key` that are Unicode characters."""

_NO_SCAN_CODE = 1
"""On macOS Qt reports this scan code for every key."""

_VIRTUAL = 1 << 32
"""Added to virtual keys, so that none is mistaken for a scan code."""


def code_of(event: QKeyEvent, platform: str | None = None) -> str | None:
    """The W3C code of a key event; None for a key that is not for the game.

    `platform`: Qt's name for it; None: this one.
    """
    platform = QGuiApplication.platformName() if platform is None else platform
    scan_code = event.nativeScanCode()
    key: keys.Key | None
    if scan_code > 8 and platform.startswith(("xcb", "wayland")):
        key = keys.BY_EVDEV.get(scan_code - 8)
    elif scan_code == _NO_SCAN_CODE and platform == "cocoa":
        key = keys.BY_MAC.get(event.nativeVirtualKey())
    elif scan_code > 0 and platform == "windows":
        key = keys.BY_WINDOWS.get(scan_code)
    else:
        return _CODE_OF_KEY.get(event.key())
    return None if key is None else key.code


def identity_of(event: QKeyEvent) -> int:
    """The same number for press and release of a key, and another one for every other key."""
    scan_code = event.nativeScanCode()
    if scan_code > _NO_SCAN_CODE:
        return scan_code
    if scan_code == _NO_SCAN_CODE:
        return _VIRTUAL + event.nativeVirtualKey()
    # Negative: never mistaken for a scan code. Shift changes the key ("1" and "!"), not its code.
    code = _CODE_OF_KEY.get(event.key())
    return -(event.key() if code is None else keys.BY_CODE[code].usage)


_QT_MODIFIERS = {
    Qt.KeyboardModifier.ShiftModifier: Modifiers.SHIFT,
    Qt.KeyboardModifier.ControlModifier: Modifiers.CONTROL,
    Qt.KeyboardModifier.AltModifier: Modifiers.ALT,
    Qt.KeyboardModifier.MetaModifier: Modifiers.META,
    Qt.KeyboardModifier.GroupSwitchModifier: Modifiers.ALT_GRAPH,
}
_SWAPPED = {Modifiers.CONTROL: Modifiers.META, Modifiers.META: Modifiers.CONTROL}
"""Qt calls Command of macOS "Control", and Control "Meta"."""

_X_STATE = {0x02: Modifiers.CAPS_LOCK, 0x10: Modifiers.NUM_LOCK, 0x80: Modifiers.ALT_GRAPH}
"""Lock, Mod2 and Mod5 of X11, as XKB assigns them by default."""

_WINDOWS_STATE = {0x100: Modifiers.CAPS_LOCK, 0x200: Modifiers.NUM_LOCK}

_OF_CODE = {
    "ShiftLeft": Modifiers.SHIFT,
    "ShiftRight": Modifiers.SHIFT,
    "ControlLeft": Modifiers.CONTROL,
    "ControlRight": Modifiers.CONTROL,
    "AltLeft": Modifiers.ALT,
    "AltRight": Modifiers.ALT,
    "MetaLeft": Modifiers.META,
    "MetaRight": Modifiers.META,
}
LOCK_KEYS = {"CapsLock": Modifiers.CAPS_LOCK, "NumLock": Modifiers.NUM_LOCK}
LOCKS = Modifiers.CAPS_LOCK | Modifiers.NUM_LOCK


def held_modifiers(held: Qt.KeyboardModifier, platform: str | None = None) -> Modifiers:
    """Qt's modifiers in the W3C's words; Qt knows no locks."""
    platform = QGuiApplication.platformName() if platform is None else platform
    found = Modifiers.NONE
    for modifier, ours in _QT_MODIFIERS.items():
        if held & modifier:
            found |= _SWAPPED.get(ours, ours) if platform == "cocoa" else ours
    return found


def modifiers_after(
    event: QKeyEvent, codes: frozenset[str], *, pressed: bool, platform: str | None = None
) -> Modifiers:
    """The modifiers after a key event. `codes`: the keys that are held after it."""
    platform = QGuiApplication.platformName() if platform is None else platform
    found = held_modifiers(event.modifiers(), platform)
    states = {"xcb": _X_STATE, "wayland": _X_STATE, "windows": _WINDOWS_STATE}
    for bit, modifier in states.get(platform.split("-")[0], {}).items():
        if event.nativeModifiers() & bit:
            found |= modifier
    if alt_gr_is_ctrl_and_alt(codes, platform):
        found = found & ~(Modifiers.CONTROL | Modifiers.ALT) | Modifiers.ALT_GRAPH
    # Qt guesses what a modifier's own key does to it, and is wrong while the key repeats.
    code = code_of(event, platform)
    own = Modifiers.NONE if code is None else _OF_CODE.get(code, Modifiers.NONE)
    if _is_alt_gr(event, code, codes, platform):
        own = Modifiers.ALT_GRAPH
    others = {_OF_CODE.get(each) for each in codes if each != code}
    return found | own if pressed or own in others else found & ~own


def alt_gr_is_ctrl_and_alt(codes: frozenset[str], platform: str) -> bool:
    """Whether AltGr is held where Windows says that Ctrl and Alt are. `codes`: what is held.

    Windows sends AltGr as the left Ctrl and the right Alt, and keeps no other mark of it.
    """
    return platform == "windows" and {"ControlLeft", "AltRight"} <= codes


def _is_alt_gr(event: QKeyEvent, code: str | None, codes: frozenset[str], platform: str) -> bool:
    """Whether the event is that of an AltGr key."""
    by_windows = code == "AltRight" and platform == "windows" and "ControlLeft" in codes
    return event.key() == _K.Key_AltGr or by_windows


def key_of(event: QKeyEvent, modifiers: Modifiers, platform: str | None = None) -> str:
    """KeyboardEvent.key: a name, or the text that the key prints with these modifiers."""
    platform = QGuiApplication.platformName() if platform is None else platform
    key = event.key()
    if key in (_K.Key_Control, _K.Key_Meta) and platform == "cocoa":
        return "Meta" if key == _K.Key_Control else "Control"
    if key in _NAMES:
        return _NAMES[key]
    if key in _DEAD:
        return "Dead"
    text = event.text()
    if text and text.isprintable():
        return text
    if key in _CHARACTERS:  # with Ctrl the text is a control character, or empty
        upper = bool(modifiers & Modifiers.SHIFT) != bool(modifiers & Modifiers.CAPS_LOCK)
        return chr(key) if upper else chr(key).lower()
    # X11 has media keys where a keyboard with F13 has that.
    code = code_of(event, platform)
    return code if code is not None and _FUNCTION_KEY.fullmatch(code) else "Unidentified"


_NAMES_OF_CHORDS = frozenset(KEY_NAMES)
_CHORD_NAMES: dict[int, str] = {
    **{ord(name): name for name in KEY_NAMES if len(name) == 1},
    **{_K.Key_F1.value + at: f"F{1 + at}" for at in range(24)},
    _K.Key_Up: "Up",
    _K.Key_Down: "Down",
    _K.Key_Left: "Left",
    _K.Key_Right: "Right",
    _K.Key_Home: "Home",
    _K.Key_End: "End",
    _K.Key_PageUp: "PageUp",
    _K.Key_PageDown: "PageDown",
    _K.Key_Insert: "Insert",
    _K.Key_Delete: "Delete",
    _K.Key_Return: "Enter",
    _K.Key_Enter: "Enter",
    _K.Key_Tab: "Tab",
    _K.Key_Backtab: "Tab",
    _K.Key_Space: "Space",
    _K.Key_Backspace: "Backspace",
    _K.Key_Escape: "Escape",
    _K.Key_Menu: "Menu",
    _K.Key_Pause: "Pause",
    _K.Key_Print: "PrintScreen",
    _K.Key_SysReq: "PrintScreen",
    _K.Key_ScrollLock: "ScrollLock",
    _K.Key_Minus: "Minus",
    _K.Key_Equal: "Equal",
    _K.Key_Comma: "Comma",
    _K.Key_Period: "Period",
    _K.Key_Slash: "Slash",
    _K.Key_Semicolon: "Semicolon",
}
_CHORD_MODIFIERS = (Held.SHIFT, Held.CTRL, Held.ALT, Held.META)
"""By the bits of `Qt.KeyboardModifier`, from `_FIRST_BIT` on."""
_FIRST_BIT = 25
_HELD = tuple(
    frozenset(held for bit, held in enumerate(_CHORD_MODIFIERS) if bits >> bit & 1)
    for bits in range(16)
)
"""What is held, by those bits: made once, as every key press asks for it."""
_ALT_GR_OF_WINDOWS = frozenset(
    keys.BY_CODE[code].windows[0] for code in ("ControlLeft", "AltRight")
)
_CHORD_MODIFIER_KEYS: dict[int, Held] = {
    _K.Key_Shift: Held.SHIFT,
    _K.Key_Control: Held.CTRL,
    _K.Key_Alt: Held.ALT,
    _K.Key_Meta: Held.META,
}

MODIFIER_KEYS = frozenset((*_CHORD_MODIFIER_KEYS, _K.Key_AltGr))
"""`Qt.Key` of each key whose release may be the end of a shortcut."""


def pressed_of(event: QKeyEvent, down: Set[int], platform: str | None = None) -> Pressed | None:
    """A key press as shortcuts know it; None for a key that no shortcut can have.

    A key has the name of what it prints; one that prints no name of a shortcut's (with Shift, in
    another script) has that of its position on a US keyboard. `down`: `identity_of` each key that
    is down, this one too.
    """
    platform = QGuiApplication.platformName() if platform is None else platform
    key = event.key()
    held = _HELD[event.modifiers().value >> _FIRST_BIT & 15]
    if key == _K.Key_AltGr:
        return None
    if platform == "windows" and down >= _ALT_GR_OF_WINDOWS:
        held -= {Held.CTRL, Held.ALT}
        if code_of(event, platform) == "AltRight":
            return None
    own = _CHORD_MODIFIER_KEYS.get(key)
    if own is not None:
        return Pressed("", held | {own})
    name = _CHORD_NAMES.get(key)
    if name is None:
        code = code_of(event, platform) or ""
        name = code.removeprefix("Key").removeprefix("Digit")
    return Pressed(name, held) if name in _NAMES_OF_CHORDS else None
