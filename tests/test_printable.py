"""What others chose cannot control a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("an ordinary name", "an ordinary name"),
        ("Übersee, 日本 🎮", "Übersee, 日本 🎮"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b]52;c;Y3VybA==\x1b\\", "\\x1b]52;c;Y3VybA==\\x1b\\"),
        ("\x9b31m", "\\x9b31m"),
        ("over\rwritten", "over\\rwritten"),
        ("a forged\nline", "a forged\\nline"),
        ("gone\b\b\x7f", "gone\\x08\\x08\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066a\u2069\u200f\u061c", "\\u2066a\\u2069\\u200f\\u061c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\u2028line\u2029paragraph", "\\u2028line\\u2029paragraph"),
        ("half \udc9b", "half \\udc9b"),
        ("tag \U000e0041", "tag \\U000e0041"),
    ],
)
def test_what_controls_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable_lines(text.replace("\n", "")) == shown.replace("\\n", "")


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_keeps_a_character_that_controls(text: str) -> None:
    for shown in (printable(text), printable_lines(text).replace("\n", "").replace("\t", "")):
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        shown.encode()


def test_our_own_lines_and_tabs_stay() -> None:
    assert printable_lines("one\ttwo\n  \x1bthree\r\n") == "one\ttwo\n  \\x1bthree\\r\n"
