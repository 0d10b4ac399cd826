"""ClientTokens: the same for the same attempt of the same player, and different for any other."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from helpers.stores import fresh_tag, opened
from rejoin.backend.client_tokens import START, ClientTokens
from rejoin.backend.requests import Offer
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.sessions import SessionStore

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


class CountedStore(SessionStore):
    asked = 0
    is_down = False

    async def server_key(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise StoreUnavailableError("The database is down.")
        return b"key"


async def test_the_key_is_asked_for_once_however_many_need_it() -> None:
    store = CountedStore()
    tokens = ClientTokens(store)
    store.is_down = True
    first = [tokens.offered("me", "session", OFFER) for _ in range(20)]
    refused = await asyncio.gather(*first, return_exceptions=True)
    assert all(isinstance(each, StoreUnavailableError) for each in refused)
    assert store.asked == 1
    store.is_down = False
    made = await asyncio.gather(*(tokens.offered("me", "session", OFFER) for _ in range(20)))
    assert len({offered.client_token for offered in made}) == 1
    assert store.asked == 2


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
