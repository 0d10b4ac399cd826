"""Finds the sign-in token of a game.

It comes from the options, from the saved sign-in, or from a new one in the browser.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rejoin.cli import consent
from rejoin.cli.game_options import GameOptions
from rejoin.cli.messages import say, warn
from rejoin.errors import BadInputError

if TYPE_CHECKING:
    from rejoin.runtime.launch import SignedIn
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.runtime.token_sources import TokenSource
    from rejoin.signaling.exchange import HttpSettings
    from rejoin.signaling.openid import OpenIdMethod, Tokens

NO_TOKEN: Final = (
    "A sign-in token is needed: sign in with `rejoin sign-in URL`, use --token-file, or set "
    "REJOIN_TOKEN."
)


def given(profile: StudioProfile, chosen: GameOptions) -> tuple[StudioProfile, SignedIn | None]:
    """The profile with the options' token, if they have one; it has not been sent to anybody yet.

    Raises RejoinError.
    """
    from rejoin.runtime.launch import SignedIn
    from rejoin.runtime.token_sources import ClientSource

    ways = (chosen.token_command, chosen.client_credentials)
    if sum(way is not None for way in ways) + bool(chosen.token) > 1:
        raise BadInputError(
            "Give one sign-in: --token-file or REJOIN_TOKEN, --token-command, or "
            "--client-credentials."
        )
    source = _source(profile, chosen) if profile.dialect.needs_token else None
    if source is None:
        return profile, None
    tokens = asyncio.run(_first(source))
    issuer = source.issuer if isinstance(source, ClientSource) else None
    profile = replace(profile, token=tokens.bearer, issuer=issuer)
    return profile, SignedIn(source, tokens.lasts_s)


def signed_in(
    profile: StudioProfile, chosen: GameOptions, *, named_by_link: bool = False
) -> tuple[StudioProfile, SignedIn | None]:
    """The profile with a token of the player's own sign-in, where it has none and needs one.

    The keyring may ask the player to unlock it, and a browser may be opened. Raises RejoinError,
    and Abort where the player does not agree.
    """
    found = saved(profile)
    if found is not None:
        return found
    if profile.token or not profile.dialect.needs_token:
        return profile, None
    if named_by_link:
        from rejoin.runtime.launch import with_stored_token

        try:
            return with_stored_token(profile), None
        except BadInputError:
            pass  # none is saved
    method = _said_by(profile)
    consent.agree_to_sign_in(profile, method.issuer, named_by_link=named_by_link, yes=chosen.yes)
    tokens = with_browser(method, _http(profile))
    return _kept(profile, method, tokens)


def saved(profile: StudioProfile) -> tuple[StudioProfile, SignedIn] | None:
    """The profile with a token of the sign-in that the keyring has for its backend; None: there is
    none, it is over, or no token is needed."""
    from rejoin.runtime import game_sign_in

    return asyncio.run(game_sign_in.saved(profile))


def with_browser(method: OpenIdMethod, http: HttpSettings) -> Tokens:
    """The tokens of a new sign-in in the system's browser."""
    from rejoin.runtime.sign_in import sign_in_with_browser

    def show(page: str) -> None:
        say(f"Sign in in your browser. If it does not open, go to {page}", err=True)

    return asyncio.run(sign_in_with_browser(method, http, show))


def _http(profile: StudioProfile) -> HttpSettings:
    from rejoin.signaling.exchange import HttpSettings

    return HttpSettings(public_only=profile.public_only)


def _said_by(profile: StudioProfile) -> OpenIdMethod:
    """How the backend says that players sign in. Raises BadInputError where it does not say it."""
    from rejoin.signaling.client import CallFailedError
    from rejoin.signaling.dialects import OURS
    from rejoin.signaling.openid_client import ask_how_to_sign_in

    if profile.dialect is not OURS:
        raise BadInputError(NO_TOKEN)
    http = replace(_http(profile), verify=profile.ssl_context())
    try:
        method = asyncio.run(ask_how_to_sign_in(profile.backend_url, http))
    except CallFailedError as error:
        raise BadInputError(f"{NO_TOKEN} How players sign in is not known: {error}") from None
    if method is None:
        raise BadInputError(NO_TOKEN)
    return method


def _kept(
    profile: StudioProfile, method: OpenIdMethod, tokens: Tokens
) -> tuple[StudioProfile, SignedIn]:
    from rejoin.runtime import game_sign_in

    profile, signed = asyncio.run(game_sign_in.kept(profile, method, tokens))
    if not profile.token_is_saved:
        warn("this computer has no usable keyring: you will have to sign in again next time.")
    return profile, signed


def _source(profile: StudioProfile, chosen: GameOptions) -> TokenSource | None:
    from rejoin.runtime.token_sources import ClientSource, CommandSource, read_client_credentials

    if chosen.client_credentials is not None:
        return ClientSource(read_client_credentials(chosen.client_credentials), _http(profile))
    if chosen.token_command is None:
        return None
    try:
        arguments = shlex.split(chosen.token_command, posix=sys.platform != "win32")
    except ValueError:
        arguments = []
    if not arguments:
        raise BadInputError("The command of --token-command cannot be run.")
    return CommandSource(tuple(arguments))


async def _first(source: TokenSource) -> Tokens:
    try:
        return await source.fetch()
    finally:
        await source.aclose()
