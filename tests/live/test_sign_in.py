"""Players of an identity provider that others wrote and certified, at the backend."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from helpers.fake_stream_service import FakeStreamService, new_offer, new_token
from helpers.identity_provider import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    identity_provider,
)
from helpers.stores import opened
from rejoin.backend import introspection, openid_tokens
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.introspection import IntrospectionSettings
from rejoin.backend.openid_tokens import OpenIdSettings
from rejoin.backend.serving import serving

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

STATIC = "canary-static-token-of-a-tester"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


def settings_of(provider: IdentityProvider, **changes: Any) -> BackendSettings:
    openid = OpenIdSettings(provider.issuer, AUDIENCE, "the-game", "openid play")
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (STATIC,), openid=openid)
    return dataclasses.replace(settings, **changes)


@contextlib.asynccontextmanager
async def backend(settings: BackendSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with opened() as store:
        app = build_backend(FakeStreamService(), store, settings)
        async with (
            serving(app, "127.0.0.1", 0, close_patience_s=1) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30
            ) as http,
        ):
            yield http


async def start(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post(
        "/v1/sessions",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": new_token()},
        json={"signal_request": new_offer(), "attempt": 1},
    )


async def status(http: httpx.AsyncClient, session_id: str, token: str) -> int:
    answer = await http.get(
        f"/v1/sessions/{session_id}", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code


async def new(provider: IdentityProvider, kind: str = "") -> str:
    return await asyncio.to_thread(provider.access_token, kind)


async def test_tokens_of_both_algorithms_are_one_player_and_static_ones_stay(
    provider: IdentityProvider,
) -> None:
    async with backend(settings_of(provider)) as http:
        started = await start(http, await new(provider))
        assert started.status_code == 201, started.text
        session_id = started.json()["session_id"]
        assert await status(http, session_id, await new(provider, "/ec")) == 200
        assert (await start(http, STATIC)).status_code == 201
        assert await status(http, session_id, STATIC) == 404, "another player"
        about = (await http.get("/v1/about")).json()
        assert [each["kind"] for each in about["sign_in"]] == ["static", "openid"]
        assert about["sign_in"][1]["issuer"] == provider.issuer
        assert (about["contract"], about["contract_minor"]) == (1, 3)
        assert (await http.get("/v1/health")).json()["contract"] == 1


async def test_a_token_for_somebody_else_is_refused(provider: IdentityProvider) -> None:
    other = OpenIdSettings(provider.issuer, "https://another.example")
    async with backend(settings_of(provider, openid=other)) as http:
        assert (await start(http, await new(provider))).status_code == 401
    async with backend(settings_of(provider)) as http:
        assert (await start(http, await new(provider, "/opaque"))).status_code == 401


async def test_an_expired_token_is_refused(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_tokens, "LEEWAY_S", 0.0)
    async with backend(settings_of(provider)) as http:
        token = await new(provider, "/short")
        await asyncio.sleep(2.1)
        assert (await start(http, token)).status_code == 401


async def test_new_keys_in_mid_game_and_a_provider_that_is_down_lose_no_player(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_tokens, "ASK_AGAIN_S", 0.0)
    async with backend(settings_of(provider)) as http:
        before = await new(provider)
        session_id = (await start(http, before)).json()["session_id"]
        provider.command("rotate")
        after = await new(provider)
        assert await status(http, session_id, before) == 200, "its key is still known"
        assert await status(http, session_id, after) == 200
        provider.command("down")
        try:
            assert await status(http, session_id, after) == 200
        finally:
            provider.command("up")


async def test_a_backend_that_starts_without_its_provider_says_so_and_recovers(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_tokens, "ASK_AGAIN_S", 0.0)
    token = await new(provider)
    provider.command("down")
    try:
        async with backend(settings_of(provider)) as http:
            refused = await start(http, token)
            assert refused.status_code == 503, "not 401: the player is not signed out"
            assert refused.json()["retryable"] is True
            assert (await start(http, STATIC)).status_code == 201
            provider.command("up")
            assert (await start(http, token)).status_code == 201
    finally:
        provider.command("up")


async def test_an_opaque_token_is_asked_about_and_a_revoked_one_ends(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspection, "REMEMBERED_S", 0.0)
    asked = IntrospectionSettings(
        f"{provider.issuer}/token/introspection",
        CLIENT_ID,
        CLIENT_SECRET,
        provider.issuer,
        AUDIENCE,
    )
    async with backend(settings_of(provider, openid=None, introspection=asked)) as http:
        token = await new(provider, "/opaque")
        session_id = (await start(http, token)).json()["session_id"]
        assert await status(http, session_id, await new(provider, "/opaque")) == 200
        assert (await start(http, token[:-3] + "xyz")).status_code == 401
        await asyncio.to_thread(provider.revoke, token)
        assert await status(http, session_id, token) == 401
