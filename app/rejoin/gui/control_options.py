"""How a player wants keyboard, mouse and touch to behave. Pure: no Qt."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from rejoin.gui.shortcuts import Shortcuts
from rejoin.input_events.events import Button

_SWAPPED: Final = {Button.LEFT: Button.RIGHT, Button.RIGHT: Button.LEFT}


@dataclass(frozen=True, slots=True)
class MouseOptions:
    """`capture`: the game gets the mouse for itself when it asks; else it sees where the pointer
    is. `sensitivity`: by how much the travel of a captured mouse is multiplied."""

    capture: bool = True
    sensitivity: float = 1.0
    swap_buttons: bool = False
    reverse_scroll: bool = False

    def button(self, button: Button) -> Button:
        """The button that the game gets for this one."""
        return _SWAPPED.get(button, button) if self.swap_buttons else button

    def turn(self, turn: tuple[int, int]) -> tuple[int, int]:
        """How far the wheel turns for the game, across and away from the player."""
        return (-turn[0], -turn[1]) if self.reverse_scroll else turn


class TouchMode(enum.Enum):
    """What a finger on a touch screen is."""

    POINTER = "pointer"
    """The pointer, where the finger is, with its left button held."""
    TRACKPAD = "trackpad"
    """It moves the pointer; a tap is a click, two fingers turn the wheel."""


class SystemKeysMode(enum.Enum):
    """When keys of the desktop (Alt+Tab, Super) reach the game."""

    OFF = "off"
    FULL_SCREEN = "full_screen"
    ALWAYS = "always"

    def wants(self, *, full_screen: bool) -> bool:
        """Whether the game shall have them now."""
        return self is SystemKeysMode.ALWAYS or (self is SystemKeysMode.FULL_SCREEN and full_screen)


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """All of them; the defaults are those of `runtime.player_settings`."""

    shortcuts: Shortcuts = Shortcuts()  # noqa: RUF009 frozen
    mouse: MouseOptions = MouseOptions()
    touch: TouchMode = TouchMode.POINTER
    system_keys: SystemKeysMode = SystemKeysMode.OFF
