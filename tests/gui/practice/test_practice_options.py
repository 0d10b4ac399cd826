"""The tester's keys beside the player's."""

from __future__ import annotations

from helpers.fake_practice import FakePractice
from rejoin.gui.control_options import ControlOptions, TouchMode
from rejoin.gui.practice.practice_options import PracticeOptions, with_keys
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.input_events import chords


def test_players_have_no_such_keys() -> None:
    controls = ControlOptions()
    assert with_keys(controls, None) is controls
    assert with_keys(controls, PracticeOptions(FakePractice())) == controls


def test_a_testers_keys_are_added_and_all_others_stay() -> None:
    mine = Shortcuts.of({ShortcutAction.OPEN_MENU: "F9"})
    controls = ControlOptions(mine, touch=TouchMode.TRACKPAD)
    keys = chords.parse("F6")
    found = with_keys(controls, PracticeOptions(FakePractice(), keys, chords.parse("F7")))
    assert found.touch is TouchMode.TRACKPAD
    assert found.shortcuts.keys[ShortcutAction.PRACTICE_DROP] == keys
    assert found.shortcuts.keys[ShortcutAction.OPEN_MENU] == chords.parse("F9")
    assert "F6" in found.shortcuts.names
