"""Asks the player before a link or a ticket leads anywhere that they did not type themselves.

The player can agree to send the sign-in token to an origin, and to follow a link into this computer
or its network. Agreement counts for this run and is not remembered.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rejoin.cli.messages import is_terminal
from rejoin.errors import BadInputError
from rejoin.language import Message

if TYPE_CHECKING:
    from rejoin.runtime.studio_profile import StudioProfile


def agree_to_link(profile: StudioProfile, *, yes: bool) -> StudioProfile:
    """The profile of a link's backend, once the player agrees to where it leads.

    A token from --token-file or REJOIN_TOKEN may belong to another studio. One in the keyring was
    saved for exactly this origin, and needs no question. Raises BadInputError where nobody can be
    asked, Abort where the player does not agree.
    """
    from rejoin.runtime.backend_visit import leads_into_this_network
    from rejoin.runtime.tokens import origin_of

    origin = origin_of(profile.backend_url)
    is_local = asyncio.run(leads_into_this_network(profile.backend_url))
    if is_local:
        where = f"This link leads to {origin}, which is on this computer or its network."
        question = Message(
            "This link leads to {origin}, which is on this computer or its network. Connect to it?",
            origin=origin,
        )
        _ask(question, f"{where} Add --yes to connect to it.", yes=yes)
    agree_to_token(profile, f"This link leads to {origin}.", yes=yes)
    return replace(profile, public_only=not is_local)


def agree_to_token(profile: StudioProfile, reason: str, *, yes: bool) -> None:
    """Ask whether the profile's token may be sent to its backend, if it has one.

    `reason`: a sentence that says who named the backend. Raises as `agree_to_link`.
    """
    from rejoin.runtime.tokens import origin_of

    if profile.token:
        origin = origin_of(profile.backend_url)
        _ask(
            Message("Send your sign-in token to {origin}?", origin=origin),
            f"{reason} Add --yes to send it your sign-in token.",
            yes=yes,
        )


def agree_to_sign_in(
    profile: StudioProfile, issuer: str, *, named_by_link: bool, yes: bool
) -> None:
    """Ask whether the player wants to sign in at this issuer, which the profile's backend names.

    Raises as `agree_to_link`.
    """
    from rejoin.runtime.tokens import origin_of

    origin, at = origin_of(profile.backend_url), origin_of(issuer)
    where = f"This link leads to {origin}, where players" if named_by_link else "There players"
    question = Message("There players sign in at {at}. Sign in there in your browser now?", at=at)
    if named_by_link:
        question = Message(
            "This link leads to {origin}, where players sign in at {at}. Sign in there in your "
            "browser now?",
            origin=origin,
            at=at,
        )
    _ask(
        question,
        f"{where} sign in at {at}. Sign in first: `rejoin sign-in {profile.backend_url}`, with "
        "--device where there is no browser.",
        yes=yes,
    )


def _ask(question: str, refusal: str, *, yes: bool) -> None:
    if yes:
        return
    from rejoin.gui import confirmation, displays

    if is_terminal(sys.stdin):
        click.confirm(question, abort=True, err=True)
    elif not displays.can_be_seen():
        raise BadInputError(refusal)
    elif not confirmation.confirmed(question):
        raise click.exceptions.Abort
