"""The sign-in of a game, saved or new, as part of its profile."""

from __future__ import annotations

from dataclasses import replace

from rejoin.runtime import sign_in as sign_ins
from rejoin.runtime.launch import SignedIn
from rejoin.runtime.saved_sign_in import SavedSignIn, fetch_sign_in
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.token_sources import SignInSource
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.dialects import OURS
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.openid import OpenIdMethod, Tokens


def http_of(profile: StudioProfile) -> HttpSettings:
    """How the profile's identity provider is called."""
    return HttpSettings(public_only=profile.public_only)


async def saved(profile: StudioProfile) -> tuple[StudioProfile, SignedIn] | None:
    """The profile with a token of the sign-in that the keyring has for its backend; None: there is
    none, it is over, or no token is needed. Raises RejoinError."""
    if profile.token or not profile.dialect.needs_token:
        return None
    store = TokenStore()
    found = await fetch_sign_in(store, profile.backend_url)
    if found is None:
        return None
    tokens = await sign_ins.current_tokens(store, profile.backend_url, found, http_of(profile))
    if tokens is None:
        return None
    return with_tokens(profile, replace(found, refresh=tokens.refresh), tokens, is_saved=True)


async def method_of(profile: StudioProfile) -> OpenIdMethod | None:
    """The sign-in that the backend describes; None: not OpenID Connect, or it describes none.
    Raises RejoinError."""
    from rejoin.signaling import openid_client

    if profile.dialect is not OURS:
        return None
    http = replace(http_of(profile), verify=profile.ssl_context())
    return await openid_client.ask_how_to_sign_in(profile.backend_url, http)


async def kept(
    profile: StudioProfile, method: OpenIdMethod, tokens: Tokens
) -> tuple[StudioProfile, SignedIn]:
    """The profile with the token of a new sign-in. `token_is_saved` says whether the keyring has
    it."""
    saved_now, is_saved = await sign_ins.keep_sign_in(
        TokenStore(), profile.backend_url, method, tokens
    )
    return with_tokens(profile, saved_now, tokens, is_saved=is_saved)


async def sign_out(profile: StudioProfile) -> sign_ins.SignOut:
    """Delete the keyring's sign-in for the profile's backend, and end it at its provider."""
    return await sign_ins.sign_out(TokenStore(), profile.backend_url, http_of(profile))


def with_tokens(
    profile: StudioProfile, sign_in: SavedSignIn, tokens: Tokens, *, is_saved: bool
) -> tuple[StudioProfile, SignedIn]:
    """The profile with this token, and the source of the next one."""
    store = TokenStore() if is_saved else None
    source = SignInSource(sign_in, profile.backend_url, http_of(profile), store=store)
    profile = replace(
        profile, token=tokens.bearer, token_is_saved=is_saved, issuer=sign_in.method.issuer
    )
    return profile, SignedIn(source, tokens.lasts_s)
