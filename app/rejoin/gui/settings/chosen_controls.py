"""The settings as keyboard, mouse, touch and gamepads need them. Pure."""

from __future__ import annotations

from typing import Protocol

from rejoin.gamepads.choices import PadChoices
from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.runtime.player_settings import PlayerSettings


def controls_of(settings: PlayerSettings) -> ControlOptions:
    """How keyboard, mouse and touch behave, as the player has saved it."""
    return ControlOptions(
        Shortcuts.of(
            {
                ShortcutAction.OPEN_MENU: settings.keys_menu,
                ShortcutAction.TOGGLE_FULL_SCREEN: settings.keys_full_screen,
                ShortcutAction.TOGGLE_STATISTICS: settings.keys_statistics,
                ShortcutAction.TOGGLE_SOUND: settings.keys_sound,
                ShortcutAction.LOUDER: settings.keys_louder,
                ShortcutAction.QUIETER: settings.keys_quieter,
                ShortcutAction.TOGGLE_MICROPHONE: settings.keys_microphone,
                ShortcutAction.TALK: settings.keys_talk,
                ShortcutAction.SAVE_PICTURE: settings.keys_picture,
                ShortcutAction.RECONNECT: settings.keys_reconnect,
                ShortcutAction.FREE_MOUSE: settings.keys_free_mouse,
            }
        ),
        MouseOptions(
            capture=settings.mouse_capture == "game",
            sensitivity=settings.mouse_sensitivity,
            swap_buttons=settings.mouse_swap_buttons,
            reverse_scroll=settings.mouse_scroll == "reversed",
        ),
        TouchMode(settings.touch_mode),
        SystemKeysMode(settings.system_keys),
    )


class PadSettings(Protocol):
    """What the settings say of gamepads; the options of a game say it by the same names."""

    @property
    def gamepads(self) -> bool: ...
    @property
    def pad_background(self) -> bool: ...
    @property
    def pad_dead_zone(self) -> float: ...
    @property
    def pad_swap_ab(self) -> bool: ...
    @property
    def pad_swap_xy(self) -> bool: ...
    @property
    def pad_swap_ab_cards(self) -> bool: ...
    @property
    def pad_rumble(self) -> bool: ...
    @property
    def pad_mouse(self) -> bool: ...


def pads_of(settings: PadSettings) -> PadChoices:
    """How gamepads behave, as the player has chosen it."""
    return PadChoices(
        enabled=settings.gamepads,
        background=settings.pad_background,
        dead_zone=settings.pad_dead_zone,
        swap_ab=settings.pad_swap_ab,
        swap_xy=settings.pad_swap_xy,
        swap_ab_cards=settings.pad_swap_ab_cards,
        rumble=settings.pad_rumble,
        mouse=settings.pad_mouse,
    )
