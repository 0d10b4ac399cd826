"""What the player's choices do to a button, to the wheel and to the desktop's keys."""

from __future__ import annotations

import pytest

from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.shortcuts import SHORTCUTS, ShortcutAction, Shortcuts
from rejoin.input_events import chords
from rejoin.input_events.events import Button
from rejoin.runtime.player_settings import PlayerSettings, setting
from rejoin.runtime.setting_kinds import OneOf


def test_swapped_buttons_are_left_and_right_alone() -> None:
    swapped = MouseOptions(swap_buttons=True)
    assert [swapped.button(each) for each in Button] == [
        Button.RIGHT,
        Button.MIDDLE,
        Button.LEFT,
        Button.BACK,
        Button.FORWARD,
    ]
    assert [MouseOptions().button(each) for each in Button] == list(Button)


def test_the_wheel_can_turn_the_other_way() -> None:
    assert MouseOptions().turn((15, -120)) == (15, -120)
    assert MouseOptions(reverse_scroll=True).turn((15, -120)) == (-15, 120)


@pytest.mark.parametrize(
    ("mode", "windowed", "full"),
    [
        (SystemKeysMode.OFF, False, False),
        (SystemKeysMode.FULL_SCREEN, False, True),
        (SystemKeysMode.ALWAYS, True, True),
    ],
)
def test_when_the_game_gets_the_desktops_keys(
    mode: SystemKeysMode, windowed: bool, full: bool
) -> None:
    assert (mode.wants(full_screen=False), mode.wants(full_screen=True)) == (windowed, full)


def test_defaults_and_words_are_those_of_the_settings() -> None:
    """`runtime` cannot import what is above it."""
    saved = PlayerSettings()
    assert setting("touch.mode").kind == OneOf(tuple(each.value for each in TouchMode))
    modes = setting("keyboard.system_keys").kind
    assert modes == OneOf(tuple(each.value for each in SystemKeysMode))
    options = ControlOptions()
    assert options.mouse == MouseOptions(
        saved.mouse_capture == "game",
        saved.mouse_sensitivity,
        saved.mouse_swap_buttons,
        saved.mouse_scroll == "reversed",
    )
    assert options.touch.value == saved.touch_mode
    assert options.system_keys.value == saved.system_keys
    saved_keys = {
        ShortcutAction.OPEN_MENU: saved.keys_menu,
        ShortcutAction.TOGGLE_FULL_SCREEN: saved.keys_full_screen,
        ShortcutAction.TOGGLE_STATISTICS: saved.keys_statistics,
        ShortcutAction.TOGGLE_SOUND: saved.keys_sound,
        ShortcutAction.LOUDER: saved.keys_louder,
        ShortcutAction.QUIETER: saved.keys_quieter,
        ShortcutAction.TOGGLE_MICROPHONE: saved.keys_microphone,
        ShortcutAction.TALK: saved.keys_talk,
        ShortcutAction.SAVE_PICTURE: saved.keys_picture,
        ShortcutAction.RECONNECT: saved.keys_reconnect,
        ShortcutAction.FREE_MOUSE: saved.keys_free_mouse,
    }
    assert Shortcuts.of(saved_keys) == Shortcuts()
    of_others = {
        ShortcutAction.DROP_CONNECTION,
        ShortcutAction.PRACTICE_DROP,
        ShortcutAction.SET_MARKER,
    }
    in_settings = {each.action for each in SHORTCUTS} - of_others
    assert set(saved_keys) == in_settings, "those are the demonstration's and the testers'"
    assert chords.clashes({a.value: keys for a, keys in Shortcuts().keys.items()}) == []
