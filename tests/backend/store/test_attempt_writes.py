"""What a claim and an answer write, and what they leave as it is; on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from helpers.stores import flights_of, opened, running_session
from rejoin.backend.store.attempt_writes import (
    Landed,
    NewFlight,
    Offered,
    record_attempt,
    write_answer,
    write_claim,
)
from rejoin.backend.store.schema import ATTEMPT, FLIGHT, STREAM_SESSION
from rejoin.backend.store.session_rows import get_row

SOON_S = 60.0


def _never_late() -> None:
    raise AssertionError("the caller waited")


async def test_a_claim_of_a_session_that_has_changed_writes_nothing(url: str) -> None:
    async with opened(url) as store:
        session_id = (await running_session(store)).id

        def work(connection: Connection) -> None:
            row = get_row(connection, session_id)
            flight = NewFlight("one", 7.0, _never_late)
            assert write_claim(connection, row, "k2", Offered(2, "sha-2", "ct"), flight) is True
            assert write_claim(connection, row, "k3", Offered(3, "sha-3", "ct"), flight) is None
            offers = connection.scalars(
                select(ATTEMPT.c.request_sha256).where(ATTEMPT.c.session_id == session_id)
            )
            assert sorted(offers) == ["sha-1", "sha-2"]
            assert connection.scalar(select(STREAM_SESSION.c.attempt)) == 2
            flights = connection.execute(select(FLIGHT)).all()
            assert [tuple(each) for each in flights] == [(session_id, 2, "one", 0, 7.0)]

        await store.database.run(work, within_s=SOON_S)


async def test_a_claim_forgets_the_answer_of_the_attempt_before(url: str) -> None:
    async with opened(url) as store:
        session_id = (await running_session(store)).id

        def work(connection: Connection) -> None:
            landed = Landed(session_id, 1, "sha-1", "answer 1", None, settles=False)
            assert write_answer(connection, landed, 0.0) is True
            row = get_row(connection, session_id)
            assert row.answer == "answer 1"
            assert write_claim(connection, row, "k2", Offered(2, "sha-2", "ct"), None) is False
            answers = connection.execute(select(ATTEMPT.c.answer, ATTEMPT.c.answer_hash)).all()
            assert [each.answer for each in answers] == [None, None]
            assert len([each for each in answers if each.answer_hash is not None]) == 1

        await store.database.run(work, within_s=SOON_S)


async def test_what_belongs_to_another_session_stays(url: str) -> None:
    async with opened(url) as store:
        one, other = (await running_session(store, "1")).id, (await running_session(store, "2")).id
        flights = flights_of(store, "one")
        await flights.take(other, 1, lands_within_s=7.0, gone=None, within_s=SOON_S)

        def work(connection: Connection) -> None:
            for session_id, sha in ((one, "sha-1"), (other, "sha-2")):
                landed = Landed(session_id, 1, sha, f"to {sha}", None, settles=False)
                assert write_answer(connection, landed, 0.0) is True
            row = get_row(connection, one)
            flight = NewFlight("one", 7.0, _never_late)
            assert write_claim(connection, row, "k2", Offered(2, "sha-9", "ct"), flight) is True
            landed = Landed(one, 2, "sha-9", "to sha-9", "one", settles=True)
            assert write_answer(connection, landed, 5.0) is True
            untouched = get_row(connection, other)
            assert (untouched.attempt, untouched.answer) == (1, "to sha-2")
            assert connection.scalars(select(FLIGHT.c.session_id)).all() == [other]

        await store.database.run(work, within_s=SOON_S)


@pytest.mark.parametrize("settles", [False, True])
async def test_the_time_of_an_answer_is_written_where_the_clock_is_trusted(
    url: str, settles: bool
) -> None:
    async with opened(url) as store:
        session_id = (await running_session(store)).id

        def work(connection: Connection) -> None:
            landed = Landed(session_id, 1, "sha-1", "answer 1", None, settles=settles)
            write_answer(connection, landed, 1_800_000_000.0)
            settled_at = connection.scalar(select(STREAM_SESSION.c.settled_at))
            assert (settled_at is not None) is settles
            assert settled_at is None or settled_at > 1_700_000_000.0

        await store.database.run(work, within_s=SOON_S)


async def test_an_offer_is_recorded_with_its_key_and_token(url: str) -> None:
    async with opened(url) as store:
        session_id = (await running_session(store)).id

        def work(connection: Connection) -> None:
            record_attempt(connection, session_id, "k2", Offered(2, "sha-2", "ct-2"))
            found = connection.execute(select(ATTEMPT).where(ATTEMPT.c.number == 2)).one()
            assert (found.request_sha256, found.key_hash, found.client_token) == (
                "sha-2",
                "k2",
                "ct-2",
            )

        await store.database.run(work, within_s=SOON_S)
