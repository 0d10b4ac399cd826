"""`rejoin play`: a new game, at a backend's URL or through a studio's link."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import backend_profile, bearer, consent, options, window
from rejoin.cli.game_options import GameOptions, game_options
from rejoin.cli.messages import say
from rejoin.cli.no_collections import no_collections
from rejoin.cli.saved_settings import of_this_run, saved
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.runtime.launch import GameToPlay


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions(GameOptions, backend_profile.ProfileOptions):
    """The arguments of `rejoin play`."""

    backend_url: str
    stats: Path | None
    keep_last_picture: bool


@click.command(short_help="Play a game through a studio's backend.")
@click.argument("backend_url")
@partial(backend_profile.profile_options, network=saved("scope"))
@options.stats
@click.option(
    "--keep-last-picture",
    is_flag=True,
    help="Keep the picture you saw last, for you alone, while the game can be continued.",
)
@options.agreement(
    "Follow a link wherever it leads, send its backend your sign-in token, and start a second "
    "game, without asking."
)
@game_options()
@options.as_values(PlayOptions)
@needs("player")
@no_collections()
def play(chosen: PlayOptions) -> int:
    """Start a game through the studio's backend at BACKEND_URL and play it.

    BACKEND_URL may also be a studio's link (rejoin://play?...), which names the backend and its
    dialect. A link may come from anybody: unless you agree, its backend gets no sign-in token from
    --token-file or REJOIN_TOKEN, and it leads nowhere into this computer or its network.

    Without a token your sign-in for this backend is used (`rejoin sign-in`). If there is none, and
    the backend's players sign in with OpenID Connect, your browser is opened once you agree.

    Options that are not given are as `rejoin settings` shows them.
    """
    from rejoin.runtime.deep_link import is_link

    by_link = is_link(chosen.backend_url)
    game = _link_game(chosen) if by_link else _url_game(chosen)
    profile = replace(game.profile, keeps_last_picture=chosen.keep_last_picture)
    before = window.Before(profile, has_scope=not by_link)
    game = replace(game, profile=window.with_game_options(profile, chosen))
    return window.play_new_game(game, chosen, before, stats=chosen.stats, second=chosen.yes)


def _url_game(chosen: PlayOptions) -> GameToPlay:
    """The game that the options describe: nobody else has a say in reconnect reports and in the
    microphone here. Raises RejoinError."""
    from rejoin.runtime.launch import GameToPlay

    backend_profile.check_stream_group(chosen)
    window.check_display()
    profile = backend_profile.profile_of(chosen.backend_url, chosen.token, chosen)
    profile, signed_in = bearer.given(
        replace(profile, takes_reports=chosen.send_reports, allows_microphone=True),
        chosen,
    )
    if signed_in is None:
        profile, signed_in = bearer.signed_in(profile, chosen)
    return GameToPlay(profile, signed_in=signed_in)


def _link_game(chosen: PlayOptions) -> GameToPlay:
    """The game that a link describes, once the player agrees to where the link leads."""
    from rejoin.runtime.deep_link import parse_link
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.runtime.tokens import origin_of

    profile = StudioProfile.from_address(parse_link(chosen.backend_url), chosen.token)
    window.check_display()
    profile, signed_in = bearer.given(profile, chosen)
    profile = consent.agree_to_link(profile, yes=chosen.yes)
    if signed_in is None:
        profile, signed_in = bearer.signed_in(profile, chosen, named_by_link=True)
    if not of_this_run().streamer_mode:
        say(f"Playing through {origin_of(profile.backend_url)}.", err=True)
    return GameToPlay(profile, signed_in=signed_in)
