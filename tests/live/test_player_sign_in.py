"""A player signs in at a certified identity provider, in Chromium, and plays with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import browser_that_signs_in
from helpers.chromium import CHROMIUM
from helpers.identity_provider import AUDIENCE, IdentityProvider, identity_provider
from rejoin.runtime.sign_in import sign_in_with_browser
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.openid import OpenIdMethod, SignInEndedError, claims_of
from rejoin.signaling.openid_client import OpenIdClient

pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

CLIENT = "rejoin-of-the-test"
TESTS = Path(__file__).parents[1]
BROWSER = f"{sys.executable} {browser_that_signs_in.__file__} %s"
HTTP = HttpSettings()


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture(autouse=True)
def _browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", BROWSER)
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def method_of(provider: IdentityProvider, **changes: Any) -> OpenIdMethod:
    settings = {"scopes": "openid offline_access play", "audience": AUDIENCE, **changes}
    return OpenIdMethod(provider.issuer, CLIENT, **settings)


async def test_a_player_signs_in_in_the_browser_and_the_sign_in_is_refreshed_and_revoked(
    provider: IdentityProvider,
) -> None:
    pages: list[str] = []
    tokens = await sign_in_with_browser(method_of(provider), HTTP, pages.append)
    claims = claims_of(tokens.bearer)
    assert claims["sub"] == browser_that_signs_in.PLAYER
    assert claims["aud"] == AUDIENCE
    assert tokens.lasts_s == 600
    assert tokens.refresh is not None
    assert pages[0].startswith("http://127.0.0.1:")

    client = OpenIdClient(method_of(provider), HTTP)
    try:
        newer = await client.refresh(tokens.refresh)
        assert claims_of(newer.bearer)["sub"] == browser_that_signs_in.PLAYER
        assert newer.bearer != tokens.bearer
        assert newer.refresh is not None
        assert await client.revoke(newer.refresh)
        with pytest.raises(SignInEndedError):
            await client.refresh(newer.refresh)
    finally:
        await client.aclose()
