"""Keys are positions with the W3C's names: no letter where a position is known."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from rejoin.gui.key_events import (
    code_of,
    held_modifiers,
    identity_of,
    key_of,
    modifiers_after,
    pressed_of,
)
from rejoin.gui.shortcuts import Pressed
from rejoin.input_events.chords import Held
from rejoin.input_events.events import Modifiers
from rejoin.input_events.keys import KEYS

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
META = Qt.KeyboardModifier.MetaModifier
DOWN, UP = QEvent.Type.KeyPress, QEvent.Type.KeyRelease


def event(
    key: Qt.Key | int,
    scan_code: int = 0,
    virtual_key: int = 0,
    *,
    kind: QEvent.Type = DOWN,
    modifiers: Qt.KeyboardModifier = NONE,
    state: int = 0,
    text: str = "",
) -> QKeyEvent:
    return QKeyEvent(kind, int(key), modifiers, scan_code, virtual_key, state, text)


@pytest.mark.parametrize("platform", ["xcb", "wayland", "wayland-egl"])
def test_a_scan_code_names_the_position_whatever_letter_it_prints(platform: str) -> None:
    for key in KEYS:
        for scan_code in key.evdev:
            assert code_of(event(Qt.Key.Key_Z, scan_code + 8), platform) == key.code
    assert code_of(event(Qt.Key.Key_Slash, 240 + 8), platform) is None


def test_on_windows_and_macos_the_table_is_asked_too() -> None:
    for key in KEYS:
        for scan_code in key.windows:
            assert code_of(event(Qt.Key.Key_Z, scan_code), "windows") == key.code
        for virtual_key in key.mac:
            assert code_of(event(Qt.Key.Key_Z, 1, virtual_key), "cocoa") == key.code
    assert code_of(event(Qt.Key.Key_A, 0x7F), "windows") is None
    assert code_of(event(Qt.Key.Key_A, 1, 250), "cocoa") is None


def test_left_and_right_of_the_same_key_differ_by_position() -> None:
    codes = [code_of(event(Qt.Key.Key_Shift, 8 + evdev), "xcb") for evdev in (42, 54)]
    assert codes == ["ShiftLeft", "ShiftRight"]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (Qt.Key.Key_W, "KeyW"),
        (Qt.Key.Key_Exclam, "Digit1"),
        (Qt.Key.Key_0, "Digit0"),
        (Qt.Key.Key_ParenRight, "Digit0"),
        (Qt.Key.Key_Comma, "Comma"),
        (Qt.Key.Key_Question, "Slash"),
        (Qt.Key.Key_Backslash, "Backslash"),
        (Qt.Key.Key_Semicolon, "Semicolon"),
        (Qt.Key.Key_QuoteLeft, "Backquote"),
        (Qt.Key.Key_Backtab, "Tab"),
        (Qt.Key.Key_F12, "F12"),
        (Qt.Key.Key_F24, "F24"),
        (Qt.Key.Key_Up, "ArrowUp"),
        (Qt.Key.Key_Control, "ControlLeft"),
        (Qt.Key.Key_LaunchMail, None),
    ],
)
def test_without_a_scan_code_the_name_of_the_key_counts(key: Qt.Key, code: str | None) -> None:
    for platform in ("offscreen", "xcb", "windows"):
        assert code_of(event(key), platform) == code


def test_every_key_has_an_identity_of_its_own() -> None:
    events = [
        event(Qt.Key.Key_A, 38, 0x61),  # X11
        event(Qt.Key.Key_W, 25, 0x77),
        event(Qt.Key.Key_A, 1, 0),  # macOS
        event(Qt.Key.Key_W, 1, 13),
        event(Qt.Key.Key_W, 1, 25),
        event(Qt.Key.Key_A, 0, 0),  # neither code
        event(Qt.Key.Key_W, 0, 0),
        event(Qt.Key.Key_LaunchMail, 0, 0),
    ]
    assert len({identity_of(each) for each in events}) == len(events)


def test_the_identity_does_not_depend_on_shift_or_layout() -> None:
    for codes in ((10, 0x31), (1, 18), (0, 0)):
        one, exclam = event(Qt.Key.Key_1, *codes), event(Qt.Key.Key_Exclam, *codes)
        assert identity_of(one) == identity_of(exclam)


@pytest.mark.parametrize(
    ("key", "text", "modifiers", "name"),
    [
        (Qt.Key.Key_Z, "z", Modifiers.NONE, "z"),
        (Qt.Key.Key_Z, "Z", Modifiers.SHIFT, "Z"),
        (Qt.Key.Key_Z, "\x1a", Modifiers.CONTROL, "z"),
        (Qt.Key.Key_Z, "\x1a", Modifiers.CONTROL | Modifiers.SHIFT, "Z"),
        (Qt.Key.Key_Z, "", Modifiers.CONTROL | Modifiers.CAPS_LOCK, "Z"),
        (Qt.Key.Key_Exclam, "!", Modifiers.SHIFT, "!"),
        (Qt.Key.Key_Egrave, "è", Modifiers.NONE, "è"),
        (0x0416, "ж", Modifiers.NONE, "ж"),
        (Qt.Key.Key_Dead_Circumflex, "", Modifiers.NONE, "Dead"),
        (Qt.Key.Key_Return, "\r", Modifiers.NONE, "Enter"),
        (Qt.Key.Key_Enter, "\r", Modifiers.NONE, "Enter"),
        (Qt.Key.Key_Backtab, "", Modifiers.SHIFT, "Tab"),
        (Qt.Key.Key_Space, " ", Modifiers.NONE, " "),
        (Qt.Key.Key_Delete, "\x7f", Modifiers.NONE, "Delete"),
        (Qt.Key.Key_Left, "", Modifiers.NONE, "ArrowLeft"),
        (Qt.Key.Key_Super_L, "", Modifiers.META, "Meta"),
        (Qt.Key.Key_AltGr, "", Modifiers.ALT_GRAPH, "AltGraph"),
        (Qt.Key.Key_F13, "", Modifiers.NONE, "F13"),
        (Qt.Key.Key_Henkan, "", Modifiers.NONE, "Convert"),
        (Qt.Key.Key_unknown, "", Modifiers.NONE, "Unidentified"),
    ],
)
def test_a_key_has_the_w3cs_name_or_the_text_that_it_prints(
    key: Qt.Key | int, text: str, modifiers: Modifiers, name: str
) -> None:
    assert key_of(event(key, text=text), modifiers, "xcb") == name


def test_on_macos_command_is_meta_and_control_is_control() -> None:
    assert key_of(event(Qt.Key.Key_Control), Modifiers.META, "cocoa") == "Meta"
    assert key_of(event(Qt.Key.Key_Meta), Modifiers.CONTROL, "cocoa") == "Control"
    assert held_modifiers(CONTROL | SHIFT, "cocoa") == Modifiers.META | Modifiers.SHIFT
    assert held_modifiers(META, "cocoa") == Modifiers.CONTROL


def test_a_modifiers_own_key_counts_from_its_press_to_its_release_repeated_or_not() -> None:
    down = event(Qt.Key.Key_Shift, 50)
    # While it repeats Qt turns round what the system says: Shift held, and so not held after this.
    again = event(Qt.Key.Key_Shift, 50, modifiers=SHIFT)
    left, both = frozenset({"ShiftLeft"}), frozenset({"ShiftLeft", "ShiftRight"})
    for press in (down, again):
        assert modifiers_after(press, left, pressed=True, platform="xcb") == Modifiers.SHIFT
    for kind in (NONE, SHIFT):
        up = event(Qt.Key.Key_Shift, 50, kind=UP, modifiers=kind)
        none = modifiers_after(up, frozenset(), pressed=False, platform="xcb")
        other = modifiers_after(up, both - left, pressed=False, platform="xcb")
        assert (none, other) == (Modifiers.NONE, Modifiers.SHIFT)


def test_locks_and_alt_graph_come_from_the_systems_own_state() -> None:
    a = event(Qt.Key.Key_A, 38, state=0x02 | 0x10 | 0x80)
    locked = Modifiers.CAPS_LOCK | Modifiers.NUM_LOCK
    codes = frozenset({"KeyA"})
    for platform in ("xcb", "wayland", "wayland-egl"):
        found = modifiers_after(a, codes, pressed=True, platform=platform)
        assert found == locked | Modifiers.ALT_GRAPH
    a = event(Qt.Key.Key_A, 0x1E, state=0x300)
    assert modifiers_after(a, codes, pressed=True, platform="windows") == locked
    assert modifiers_after(a, codes, pressed=True, platform="offscreen") == Modifiers.NONE


ALT = Qt.KeyboardModifier.AltModifier
GROUP = Qt.KeyboardModifier.GroupSwitchModifier
NOTHING: frozenset[str] = frozenset()
ALT_GR_ON_WINDOWS = frozenset({"ControlLeft", "AltRight"})
DOWN_ON_WINDOWS = frozenset({0x1D, 0x138})
NO_KEYS: frozenset[int] = frozenset()


@pytest.mark.parametrize(
    ("pressed", "found"),
    [
        (event(Qt.Key.Key_S, 31 + 8, modifiers=CONTROL | ALT), ("S", {Held.CTRL, Held.ALT})),
        (event(Qt.Key.Key_F9, 67 + 8), ("F9", set())),
        (event(Qt.Key.Key_Enter, 96 + 8, modifiers=ALT), ("Enter", {Held.ALT})),
        (event(Qt.Key.Key_Exclam, 2 + 8, modifiers=SHIFT | META), ("1", {Held.SHIFT, Held.META})),
        (event(0x0424, 31 + 8, modifiers=CONTROL), ("S", {Held.CTRL})),  # Cyrillic, at S
        (event(Qt.Key.Key_Alt, 56 + 8, modifiers=CONTROL), ("", {Held.CTRL, Held.ALT})),
        (event(Qt.Key.Key_Control, 29 + 8), ("", {Held.CTRL})),
        (event(Qt.Key.Key_AltGr, 100 + 8, modifiers=CONTROL), None),
        (event(Qt.Key.Key_LaunchMail, 155 + 8), None),
        (event(Qt.Key.Key_Slash, 89 + 8), ("Slash", set())),
    ],
)
def test_a_press_as_shortcuts_know_it(
    pressed: QKeyEvent, found: tuple[str, set[Held]] | None
) -> None:
    expected = None if found is None else Pressed(found[0], frozenset(found[1]))
    assert pressed_of(pressed, NO_KEYS, "xcb") == expected


def test_what_alt_gr_makes_of_ctrl_and_alt_does_not_count() -> None:
    q = event(Qt.Key.Key_Q, 0x10, modifiers=CONTROL | ALT)
    assert pressed_of(q, NO_KEYS, "windows") == Pressed("Q", frozenset({Held.CTRL, Held.ALT}))
    assert pressed_of(q, DOWN_ON_WINDOWS, "windows") == Pressed("Q", frozenset())
    right_alt = event(Qt.Key.Key_Alt, 0x138, modifiers=CONTROL)
    assert pressed_of(right_alt, DOWN_ON_WINDOWS, "windows") is None
    assert pressed_of(right_alt, frozenset({0x138}), "windows") is not None, "no AltGr there"


def test_alt_gr_on_windows_is_alt_graph_for_the_game() -> None:
    pressed = event(Qt.Key.Key_Alt, 0x138, modifiers=CONTROL | ALT)
    after = modifiers_after(pressed, ALT_GR_ON_WINDOWS, pressed=True, platform="windows")
    assert after == Modifiers.ALT_GRAPH
    q = event(Qt.Key.Key_Q, 0x10, modifiers=CONTROL | ALT)
    after = modifiers_after(q, ALT_GR_ON_WINDOWS | {"KeyQ"}, pressed=True, platform="windows")
    assert after == Modifiers.ALT_GRAPH
    up = event(Qt.Key.Key_Alt, 0x138, kind=UP, modifiers=NONE)
    assert modifiers_after(up, NOTHING, pressed=False, platform="windows") == Modifiers.NONE
