"""Settings become an appearance."""

from __future__ import annotations

from rejoin.gui.roles import LEAST_TEXT, MOST_TEXT, Appearance, ThemeChoice
from rejoin.gui.settings.appearance import appearance_of
from rejoin.runtime.player_settings import PlayerSettings, setting
from rejoin.runtime.setting_kinds import OneOf, Whole


def test_the_defaults_are_the_usual_appearance() -> None:
    assert appearance_of(PlayerSettings()) == Appearance()


def test_every_setting_of_it_counts() -> None:
    settings = PlayerSettings(
        theme="system", high_contrast=True, text_size=150, reduced_motion=True, language="de"
    )
    assert appearance_of(settings) == Appearance(ThemeChoice.SYSTEM, True, 150, True, "de")


def test_the_words_and_limits_are_those_of_the_code() -> None:
    assert setting("appearance.theme").kind == OneOf(tuple(each.value for each in ThemeChoice))
    assert setting("appearance.text_size").kind == Whole(LEAST_TEXT, MOST_TEXT)
