"""The options of gamepads, with the saved settings as their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rejoin.cli.options import NumberRange
from rejoin.cli.saved_settings import saved

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def pad_options() -> tuple[Callable[[_Verb], _Verb], ...]:
    """In the order in which `--help` lists them."""
    return (
        click.option(
            "--gamepads/--no-gamepads",
            default=saved("gamepads"),
            help="Play with gamepads.",
        ),
        click.option(
            "--pad-background/--no-pad-background",
            default=saved("pad_background"),
            help="Gamepads reach the game while its window is not active, too.",
        ),
        click.option(
            "--pad-dead-zone",
            type=NumberRange(0.0, 1.0),
            default=saved("pad_dead_zone"),
            show_default="0.1",
            help="How much of a gamepad stick's way counts as its middle.",
        ),
        click.option(
            "--pad-swap-ab/--no-pad-swap-ab",
            default=saved("pad_swap_ab"),
            help="Swap the bottom and the right button of gamepads (A and B).",
        ),
        click.option(
            "--pad-swap-xy/--no-pad-swap-xy",
            default=saved("pad_swap_xy"),
            help="Swap the left and the top button of gamepads (X and Y).",
        ),
        click.option(
            "--pad-swap-ab-cards/--no-pad-swap-ab-cards",
            default=saved("pad_swap_ab_cards"),
            help="On Rejoin's own cards the right button presses, and the bottom one goes back.",
        ),
        click.option(
            "--pad-rumble/--no-pad-rumble",
            default=saved("pad_rumble"),
            help="The game may make gamepads vibrate; only where its input module asks for it.",
        ),
        click.option(
            "--pad-mouse/--no-pad-mouse",
            default=saved("pad_mouse"),
            help="Menu, held on a gamepad, makes it a mouse, and a gamepad again.",
        ),
    )
