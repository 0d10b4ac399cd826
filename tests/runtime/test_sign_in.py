"""A sign-in in a browser ends in tokens or in one sentence, and a sign-out leaves nothing."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from helpers.keyrings import MemoryKeyring
from rejoin.runtime import sign_in
from rejoin.runtime.saved_sign_in import SIGN_IN, SavedSignIn, fetch_sign_in, save_sign_in
from rejoin.runtime.sign_in import SignOut, current_tokens, keep_sign_in, sign_in_with_browser
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.exchange import DEFAULT_HTTP
from rejoin.signaling.openid import (
    AuthorizationRequest,
    OpenIdMethod,
    ProviderMetadata,
    ProviderUnreachableError,
    SignInEndedError,
    SignInRefusedError,
    Tokens,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

URL = "https://studio.example"
METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")
METADATA = ProviderMetadata(
    issuer="https://id.example",
    authorization_endpoint="https://id.example/auth",
    token_endpoint="https://id.example/token",
)


class FakeClient:
    """In place of `OpenIdClient`, with what it was asked."""

    metadata = METADATA
    error: Exception | None = None
    has_revocation = True
    codes: list[tuple[str, str]]
    revoked: list[str]

    def __init__(self, method: OpenIdMethod, _: object) -> None:
        assert method == METHOD

    async def discover(self) -> ProviderMetadata:
        return self.metadata

    async def exchange_code(self, request: AuthorizationRequest, code: str) -> Tokens:
        self.codes.append((code, request.redirect_uri))
        return Tokens("CANARY-b", 60.0, "CANARY-r")

    async def revoke(self, refresh_token: str) -> bool:
        self.revoked.append(refresh_token)
        if self.error is not None:
            raise self.error
        return self.has_revocation

    async def refresh(self, refresh_token: str) -> Tokens:
        if self.error is not None:
            raise self.error
        return Tokens("CANARY-b2", 60.0, refresh_token + "+")

    async def aclose(self) -> None:
        return


@pytest.fixture(name="client", autouse=True)
def _client(monkeypatch: pytest.MonkeyPatch) -> type[FakeClient]:
    class OfThisTest(FakeClient):
        codes: list[tuple[str, str]] = []  # noqa: RUF012
        revoked: list[str] = []  # noqa: RUF012

    monkeypatch.setattr(sign_in, "OpenIdClient", OfThisTest)
    monkeypatch.setattr("rejoin.runtime.token_sources.OpenIdClient", OfThisTest)
    return OfThisTest


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def browser(answer: Callable[[dict[str, str]], str]) -> Callable[[str], None]:
    """A browser in which the provider answers with this query."""

    def open_page(page: str) -> None:
        opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as redirected:
            opener.open(page)
        headers = redirected.value.headers
        redirected.value.close()
        asked = {
            name: values[0]
            for name, values in parse_qs(urlsplit(headers["Location"]).query).items()
        }
        where = urlsplit(asked["redirect_uri"])
        connection = http.client.HTTPConnection(where.netloc)
        cookie = headers["Set-Cookie"].partition(";")[0]
        connection.request("GET", f"{where.path}?{answer(asked)}", headers={"Cookie": cookie})
        connection.getresponse().read()
        connection.close()

    return open_page


async def test_a_sign_in_in_the_browser(client: type[FakeClient]) -> None:
    pages: list[str] = []
    tokens = await sign_in_with_browser(
        METHOD,
        DEFAULT_HTTP,
        pages.append,
        open_page=browser(lambda asked: f"code=c-1&state={asked['state']}"),
    )
    assert tokens.bearer == "CANARY-b"
    [(code, redirect_uri)] = client.codes
    assert (code, redirect_uri) == ("c-1", pages[0] + "sign-in")


async def test_a_player_who_cancels_is_not_signed_in(client: type[FakeClient]) -> None:
    with pytest.raises(SignInRefusedError, match="cancelled"):
        await sign_in_with_browser(
            METHOD,
            DEFAULT_HTTP,
            lambda page: None,
            open_page=browser(lambda asked: f"error=access_denied&state={asked['state']}"),
        )
    assert client.codes == []


def broken_browser(page: str) -> None:
    raise OSError("there is no browser")


async def test_a_browser_that_does_not_open_can_be_opened_by_hand(
    client: type[FakeClient],
) -> None:
    with pytest.raises(SignInRefusedError, match="Nobody signed in"):
        await sign_in_with_browser(
            METHOD, DEFAULT_HTTP, lambda page: None, open_page=broken_browser, within_s=0.1
        )


async def test_a_provider_without_a_browser_sign_in_opens_none(client: type[FakeClient]) -> None:
    client.metadata = METADATA.model_copy(update={"authorization_endpoint": None})
    pages: list[str] = []
    with pytest.raises(SignInRefusedError, match="no sign-in in a browser"):
        await sign_in_with_browser(METHOD, DEFAULT_HTTP, pages.append, open_page=pages.append)
    assert pages == []


async def test_a_saved_token_is_used_and_an_old_one_replaced(client: type[FakeClient]) -> None:
    store = TokenStore(MemoryKeyring())
    saved, is_saved = await keep_sign_in(store, URL, METHOD, Tokens("CANARY-b", 600.0, "r"))
    assert is_saved
    fresh = await current_tokens(store, URL, saved, DEFAULT_HTTP)
    assert fresh is not None
    assert (fresh.bearer, fresh.refresh) == ("CANARY-b", "r")
    assert fresh.lasts_s is not None
    assert 500 < fresh.lasts_s <= 600
    old = SavedSignIn(METHOD, "r", time.time() - 5)
    replaced = await current_tokens(store, URL, old, DEFAULT_HTTP)
    assert replaced == Tokens("CANARY-b2", 60.0, "r+")
    kept = await fetch_sign_in(store, URL)
    assert kept is not None
    assert kept.refresh == "r+"


async def test_a_sign_in_that_is_over_gives_no_token(client: type[FakeClient]) -> None:
    client.error = SignInEndedError("x")
    store = TokenStore(MemoryKeyring())
    assert await current_tokens(store, URL, SavedSignIn(METHOD, "r"), DEFAULT_HTTP) is None
    client.error = ProviderUnreachableError("x")
    with pytest.raises(ProviderUnreachableError):
        await current_tokens(store, URL, SavedSignIn(METHOD, "r"), DEFAULT_HTTP)


async def test_a_provider_that_is_away_costs_no_game_while_the_token_lasts(
    client: type[FakeClient],
) -> None:
    client.error = ProviderUnreachableError("x")
    store = TokenStore(MemoryKeyring())
    saved = SavedSignIn(METHOD, "r", time.time() + 20)
    await save_sign_in(store, URL, saved, "CANARY-b")
    found = await current_tokens(store, URL, saved, DEFAULT_HTTP)
    assert found is not None
    assert found.bearer == "CANARY-b"


@pytest.mark.parametrize(
    ("error", "has_revocation", "revoked"),
    [(None, True, True), (None, False, False), (ProviderUnreachableError("x"), True, False)],
)
async def test_a_sign_out_forgets_whatever_the_provider_says(
    client: type[FakeClient], error: Exception | None, has_revocation: bool, revoked: bool
) -> None:
    client.error, client.has_revocation = error, has_revocation
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    await save_sign_in(store, URL, SavedSignIn(METHOD, "CANARY-r"), "CANARY-b")
    done = await sign_in.sign_out(store, URL, DEFAULT_HTTP)
    assert done == SignOut(True, True, revoked)
    assert client.revoked == ["CANARY-r"]
    assert keyring.saved == {}


async def test_a_sign_out_without_a_sign_in_asks_nobody(client: type[FakeClient]) -> None:
    store = TokenStore(MemoryKeyring())
    assert await sign_in.sign_out(store, URL, DEFAULT_HTTP) == SignOut(False, True, False)
    await store.save(URL, "nonsense", SIGN_IN)
    assert await sign_in.sign_out(store, URL, DEFAULT_HTTP) == SignOut(False, True, False)
    assert client.revoked == []
