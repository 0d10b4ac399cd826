"""`rejoin back`: return to the last game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import click

from rejoin.cli import bearer, consent, options, window
from rejoin.cli.game_options import GameOptions, game_options
from rejoin.cli.messages import say, warn
from rejoin.cli.no_collections import no_collections
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.runtime.instance import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOptions(GameOptions):
    """The arguments of `rejoin back`."""


@click.command(short_help="Go back into the last game.")
@options.agreement("Send your sign-in token to the game's backend without asking.")
@game_options(decoder_default="software")
@options.as_values(BackOptions)
@needs("player")
@no_collections()
def back(chosen: BackOptions) -> int:
    """Go back into the last game, after Rejoin or this computer crashed or was closed.

    A graphics driver may have caused a crash, so the video is decoded in software unless you choose
    --decoder auto.

    The sign-in token comes from this computer's keyring. If it is not there, use --token-file or
    set REJOIN_TOKEN; you are asked before a token goes to a backend that never had it before.

    Other options that are not given are as `rejoin settings` shows them.
    """
    from rejoin.runtime import launch
    from rejoin.runtime.launch import Claimed, GameToPlay, HandedOver, LockUnavailable
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.runtime.tokens import origin_of
    from rejoin.runtime.unfinished import key_of_ticket

    window.check_display()
    ticket = launch.ticket_to_return_with()
    claim = launch.claim(key_of_ticket(ticket))
    instance: Instance | None
    match claim:
        case HandedOver():
            say("This game is already open; its window was brought to the front.")
            return 0
        case LockUnavailable():
            warn("cannot check whether this game is open in another Rejoin.")
            instance = None
        case Claimed(claimed):
            instance = claimed
        case _:
            assert_never(claim)
    try:
        # Fails for an unknown dialect before the keyring asks the player for anything.
        profile = StudioProfile.from_address(ticket.backend, chosen.token)
        before = window.Before(profile)
        profile = window.with_game_options(profile, chosen)
        profile, signed_in = bearer.given(profile, chosen)
        if not launch.has_had_token(ticket, profile):
            reason = f"Your last game is at {origin_of(profile.backend_url)}."
            consent.agree_to_token(profile, reason, yes=chosen.yes)
        if signed_in is None and (found := bearer.saved(profile)) is not None:
            profile, signed_in = found
        profile = launch.with_stored_token(profile)
        ticket = launch.with_stored_session(ticket, profile)
        game = launch.claim_game(profile)
        open_here = game.instance if isinstance(game, Claimed) else None
        try:
            return window.play_in_window(
                GameToPlay(profile, ticket, instance, open_here, signed_in), chosen, before
            )
        finally:
            if open_here is not None:
                open_here.release()
    finally:
        if instance is not None:
            instance.release()
