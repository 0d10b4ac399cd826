"""Every setting has its row, once, and words for each of its values."""

from __future__ import annotations

import pytest

from rejoin.gui.settings.sections import SECTIONS, WORDS
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import Limit, OneOf, Whole, YesNo


def test_every_setting_is_in_one_section_and_has_words() -> None:
    shown = [key for section in SECTIONS for key in section.keys]
    assert sorted(shown) == sorted(SETTINGS)
    assert set(WORDS) == set(SETTINGS)
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_value_has_words(key: str) -> None:
    kind, words = SETTINGS[key].kind, WORDS[key]
    assert words.title
    match kind:
        case OneOf(names):
            assert set(words.choices) == set(names)
        case YesNo():
            assert set(words.choices) == {True, False}
        case Limit() | Whole():
            assert words.steps
            for step in words.steps:
                assert SETTINGS[key].checked(step) == step
        case _:
            assert not words.choices
    for choice in words.choices.values():
        assert choice.label
        assert not choice.now or choice.now.endswith(".")
