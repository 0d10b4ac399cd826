"""Attempts: the fence, the flight that begins with a claim, and the answer; on both databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, update

from helpers.stores import claimed, flights_of, fresh_tag, opened, running_session
from rejoin.backend.store import attempts
from rejoin.backend.store.attempt_writes import NewFlight, Offered, write_claim
from rejoin.backend.store.attempts import Claimed
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.flights import Flight
from rejoin.backend.store.schema import STREAM_SESSION, secret_hash
from rejoin.backend.store.session_rows import SessionForgottenError, StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.service_model.fence import Claim

MINE, THEIRS = "me", "them"
SOON_S = 60.0


async def start(store: SessionStore) -> str:
    """A session that runs, with attempt 1 ("start-1", "sha-1")."""
    return (await running_session(store, owner_hash=MINE)).id


async def claim(store: SessionStore, session_id: str, attempt: int, key: str, sha: str) -> Claim:
    return await claimed(store, session_id, MINE, key, Offered(attempt, sha, f"ct-{key}"))


async def claim_with_flight(
    store: SessionStore, session_id: str, attempt: int, owner: str
) -> Claimed:
    found = await store.attempts.claim(
        session_id,
        MINE,
        key=f"k{attempt}",
        offered=Offered(attempt, f"sha-{attempt}", "ct"),
        within_s=SOON_S,
        flight=NewFlight(owner, 7.0, _never_late),
    )
    assert found is not None
    return found


@contextlib.asynccontextmanager
async def _same(store: SessionStore) -> AsyncIterator[SessionStore]:
    """A database of one process alone."""
    yield store


async def _another(store: SessionStore) -> str:
    return (await running_session(store, fresh_tag(), owner_hash=MINE)).id


def _never_late() -> None:
    raise AssertionError("the caller waited")


async def row_of(store: SessionStore, session_id: str) -> StoredSession:
    return await store.get(session_id, within_s=SOON_S)


async def answered(
    store: SessionStore, session_id: str, attempt: int, text: str, *, flight_of: str | None = None
) -> bool:
    """Whether the answer is kept."""
    return await store.attempts.answered(
        session_id,
        attempt=attempt,
        request_sha256=f"sha-{attempt}",
        answer=text,
        within_s=SOON_S,
        flight_of=flight_of,
    )


async def test_attempts_rise_and_only_an_identical_one_may_be_repeated(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        assert await claim(store, session_id, 1, "start-1", "sha-1") is Claim.STALE
        assert await claim(store, session_id, 3, "k3", "sha-3") is Claim.NEW
        assert await claim(store, session_id, 2, "k2", "sha-2") is Claim.STALE
        assert await claim(store, session_id, 3, "k3", "sha-3") is Claim.REPEATED
        assert await claim(store, session_id, 3, "other", "sha-3") is Claim.STALE
        assert await claim(store, session_id, 3, "k3", "sha-x") is Claim.STALE
        assert await claim(store, session_id, 4, "k4", "sha-3") is Claim.REUSED
        assert await claim(store, session_id, 4, "k4", "sha-1") is Claim.REUSED
        assert await claim(store, session_id, 4, "k4", "sha-4") is Claim.NEW


async def test_a_key_of_an_earlier_attempt_cannot_carry_another_offer(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        assert await claim(store, session_id, 2, "k2", "sha-2") is Claim.NEW
        assert await claim(store, session_id, 3, "k3", "sha-3") is Claim.NEW
        assert await claim(store, session_id, 4, "k2", "sha-4") is Claim.REUSED
        assert await claim(store, session_id, 4, "start-1", "sha-4") is Claim.REUSED
        assert (await row_of(store, session_id)).attempt == 3


async def test_a_client_token_stays_with_its_attempt(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        await claim(store, session_id, 2, "k2", "sha-2")
        again = Offered(2, "sha-2", "of-a-rotated-key")
        found = await store.attempts.claim(
            session_id, MINE, key="k2", offered=again, within_s=SOON_S
        )
        assert found is not None
        assert (found.claim, found.row.client_token) == (Claim.REPEATED, "ct-k2")


async def test_an_answer_of_an_older_attempt_does_not_overwrite_and_is_remembered(
    url: str,
) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        await claim(store, session_id, 2, "k2", "sha-2")
        await claim(store, session_id, 3, "k3", "sha-3")
        assert not await answered(store, session_id, 2, "old")
        assert (await row_of(store, session_id)).answer is None
        assert await answered(store, session_id, 3, "new")
        assert (await row_of(store, session_id)).answer == "new"
        await claim(store, session_id, 4, "k4", "sha-4")
        row = await row_of(store, session_id)
        assert row.answer is None
        assert row.earlier_answers == {secret_hash("answer", text) for text in ("old", "new")}


async def test_a_claim_is_the_owners_of_a_session_that_runs(url: str) -> None:
    offered = Offered(2, "sha-2", "ct")
    async with opened(url) as store:
        session_id = await start(store)

        async def by(owner: str) -> Claimed | None:
            return await store.attempts.claim(
                session_id, owner, key="k2", offered=offered, within_s=SOON_S
            )

        assert await by(THEIRS) is None
        found = await by(MINE)
        assert found is not None
        assert found.claim is Claim.NEW
        assert found.row == await row_of(store, session_id), "what is returned is what is stored"
        await store.ended(session_id, "TERMINATED", None, within_s=SOON_S)
        found = await by(MINE)
        assert found is not None
        assert found.claim is None
        _, starting = await store.begin_start(
            owner_hash=MINE,
            key="another",
            offered=Offered(1, "sha-s", "ct"),
            tag=fresh_tag(),
            within_s=SOON_S,
        )
        found = await store.attempts.claim(
            starting.id, MINE, key="k9", offered=Offered(9, "sha-9", "ct"), within_s=SOON_S
        )
        assert found is not None
        assert found.claim is None


async def test_an_answer_ends_the_flight_of_its_process(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        await claim(store, session_id, 2, "k2", "sha-2")
        flights = flights_of(store, "one")
        assert (
            await flights.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=SOON_S)
            is None
        )
        other = flights_of(store, "two")
        await answered(store, session_id, 2, "the answer", flight_of="two")
        taken = await other.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=SOON_S)
        assert taken == Flight(2, "one", 0, 7.0), "no process ends a flight of another"
        await answered(store, session_id, 2, "the answer", flight_of="one")
        taken = await other.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=SOON_S)
        assert taken is None


async def test_the_oldest_attempts_are_pruned(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS_KEPT", 4)
    async with opened(url) as store:
        session_id = await start(store)  # its start is attempt 1
        for number in range(2, 6):
            assert await claim(store, session_id, number, f"k{number}", f"sha-{number}") is (
                Claim.NEW
            )
        assert await claim(store, session_id, 6, "k3", "sha-6") is Claim.REUSED
        assert await claim(store, session_id, 6, "k6", "sha-3") is Claim.REUSED
        assert await claim(store, session_id, 6, "k6", "sha-6") is Claim.NEW
        # The offer of attempt 2 is not remembered any more.
        assert await claim(store, session_id, 7, "k7", "sha-2") is Claim.NEW


async def test_a_number_far_ahead_makes_no_earlier_offer_good_again(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        assert await claim(store, session_id, 2, "k2", "sha-2") is Claim.NEW
        far = 3 + 10 * attempts.ATTEMPTS_KEPT
        assert await claim(store, session_id, far, "kf", "sha-f") is Claim.NEW
        assert await claim(store, session_id, 2, "k2", "sha-2") is Claim.STALE
        assert await claim(store, session_id, far + 1, "kn", "sha-2") is Claim.REUSED
        assert await claim(store, session_id, far + 1, "k2", "sha-n") is Claim.REUSED


async def test_of_many_processes_that_claim_one_attempt_one_wins(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        verdicts = await asyncio.gather(
            *(claim(store, session_id, 2, f"key-{n}", f"sha-{n + 10}") for n in range(8))
        )
        assert sorted(verdict.value for verdict in verdicts) == ["new"] + ["stale"] * 7
        if not store.database.is_shared:
            return
        async with opened(url) as other:
            stores = [store, other] * 4
            verdicts = await asyncio.gather(
                *(
                    claim(each, session_id, 3, f"key3-{n}", f"sha3-{n}")
                    for n, each in enumerate(stores)
                )
            )
        assert sorted(verdict.value for verdict in verdicts) == ["new"] + ["stale"] * 7


async def test_a_flight_begins_with_a_claim_unless_there_is_another(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        assert (await claim_with_flight(store, session_id, 2, "one")).flies
        two = flights_of(store, "two")
        seen = await two.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=SOON_S)
        assert seen == Flight(2, "one", 0, 7.0)
        again = await claim_with_flight(store, session_id, 2, "two")
        assert (again.claim, again.flies) == (Claim.REPEATED, False)
        newer = await claim_with_flight(store, session_id, 3, "two")
        assert (newer.claim, newer.flies) == (Claim.NEW, False)
        await flights_of(store, "one").end(session_id, 2, within_s=SOON_S)
        assert (await claim_with_flight(store, session_id, 4, "two")).flies


async def test_a_claim_without_a_flight_begins_none(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        assert await claim(store, session_id, 2, "k2", "sha-2") is Claim.NEW
        one = flights_of(store, "one")
        taken = await one.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=SOON_S)
        assert taken is None


@pytest.mark.parametrize("first", [2, 3, 4])
async def test_a_claim_that_another_one_overtook_is_judged_anew(
    url: str, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """Attempt 3, and between its read and its write another process claims `first`."""
    async with opened(url) as store:
        if not store.database.is_shared:
            return  # on SQLite nobody can come between
        session_id = await start(store)
        write = write_claim

        def overtaken(connection: Connection, row: StoredSession, *rest: object) -> bool | None:
            monkeypatch.setattr(attempts, "write_claim", write)
            other = Offered(first, f"sha-of-{first}", "ct")
            assert write(connection, row, f"key of {first}", other, None) is False
            return write(connection, row, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(attempts, "write_claim", overtaken)
        found = await claim_with_flight(store, session_id, 3, "one")
        if first < 3:
            assert (found.claim, found.flies) == (Claim.NEW, True)
            assert found.row == await row_of(store, session_id)
        else:
            assert (found.claim, found.flies) == (Claim.STALE, False)
            assert (await row_of(store, session_id)).attempt == first


async def test_a_session_that_ends_during_a_claim_gets_no_newest_attempt(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as store:
        if not store.database.is_shared:
            return
        session_id = await start(store)
        write = write_claim

        def ended(connection: Connection, *arguments: object) -> bool | None:
            monkeypatch.setattr(attempts, "write_claim", write)
            connection.execute(update(STREAM_SESSION).values(ended_status="TERMINATED"))
            return write(connection, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(attempts, "write_claim", ended)
        found = await claim_with_flight(store, session_id, 2, "one")
        assert (found.claim, found.flies, found.row.attempt) == (None, False, 1)


async def test_claims_of_two_processes_at_once_leave_one_order(url: str) -> None:
    """However they interleave: the newest is the highest, and at most one call may go out."""
    async with opened(url) as store, opened(url) if "://" in url else _same(store) as other:
        for _ in range(5):
            session_id = await _another(store)
            numbers = [2, 3, 4, 5, 6, 7, 8, 9]
            found = await asyncio.gather(
                *(
                    claim_with_flight((store, other)[number % 2], session_id, number, str(number))
                    for number in numbers
                )
            )
            new = [n for n, each in zip(numbers, found, strict=True) if each.claim is Claim.NEW]
            assert (await row_of(store, session_id)).attempt == max(numbers) == new[-1]
            assert sum(each.flies for each in found) == 1


async def test_a_flight_that_begins_after_its_caller_has_left_is_reported(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        late = asyncio.Event()
        refused = store.attempts.claim(
            session_id,
            MINE,
            key="k2",
            offered=Offered(2, "sha-2", "ct"),
            within_s=0.0,
            flight=NewFlight("one", 7.0, late.set),
        )
        with pytest.raises(StoreUnavailableError):
            await refused
        claiming = asyncio.ensure_future(
            store.attempts.claim(
                session_id,
                MINE,
                key="k3",
                offered=Offered(3, "sha-3", "ct"),
                within_s=SOON_S,
                flight=NewFlight("one", 7.0, late.set),
            )
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # it has begun
        claiming.cancel()
        await asyncio.wait_for(late.wait(), SOON_S)


async def test_an_answer_of_a_session_that_ended_is_not_kept(url: str) -> None:
    async with opened(url) as store:
        session_id = await start(store)
        await claim(store, session_id, 2, "k2", "sha-2")
        await store.ended(session_id, "TERMINATED", None, within_s=SOON_S)
        assert not await answered(store, session_id, 2, "late")
        row = await row_of(store, session_id)
        assert (row.answer, row.ended_status) == (None, "TERMINATED")


async def test_an_answer_of_a_session_that_is_gone_is_an_error_of_ours(url: str) -> None:
    async with opened(url) as store:
        with pytest.raises(SessionForgottenError):
            await answered(store, "unknown", 2, "late")
