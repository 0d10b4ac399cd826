"""The settings as the controls need them."""

from __future__ import annotations

from rejoin.gamepads.choices import PadChoices
from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.settings.chosen_controls import controls_of, pads_of
from rejoin.gui.shortcuts import ShortcutAction
from rejoin.runtime.player_settings import PlayerSettings


def test_the_defaults_of_both_are_the_same() -> None:
    assert controls_of(PlayerSettings()) == ControlOptions()
    assert pads_of(PlayerSettings()) == PadChoices()


def test_every_choice_arrives() -> None:
    made = controls_of(
        PlayerSettings(
            keys_menu="F9",
            mouse_capture="never",
            mouse_sensitivity=2.0,
            mouse_swap_buttons=True,
            mouse_scroll="reversed",
            touch_mode="trackpad",
            system_keys="always",
        )
    )
    assert made.shortcuts.label(ShortcutAction.OPEN_MENU) == "F9"
    assert made.mouse == MouseOptions(False, 2.0, True, True)
    assert (made.touch, made.system_keys) == (TouchMode.TRACKPAD, SystemKeysMode.ALWAYS)
    assert pads_of(
        PlayerSettings(
            gamepads=False,
            pad_background=True,
            pad_dead_zone=0.3,
            pad_swap_ab=True,
            pad_swap_xy=True,
            pad_swap_ab_cards=True,
            pad_rumble=False,
            pad_mouse=True,
        )
    ) == PadChoices(
        enabled=False,
        background=True,
        dead_zone=0.3,
        swap_ab=True,
        swap_xy=True,
        swap_ab_cards=True,
        rumble=False,
        mouse=True,
    )
