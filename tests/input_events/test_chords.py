"""Shortcuts as a person writes them."""

from __future__ import annotations

import pytest

from rejoin.input_events.chords import (
    KEY_NAMES,
    Chord,
    ChordError,
    Held,
    clashes,
    parse,
    to_text,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("F11, Alt+Enter", "F11, Alt+Enter"),
        ("ctrl + ALT+s", "Ctrl+Alt+S"),
        ("alt+ctrl", "Ctrl+Alt"),
        ("Super+5", "Meta+5"),
        ("shift+f24", "Shift+F24"),
        ("Ctrl+Minus,Ctrl+Minus", "Ctrl+Minus"),
        ("None", "none"),
    ],
)
def test_what_a_person_writes_is_written_back_in_one_way(text: str, written: str) -> None:
    found = parse(text)
    assert to_text(found) == written
    assert parse(written) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "Ctrl", "W", "Shift+W", "Space", "Escape", "Up", "Ctrl+", "S+Ctrl", "Ctrl+S+T"),
        *("Ctrl+AltGr+S", "AltGr", "Ctrl+F25", "Hyper+A", "Ctrl+A,B", "Ctrl+é", "F1,F2,F3,F4,F5"),
        "Ctrl+" * 100 + "A",
    ],
)
def test_what_is_no_shortcut_says_why(text: str) -> None:
    with pytest.raises(ChordError) as raised:
        parse(text)
    assert str(raised.value)


def test_every_key_can_go_with_ctrl() -> None:
    for name in KEY_NAMES:
        [chord] = parse(f"Ctrl+{name}")
        assert chord == Chord(frozenset({Held.CTRL}), name)


def test_keys_that_two_shortcuts_have_belong_to_the_first() -> None:
    shortcuts = {
        "full": parse("F11, Alt+Enter"),
        "sound": parse("F9"),
        "off": parse("none"),
        "other": parse("Alt+Enter, F9"),
    }
    assert clashes(shortcuts) == [
        ("full", "other", parse("Alt+Enter")[0]),
        ("sound", "other", parse("F9")[0]),
    ]
    assert clashes({"one": parse("Ctrl+Alt"), "two": parse("Ctrl+Alt+S")}) == []
