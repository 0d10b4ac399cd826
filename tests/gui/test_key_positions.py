"""Keys are positions: each table's codes, and no letter where a position is known."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from rejoin.gui.key_positions import identity_of, usage_of

W, A, CONTROL = 0x1A, 0x04, 0xE0


@pytest.mark.parametrize(
    ("evdev", "usage"),
    [
        (17, W),  # KEY_W, whatever letter the layout has there
        (30, A),
        (1, 0x29),  # KEY_ESC
        (2, 0x1E),  # KEY_1
        (11, 0x27),  # KEY_0
        (57, 0x2C),  # KEY_SPACE
        (59, 0x3A),  # KEY_F1
        (88, 0x45),  # KEY_F12
        (82, 0x62),  # KEY_KP0
        (103, 0x52),  # KEY_UP
        (105, 0x50),  # KEY_LEFT
        (106, 0x4F),  # KEY_RIGHT
        (108, 0x51),  # KEY_DOWN
        (97, 0xE4),  # KEY_RIGHTCTRL
        (100, 0xE6),  # KEY_RIGHTALT
        (111, 0x4C),  # KEY_DELETE
        (85, 0x94),  # KEY_ZENKAKUHANKAKU
        (89, 0x87),  # KEY_RO: "/" of ABNT2, backslash of JIS
        (92, 0x8A),  # KEY_HENKAN
        (93, 0x88),  # KEY_KATAKANAHIRAGANA
        (94, 0x8B),  # KEY_MUHENKAN
        (95, 0x8C),  # KEY_KPJPCOMMA
        (117, 0x67),  # KEY_KPEQUAL
        (121, 0x85),  # KEY_KPCOMMA
        (122, 0x90),  # KEY_HANGEUL
        (123, 0x91),  # KEY_HANJA
        (124, 0x89),  # KEY_YEN
        (183, 0x68),  # KEY_F13
        (194, 0x73),  # KEY_F24
    ],
)
def test_a_scan_code_names_the_position(evdev: int, usage: int) -> None:
    assert usage_of(Qt.Key.Key_Z.value, evdev + 8, "xcb") == usage
    assert usage_of(Qt.Key.Key_Z.value, evdev + 8, "wayland") == usage


def test_left_and_right_of_the_same_key_differ_by_position() -> None:
    key = Qt.Key.Key_Shift.value
    assert (usage_of(key, 42 + 8, "xcb"), usage_of(key, 54 + 8, "xcb")) == (0xE1, 0xE5)


@pytest.mark.parametrize(
    ("key", "usage"),
    [
        (Qt.Key.Key_W, W),
        (Qt.Key.Key_Exclam, 0x1E),
        (Qt.Key.Key_0, 0x27),
        (Qt.Key.Key_Comma, 0x36),
        (Qt.Key.Key_Slash, 0x38),
        (Qt.Key.Key_Backslash, 0x31),
        (Qt.Key.Key_Semicolon, 0x33),
        (Qt.Key.Key_QuoteLeft, 0x35),
        (Qt.Key.Key_Backtab, 0x2B),
        (Qt.Key.Key_F12, 0x45),
        (Qt.Key.Key_Up, 0x52),
        (Qt.Key.Key_Control, CONTROL),
    ],
)
def test_without_a_scan_code_the_name_of_the_key_counts(key: Qt.Key, usage: int) -> None:
    assert usage_of(key.value, 0, "offscreen") == usage
    assert usage_of(key.value, 17 + 8, "windows") == usage


def test_a_key_that_no_pc_keyboard_has_is_none() -> None:
    assert usage_of(Qt.Key.Key_LaunchMail.value, 0, "offscreen") is None
    assert usage_of(Qt.Key.Key_LaunchMail.value, 163, "xcb") is None


@pytest.mark.parametrize("platform", ["xcb", "wayland", "wayland-egl"])
@pytest.mark.parametrize("key", [Qt.Key.Key_Slash, Qt.Key.Key_Backslash, Qt.Key.Key_A])
def test_a_position_that_is_not_in_the_table_presses_no_other_key(
    platform: str, key: Qt.Key
) -> None:
    assert usage_of(key.value, 89 + 8, platform) == 0x87
    assert usage_of(key.value, 240 + 8, platform) is None


@pytest.mark.parametrize(
    ("virtual_key", "usage"),
    [
        (0, A),  # kVK_ANSI_A
        (10, 0x64),  # kVK_ISO_Section
        (13, W),
        (18, 0x1E),  # kVK_ANSI_1
        (29, 0x27),  # kVK_ANSI_0
        (36, 0x28),  # kVK_Return
        (49, 0x2C),  # kVK_Space
        (50, 0x35),  # kVK_ANSI_Grave
        (53, 0x29),  # kVK_Escape
        (55, 0xE3),  # kVK_Command
        (58, 0xE2),  # kVK_Option
        (59, 0xE0),  # kVK_Control
        (60, 0xE5),  # kVK_RightShift
        (62, 0xE4),  # kVK_RightControl
        (82, 0x62),  # kVK_ANSI_Keypad0
        (92, 0x61),  # kVK_ANSI_Keypad9
        (94, 0x87),  # kVK_JIS_Underscore
        (96, 0x3E),  # kVK_F5
        (111, 0x45),  # kVK_F12
        (122, 0x3A),  # kVK_F1
        (123, 0x50),  # kVK_LeftArrow
        (126, 0x52),  # kVK_UpArrow
        (250, None),
    ],
)
def test_on_macos_the_virtual_key_names_the_position(virtual_key: int, usage: int | None) -> None:
    assert usage_of(Qt.Key.Key_Z.value, 1, "cocoa", virtual_key) == usage


def event(key: Qt.Key, scan_code: int, virtual_key: int) -> QKeyEvent:
    modifiers = Qt.KeyboardModifier.NoModifier
    return QKeyEvent(QEvent.Type.KeyPress, key, modifiers, scan_code, virtual_key, 0, "")


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
