"""Create calls over several processes: one at a time, and none is lost with its process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from helpers.stores import flights_of, newest_is, opened, running_session
from rejoin.backend import create_calls
from rejoin.backend.create_calls import CreateCalls, Flying
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import boot_s

LANDS_WITHIN_S = 3.0


@dataclass
class Processes:
    """Two processes on one database, and the flights of a third, which is killed."""

    store: SessionStore
    session_id: str
    one: CreateCalls
    two: CreateCalls
    killed: FlightStore

    async def newest_is(self, attempt: int) -> None:
        await newest_is(self.store, self.session_id, "me", attempt)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create_calls, "BEAT_S", 0.05)
    monkeypatch.setattr(create_calls, "GONE_AFTER_S", 0.5)
    monkeypatch.setattr(create_calls, "ENDED_WITHIN_S", 60.0)


@pytest.fixture
def processes() -> contextlib.AbstractAsyncContextManager[Processes]:
    return _made()


@contextlib.asynccontextmanager
async def _made() -> AsyncIterator[Processes]:
    async with opened() as store:
        yield Processes(
            store,
            await _session_in(store),
            CreateCalls(flights_of(store, "one"), boot_s),
            CreateCalls(flights_of(store, "two"), boot_s),
            flights_of(store, "killed"),
        )


async def _session_in(store: SessionStore) -> str:
    return (await running_session(store)).id


async def _answer(_: Flying) -> str:
    return "the answer"


async def test_two_processes_make_one_call_at_a_time(processes: Processes) -> None:
    running, most = 0, 0

    async def work(_: Flying) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.7)  # longer than a flight may stand still
        running -= 1
        return "the answer"

    await processes.newest_is(2)
    deadline_at = boot_s() + 30
    calls = [
        each.begin(processes.session_id, 2, work, deadline_at)
        for each in (processes.one, processes.two)
    ]
    assert await asyncio.gather(*(call.task for call in calls)) == ["the answer"] * 2
    assert most == 1
    assert processes.one.of(processes.session_id) is None


async def test_the_same_attempt_is_sent_again_as_soon_as_its_process_is_gone(
    processes: Processes,
) -> None:
    await processes.newest_is(2)
    await processes.killed.take(
        processes.session_id, 2, lands_within_s=1000.0, gone=None, within_s=60.0
    )
    began_at = boot_s()
    call = processes.one.begin(processes.session_id, 2, _answer, boot_s() + 30)
    assert await call.task == "the answer"
    assert boot_s() - began_at >= 0.5


async def test_a_newer_attempt_waits_until_the_lost_call_can_have_no_effect(
    processes: Processes,
) -> None:
    await processes.newest_is(2)
    await processes.killed.take(
        processes.session_id, 2, lands_within_s=LANDS_WITHIN_S, gone=None, within_s=60.0
    )
    began_at = boot_s()
    await processes.newest_is(3)
    call = processes.one.begin(processes.session_id, 3, _answer, boot_s() + 30)
    assert await call.task == "the answer"
    assert boot_s() - began_at >= LANDS_WITHIN_S


async def test_a_caller_without_time_for_that_is_told_so_and_the_next_one_waits_less(
    processes: Processes,
) -> None:
    await processes.newest_is(2)
    await processes.killed.take(
        processes.session_id, 2, lands_within_s=LANDS_WITHIN_S, gone=None, within_s=60.0
    )
    await processes.newest_is(3)
    began_at = boot_s()
    refused = await processes.one.begin(processes.session_id, 3, _answer, boot_s() + 1.0).task
    assert isinstance(refused, RefusedError)
    assert refused.reason is Reason.ATTEMPT_IN_FLIGHT
    assert refused.retry_after_s is not None
    assert 1.0 <= refused.retry_after_s <= 2.0
    call = processes.one.begin(processes.session_id, 3, _answer, boot_s() + 30)
    assert await call.task == "the answer"
    assert LANDS_WITHIN_S <= boot_s() - began_at < LANDS_WITHIN_S + 3.0 + 25.0


async def test_a_flight_that_beats_is_never_replaced(processes: Processes) -> None:
    await processes.newest_is(2)
    await processes.killed.take(
        processes.session_id, 2, lands_within_s=0.1, gone=None, within_s=60.0
    )

    async def beat() -> None:
        while True:
            await processes.killed.renew(processes.session_id, within_s=60.0)
            await asyncio.sleep(0.02)

    await processes.newest_is(3)
    beating = asyncio.ensure_future(beat())
    refused = await processes.one.begin(processes.session_id, 3, _answer, boot_s() + 2.0).task
    beating.cancel()
    assert isinstance(refused, RefusedError)
    assert refused.reason is Reason.ATTEMPT_IN_FLIGHT


async def test_a_call_that_fails_ends_its_flight(processes: Processes) -> None:
    async def fail(_: Flying) -> str:
        raise RefusedError(Reason.THROTTLED)

    await processes.newest_is(2)
    refused = await processes.one.begin(processes.session_id, 2, fail, boot_s() + 30).task
    assert isinstance(refused, RefusedError)
    assert refused.reason is Reason.THROTTLED
    await processes.newest_is(3)
    assert await processes.two.begin(processes.session_id, 3, _answer, boot_s() + 30).task == (
        "the answer"
    )


async def test_an_attempt_that_is_no_longer_the_newest_makes_no_call(processes: Processes) -> None:
    await processes.newest_is(3)
    refused = await processes.one.begin(processes.session_id, 2, _answer, boot_s() + 30).task
    assert isinstance(refused, RefusedError)
    assert refused.reason is Reason.ATTEMPT_STALE
