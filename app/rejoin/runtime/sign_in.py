"""Signs a player in: in the system's browser, or with a code on another device."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.language import Message
from rejoin.runtime.loopback_redirect import LoopbackRedirect
from rejoin.runtime.saved_sign_in import (
    SavedSignIn,
    fetch_bearer,
    fetch_sign_in,
    forget_sign_in,
    save_sign_in,
)
from rejoin.runtime.token_sources import SignInSource
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.openid import (
    AuthorizationRequest,
    DeviceAnswer,
    OpenIdMethod,
    ProviderUnreachableError,
    SignInEndedError,
    SignInRefusedError,
    Tokens,
)
from rejoin.signaling.openid_client import OpenIdClient
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.sign_in")

BROWSER_WITHIN_S: Final = 300.0
"""How long the player has in the browser."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """The result of a sign-out: whether there was a sign-in, whether the keyring is empty now, and
    whether the provider ended it."""

    was_signed_in: bool
    forgotten: bool
    revoked: bool


async def sign_in_with_browser(
    method: OpenIdMethod,
    http: HttpSettings,
    on_page: Callable[[str], None],
    *,
    open_page: Callable[[str], object] | None = None,
    within_s: float = BROWSER_WITHIN_S,
) -> Tokens:
    """The tokens, once the player has signed in in the browser.

    `on_page`: called with the first page, for a player whose browser does not open. `open_page`:
    opens it and may block; None: the system's browser. Raises SignInRefusedError and
    ProviderUnreachableError.
    """
    client = OpenIdClient(method, http)
    opening: asyncio.Task[None] | None = None
    try:
        metadata = await client.discover()
        # Before a browser opens, check that the provider has such a sign-in at all.
        AuthorizationRequest(method, metadata, "http://127.0.0.1/").url()
        requests: list[AuthorizationRequest] = []

        def request_url(redirect_uri: str) -> str:
            if not requests:
                requests.append(AuthorizationRequest(method, metadata, redirect_uri))
            return requests[0].url()

        async with LoopbackRedirect(
            request_url, lambda query: bool(requests) and requests[0].is_answered_by(query)
        ) as redirect:
            on_page(redirect.first_page)
            opening = spawn(_open(open_page or _browse, redirect.first_page), name="open browser")
            try:
                async with asyncio.timeout(within_s):
                    query = await redirect.wait()
            except TimeoutError:
                raise SignInRefusedError(
                    Message("Nobody signed in in the browser in time. Try again.")
                ) from None
            code = requests[0].code_from(query)
            tokens = await client.exchange_code(requests[0], code)
            await asyncio.sleep(0)  # the browser's last page is on its way
        return tokens
    finally:
        await cancel(opening)
        await client.aclose()


async def sign_in_with_device(
    method: OpenIdMethod, http: HttpSettings, on_code: Callable[[DeviceAnswer], None]
) -> Tokens:
    """The tokens, once the player has signed in on another device. `on_code`: shows what to do
    there.

    Raises SignInRefusedError and ProviderUnreachableError.
    """
    client = OpenIdClient(method, http)
    try:
        device = await client.begin_device()
        on_code(device)
        return await client.wait_for_device(device)
    finally:
        await client.aclose()


async def keep_sign_in(
    store: TokenStore, backend_url: str, method: OpenIdMethod, tokens: Tokens
) -> tuple[SavedSignIn, bool]:
    """The sign-in, and whether the keyring has it."""
    saved = SavedSignIn(method).after(tokens, time.time())
    return saved, await save_sign_in(store, backend_url, saved, tokens.bearer)


async def current_tokens(
    store: TokenStore, backend_url: str, saved: SavedSignIn, http: HttpSettings
) -> Tokens | None:
    """A bearer token of a saved sign-in, saved or new; None: the sign-in is over.

    An unreachable provider does not matter while the saved token lasts. Raises SignInRefusedError
    and ProviderUnreachableError.
    """
    kept = await fetch_bearer(store, backend_url, saved)
    if kept is not None:
        return kept
    source = SignInSource(saved, backend_url, http, store=store)
    try:
        tokens = await source.fetch()
    except SignInEndedError:
        return None
    except ProviderUnreachableError:
        kept = await fetch_bearer(store, backend_url, saved, margin_s=0.0)
        if kept is None:
            raise
        return kept
    finally:
        await source.aclose()
    return Tokens(tokens.bearer, tokens.lasts_s, tokens.refresh or saved.refresh)


async def sign_out(store: TokenStore, backend_url: str, http: HttpSettings) -> SignOut:
    """Forget the sign-in here, and end it at its provider."""
    saved = await fetch_sign_in(store, backend_url)
    forgotten = await forget_sign_in(store, backend_url, given_too=True)
    revoked = False
    if saved is not None and saved.refresh is not None:
        client = OpenIdClient(saved.method, http)
        try:
            revoked = await client.revoke(saved.refresh)
        except (SignInRefusedError, ProviderUnreachableError) as error:
            _log.info("the sign-in was not ended at the provider: %s", error)
        finally:
            await client.aclose()
    return SignOut(saved is not None, forgotten, revoked)


async def _open(open_page: Callable[[str], object], page: str) -> None:
    """On a thread: the call for some browsers blocks until they end."""
    try:
        await run_in_daemon_thread(
            lambda: open_page(page), name="browser", within_s=BROWSER_WITHIN_S
        )
    except Exception:  # a browser that fails does not matter: the player has the address
        return


def _browse(page: str) -> None:
    import webbrowser

    webbrowser.open(page)
