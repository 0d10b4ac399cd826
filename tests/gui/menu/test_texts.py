"""The menu's words: whole sentences, and no information by position alone."""

from __future__ import annotations

from rejoin.gui.menu import texts


def test_an_entry_is_said_with_what_stands_beside_it() -> None:
    assert texts.entry_spoken(texts.SOUND, texts.on_off(True)) == "Sound: on"
    assert texts.entry_spoken(texts.SETTINGS, "") == "Settings"


def test_a_question_says_what_is_lost() -> None:
    assert "for good" in texts.END_CONSEQUENCE
    assert texts.END_QUESTION.endswith("?")
