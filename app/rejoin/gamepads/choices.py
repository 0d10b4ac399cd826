"""What the player chose for gamepads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PadChoices:
    """`enabled`: pads are read at all. `background`: they reach the game while its window is not
    active. `dead_zone`: 0 to 1, the share of a stick's way that counts as its middle. `swap_ab`,
    `swap_xy`: bottom and right button, left and top button, change places in the game.
    `swap_ab_cards`: on Rejoin's own cards the right button presses and the bottom one goes back.
    `rumble`: the game may make a pad vibrate. `mouse`: Menu, held, makes a pad a mouse."""

    enabled: bool = True
    background: bool = False
    dead_zone: float = 0.1
    swap_ab: bool = False
    swap_xy: bool = False
    swap_ab_cards: bool = False
    rumble: bool = True
    mouse: bool = False
