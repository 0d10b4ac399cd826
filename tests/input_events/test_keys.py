"""One table: every number names one key, and the keys of all layouts are there."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rejoin.input_events.events import Location
from rejoin.input_events.keys import BY_CODE, BY_EVDEV, BY_MAC, BY_WINDOWS, KEYS


def all_different(numbers: Iterable[object]) -> bool:
    found = list(numbers)
    return len(set(found)) == len(found)


def test_no_number_names_two_keys() -> None:
    assert all_different(key.code for key in KEYS)
    assert all_different(key.usage for key in KEYS)
    assert all_different(code for key in KEYS for code in key.evdev)
    assert all_different(code for key in KEYS for code in key.windows)
    assert all_different(code for key in KEYS for code in key.mac)


@pytest.mark.parametrize(
    ("code", "usage", "evdev", "windows", "mac"),
    [
        ("KeyW", 0x1A, 17, 0x11, 13),  # KEY_W, kVK_ANSI_W
        ("KeyA", 0x04, 30, 0x1E, 0),
        ("Digit0", 0x27, 11, 0x0B, 29),
        ("Escape", 0x29, 1, 0x01, 53),
        ("F12", 0x45, 88, 0x58, 111),
        ("F13", 0x68, 183, 0x64, 105),
        ("F20", 0x6F, 190, 0x6B, 90),
        ("F24", 0x73, 194, 0x76, None),
        ("ArrowRight", 0x4F, 106, 0x14D, 124),
        ("NumpadEnter", 0x58, 96, 0x11C, 76),
        ("NumpadEqual", 0x67, 117, 0x59, 81),
        ("NumLock", 0x53, 69, 0x145, 71),
        ("Pause", 0x48, 119, 0x45, None),
        ("IntlBackslash", 0x64, 86, 0x56, 10),  # ISO
        ("IntlRo", 0x87, 89, 0x73, 94),  # ABNT2 and JIS
        ("NumpadComma", 0x85, 121, 0x7E, 95),  # ABNT2 and JIS
        ("IntlYen", 0x89, 124, 0x7D, 93),  # JIS
        ("Convert", 0x8A, 92, 0x79, None),
        ("NonConvert", 0x8B, 94, 0x7B, None),
        ("KanaMode", 0x88, 93, 0x70, None),
        ("Lang3", 0x92, 90, 0x78, None),
        ("Lang4", 0x93, 91, 0x77, None),
        ("Lang5", 0x94, 85, None, None),
        ("Lang1", 0x90, 122, 0x72, 104),  # Korean Hangul, JIS kana
        ("Lang2", 0x91, 123, 0x71, 102),  # Korean Hanja, JIS eisu
        ("ControlRight", 0xE4, 97, 0x11D, 62),
        ("MetaLeft", 0xE3, 125, 0x15B, 55),
    ],
)
def test_a_key_has_its_numbers_in_every_system(
    code: str, usage: int, evdev: int, windows: int | None, mac: int | None
) -> None:
    key = BY_CODE[code]
    assert (key.usage, BY_EVDEV[evdev].code) == (usage, code)
    assert windows is None or BY_WINDOWS[windows].code == code
    assert mac is None or BY_MAC[mac].code == code
    assert key.evdev[0] == evdev


def test_a_key_that_reports_two_scan_codes_is_one_key() -> None:
    assert BY_EVDEV[95].code == "NumpadComma"  # KEY_KPJPCOMMA
    assert BY_WINDOWS[0x146].code == "Pause"  # with Ctrl
    assert BY_WINDOWS[0x54].code == "PrintScreen"  # with Alt
    assert (BY_WINDOWS[0xF1].code, BY_WINDOWS[0xF2].code) == ("Lang2", "Lang1")


def test_locations() -> None:
    where = {key.code: key.location for key in KEYS if key.location is not Location.STANDARD}
    assert where["ShiftLeft"] is Location.LEFT
    assert where["AltRight"] is Location.RIGHT
    assert where["Numpad7"] is where["NumpadComma"] is Location.NUMPAD
    sides = [location for location in where.values() if location is not Location.NUMPAD]
    assert sides == [Location.LEFT] * 4 + [Location.RIGHT] * 4
    assert "ArrowLeft" not in where
    assert "BracketRight" not in where
