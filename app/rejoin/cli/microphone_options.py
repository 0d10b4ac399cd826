"""The options of the microphone, with the saved settings as their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rejoin.cli.options import NONE, TextType
from rejoin.cli.saved_settings import saved

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def microphone_options() -> tuple[Callable[[_Verb], _Verb], ...]:
    """In the order in which `--help` lists them."""
    return (
        click.option(
            "--microphone",
            type=click.Choice(("off", "open", "push_to_talk")),
            default=saved("microphone"),
            show_default="off",
            help="Your microphone, in games whose studio takes it. Use headphones: the game's own "
            "sound is not taken out of it.",
        ),
        click.option(
            "--microphone-device",
            metavar="NAME",
            type=TextType(),
            default=saved("microphone_device"),
            show_default=NONE,
            help="The microphone, by its name; no other one is opened in its place.",
        ),
        click.option(
            "--microphone-in-background/--no-microphone-in-background",
            default=saved("microphone_in_background"),
            help="The microphone stays open while the game's window is not the active one.",
        ),
        click.option(
            "--microphone-in-menu/--no-microphone-in-menu",
            default=saved("microphone_in_menu"),
            help="The microphone stays open in the game's menu.",
        ),
    )
