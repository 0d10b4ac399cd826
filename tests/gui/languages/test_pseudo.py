"""Pseudo-languages keep placeholders, and are longer or mirrored."""

from __future__ import annotations

import pytest

from rejoin.gui.languages.pseudo import BEGIN, END, LONGER, LongPseudo, RightToLeftPseudo


@pytest.mark.parametrize(
    "text", ["Close", "Volume {percent} %", "A sentence of {n} words, or {m}."]
)
def test_the_long_one_is_accented_longer_and_keeps_placeholders(text: str) -> None:
    found = LongPseudo().find(text)
    assert found.startswith(BEGIN)
    assert found.endswith(END)
    assert text not in found
    values = {"percent": "5", "n": "2", "m": "3"}
    assert len(found.format(**values)) >= len(text.format(**values)) * (1 + LONGER)


def test_a_pattern_without_words_stays() -> None:
    assert LongPseudo().find("{first} {second}") == "{first} {second}"
    assert LongPseudo().find_plural("{reason}", "{reason} ({count} times)", 1) == "{reason}"


def test_the_other_one_is_written_from_right_to_left() -> None:
    found = RightToLeftPseudo().find("Volume {percent} %")
    assert found == "\u200f\u202eVolume\u202c\u200f {percent} %"
    assert RightToLeftPseudo().right_to_left
