"""Flights: one for each session, and what another process sees of them."""

from __future__ import annotations

from helpers.stores import flights_of, newest_is, opened, running_session
from rejoin.backend.store.flights import Flight, FlightStore, Stale
from rejoin.backend.store.sessions import SessionStore

SOON_S = 60.0


async def session_in(store: SessionStore) -> str:
    row = await running_session(store)
    await newest_is(store, row.id, "me", 2)
    return row.id


async def take(
    flights: FlightStore, session_id: str, attempt: int, gone: Flight | None = None
) -> Flight | Stale | None:
    return await flights.take(session_id, attempt, lands_within_s=7.0, gone=gone, within_s=SOON_S)


async def test_one_process_flies_and_another_sees_it_beat(url: str) -> None:
    async with opened(url) as store:
        session_id = await session_in(store)
        ours, theirs = flights_of(store, "a"), flights_of(store, "b")
        assert await take(ours, session_id, 2) is None
        seen = await take(theirs, session_id, 2)
        assert seen == Flight(2, "a", 0, 7.0)
        assert await ours.renew(session_id, within_s=SOON_S)
        assert not await theirs.renew(session_id, within_s=SOON_S)
        assert await take(theirs, session_id, 2) == Flight(2, "a", 1, 7.0)
        await theirs.end(session_id, 2, within_s=SOON_S)  # ends nothing of another's
        assert await take(theirs, session_id, 2) is not None
        await ours.end(session_id, 2, within_s=SOON_S)
        assert await take(theirs, session_id, 2) is None


async def test_a_flight_is_replaced_only_if_it_is_still_the_one_that_stood_still(url: str) -> None:
    async with opened(url) as store:
        session_id = await session_in(store)
        ours, theirs = flights_of(store, "a"), flights_of(store, "b")
        await take(ours, session_id, 2)
        seen = await take(theirs, session_id, 2)
        assert isinstance(seen, Flight)
        await ours.renew(session_id, within_s=SOON_S)
        renewed = await take(theirs, session_id, 2, gone=seen)
        assert isinstance(renewed, Flight)
        assert renewed == Flight(2, "a", 1, 7.0)
        assert await take(theirs, session_id, 2, gone=renewed) is None
        assert not await ours.renew(session_id, within_s=SOON_S)


async def test_a_process_replaces_its_own_flight(url: str) -> None:
    async with opened(url) as store:
        session_id = await session_in(store)
        ours = flights_of(store, "a")
        assert await take(ours, session_id, 2) is None
        assert await take(ours, session_id, 2) is None


async def test_an_attempt_that_is_no_longer_the_newest_does_not_fly(url: str) -> None:
    async with opened(url) as store:
        session_id = await session_in(store)
        await newest_is(store, session_id, "me", 3)
        assert await take(flights_of(store, "a"), session_id, 2) is Stale.STALE
        assert await take(flights_of(store, "a"), session_id, 3) is None
        await store.ended(session_id, "TERMINATED", None, within_s=SOON_S)
        assert await take(flights_of(store, "b"), session_id, 3) is Stale.STALE
        assert await take(flights_of(store, "b"), "unknown", 3) is Stale.STALE
