"""`rejoin home`: its arguments. `main` goes past them where nothing has to be read by click."""

from __future__ import annotations

from dataclasses import dataclass

import click

from rejoin.cli.home import show_home
from rejoin.cli.options import as_values


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOptions:
    """The arguments of `rejoin home`."""

    link: str | None = None


@click.command(short_help="Open the home window.")
@click.argument("link", required=False)
@as_values(HomeOptions)
def home(chosen: HomeOptions) -> int:
    """Open the window with your games, and with the last one while there is a way back into it.

    LINK is a studio's link (rejoin://play?...): the window asks before it leads anywhere. If the
    window is open already, it comes to the front.
    """
    return show_home(chosen.link)
