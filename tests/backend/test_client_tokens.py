"""ClientTokens: the same for the same attempt of the same player, and different for any other."""

from __future__ import annotations

from dataclasses import replace

from helpers.stores import fresh_tag, opened
from rejoin.backend.client_tokens import START, ClientTokens
from rejoin.backend.requests import Offer

OFFER = Offer(2, "request", "the-key-of-an-attempt")


async def test_a_token_depends_on_owner_session_and_key() -> None:
    async with opened() as store, opened() as another:
        tokens = ClientTokens(store)
        ours = (await tokens.offered("me", "session", OFFER)).client_token
        assert ours == (await ClientTokens(store).offered("me", "session", OFFER)).client_token
        others = {
            (await tokens.offered("them", "session", OFFER)).client_token,
            (await tokens.offered("me", "another", OFFER)).client_token,
            (await tokens.offered("me", "session", replace(OFFER, token="k2"))).client_token,
            (await ClientTokens(another).offered("me", "session", OFFER)).client_token,
        }
    assert len(others) == 4
    assert ours not in others
    assert 32 <= len(ours) <= 128, "as the service asks for"


async def test_what_is_stored_comes_first() -> None:
    async with opened() as store:
        tokens = ClientTokens(store)
        offered = await tokens.offered("me", START, OFFER)
        _, row = await store.begin_start(
            owner_hash="me", key=OFFER.token, offered=offered, tag=fresh_tag(), within_s=60.0
        )
        assert await tokens.of(row, START, OFFER) == offered.client_token
        assert await tokens.of(replace(row, client_token="stored"), START, OFFER) == "stored"
        older = replace(row, client_token=None)
        assert await tokens.of(older, START, OFFER) == offered.client_token
