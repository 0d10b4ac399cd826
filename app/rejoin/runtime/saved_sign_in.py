"""A sign-in that outlives the program: in the keyring, under the backend's origin, with its issuer.

The refresh token is sent only to the issuer that issued it, whatever a backend of the same origin
says later. The bearer token from it is sent only to that origin.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rejoin.runtime.tokens import FETCHED_WITHIN_S, TokenStore
from rejoin.signaling.openid import OpenIdMethod, Tokens

SIGN_IN: Final = "#sign-in"
BEARER: Final = "#bearer"
"""The kinds of entries under an origin, besides a token that the player entered; see
`TokenStore`."""
MARGIN_S: Final = 30.0
"""A token with less time left than this is not used for a start."""

_Text = Annotated[str, StringConstraints(max_length=2048)]
_Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7E]{1,8192}$")]


@dataclass(frozen=True, slots=True)
class SavedSignIn:
    """`refresh`: None where the provider gave no refresh token. `until_unix_s`: when the bearer
    token that was saved last expires; None: not known."""

    method: OpenIdMethod
    refresh: str | None = field(default=None, repr=False)
    until_unix_s: float | None = None

    def after(self, tokens: Tokens, now_unix_s: float) -> SavedSignIn:
        """The sign-in with the provider's new tokens. A refresh token that it did not replace stays
        valid."""
        until = None if tokens.lasts_s is None else now_unix_s + tokens.lasts_s
        return replace(self, refresh=tokens.refresh or self.refresh, until_unix_s=until)


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    version: int
    issuer: _Text
    client_id: _Text
    scopes: _Text
    audience: _Text | None = None
    uses_id_token: bool = False
    refresh: _Token | None = None
    until_unix_s: float | None = None


async def save_sign_in(
    store: TokenStore, backend_url: str, saved: SavedSignIn, bearer: str
) -> bool:
    """Save both; returns whether the sign-in and its bearer token are in the keyring now."""
    method = saved.method
    record = _Record(
        version=1,
        issuer=method.issuer,
        client_id=method.client_id,
        scopes=method.scopes,
        audience=method.audience,
        uses_id_token=method.uses_id_token,
        refresh=saved.refresh,
        until_unix_s=saved.until_unix_s,
    )
    # The refresh token first: a provider that replaces it no longer accepts the old one.
    if not await store.save(backend_url, record.model_dump_json(), SIGN_IN):
        return False
    return await store.save(backend_url, bearer, BEARER)


async def fetch_sign_in(
    store: TokenStore, backend_url: str, *, within_s: float = FETCHED_WITHIN_S
) -> SavedSignIn | None:
    """The sign-in at this backend's origin; None if there is none that can be read."""
    text = await store.fetch(backend_url, SIGN_IN, within_s=within_s)
    if text is None:
        return None
    try:
        record = _Record.model_validate_json(text)
    except ValidationError:
        return None
    if record.version != 1:
        return None
    method = OpenIdMethod(
        record.issuer, record.client_id, record.scopes, record.audience, record.uses_id_token
    )
    return SavedSignIn(method, record.refresh, record.until_unix_s)


async def forget_sign_in(store: TokenStore, backend_url: str, *, given_too: bool = False) -> bool:
    """Delete the sign-in and its bearer token; returns whether both are gone. `given_too`: also a
    token that the player entered."""
    whats = (SIGN_IN, BEARER, "") if given_too else (SIGN_IN, BEARER)
    gone = [await store.delete(backend_url, what) for what in whats]
    return all(gone)


async def fetch_bearer(
    store: TokenStore,
    backend_url: str,
    saved: SavedSignIn,
    *,
    margin_s: float = MARGIN_S,
    within_s: float = FETCHED_WITHIN_S,
) -> Tokens | None:
    """The bearer token of this sign-in, if it lasts longer than `margin_s`."""
    if saved.until_unix_s is None:
        return None
    lasts_s = saved.until_unix_s - time.time()
    if lasts_s <= margin_s:
        return None
    bearer = await store.fetch(backend_url, BEARER, within_s=within_s)
    return None if bearer is None else Tokens(bearer, lasts_s, saved.refresh)
