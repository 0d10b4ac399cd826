"""Status calls: one for each session at a time, for all who wait, and none for those who left."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from helpers.fake_stream_service import FIRST_STREAM, FakeStreamService
from helpers.poll_rate import BURST, PollRate
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.service import ServiceFault, StreamId, StreamStatus
from rejoin.backend.status_calls import StatusCalls
from rejoin.clock import boot_s
from rejoin.tasks import alive


class SlowService(FakeStreamService):
    """Answers when `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        status = await super().get_status(stream, budget_s=budget_s)
        await self.go.wait()
        return status


async def test_all_who_wait_share_one_call() -> None:
    service = SlowService()
    calls = StatusCalls(service, PollRate(boot_s, 200), boot_s)
    watchers = [
        asyncio.ensure_future(calls.get("s", FIRST_STREAM, boot_s() + 30)) for _ in range(20)
    ]
    await asyncio.sleep(0.05)
    service.go.set()
    seen = await asyncio.gather(*watchers)
    assert service.count("get_status") == 1
    assert len({id(each) for each in seen}) == 1


async def test_who_needs_something_newer_gets_a_call_of_their_own() -> None:
    service = SlowService()
    calls = StatusCalls(service, PollRate(boot_s, 200), boot_s)
    first = asyncio.ensure_future(calls.get("s", FIRST_STREAM, boot_s() + 30))
    await asyncio.sleep(0.05)
    now = boot_s()
    newer = asyncio.ensure_future(calls.get("s", FIRST_STREAM, boot_s() + 30, not_before=now))
    await asyncio.sleep(0.05)
    service.go.set()
    assert (await first).asked_at < now
    assert (await newer).asked_at >= now
    assert service.count("get_status") == 2


async def test_a_failure_is_one_for_each_who_waits() -> None:
    service = FakeStreamService()
    service.fail("get_status", ServiceFault.THROTTLED)
    calls = StatusCalls(service, PollRate(boot_s, 200), boot_s)
    outcomes = await asyncio.gather(
        *(calls.get("s", FIRST_STREAM, boot_s() + 30) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(each, RefusedError) for each in outcomes)
    assert len({id(each) for each in outcomes}) == 3
    assert service.count("get_status") == 1


async def test_a_caller_who_has_no_time_leaves_and_the_call_goes_on() -> None:
    service = SlowService()
    calls = StatusCalls(service, PollRate(boot_s, 200), boot_s)
    patient = asyncio.ensure_future(calls.get("s", FIRST_STREAM, boot_s() + 30))
    with pytest.raises(RefusedError) as caught:
        await calls.get("s", FIRST_STREAM, boot_s() + 0.05)
    assert caught.value.reason is Reason.TIMED_OUT
    service.go.set()
    assert (await patient).status.status == "ACTIVE"


async def test_the_turns_of_those_who_left_are_free() -> None:
    service = FakeStreamService()
    asked_at = boot_s()
    calls = StatusCalls(service, PollRate(boot_s, 2.0), boot_s)
    for number in range(BURST):
        await calls.get(f"burst-{number}", FIRST_STREAM, boot_s() + 30)
    abandoned = [
        asyncio.ensure_future(calls.get(f"gone-{number}", FIRST_STREAM, boot_s() + 30))
        for number in range(40)  # twenty seconds of turns
    ]
    await asyncio.sleep(0)
    for each in abandoned:
        each.cancel()
    await asyncio.gather(*abandoned, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
    began_at = boot_s()
    await calls.get("mine", FIRST_STREAM, boot_s() + 30)
    assert boot_s() - began_at < 10.0
    before_they_left = 2.0 * (began_at - asked_at)  # turns, where the machine stood still
    assert BURST + 1 <= service.count("get_status") <= BURST + 1 + before_they_left


async def test_an_owner_with_many_sessions_takes_no_whole_burst() -> None:
    service = FakeStreamService()
    calls = StatusCalls(service, PollRate(boot_s, 0.5), boot_s)  # the owner's next one in 6 s
    until_at = boot_s() + 30
    many = [
        asyncio.ensure_future(calls.get(f"many-{number}", FIRST_STREAM, until_at, owner="many"))
        for number in range(BURST + 3)
    ]
    await asyncio.sleep(0)
    await calls.get("one", FIRST_STREAM, until_at, owner="one")
    assert service.count("get_status") == 2
    for each in many:
        each.cancel()
    await asyncio.gather(*many, return_exceptions=True)


async def test_the_end_leaves_no_call_behind() -> None:
    service = SlowService()
    calls = StatusCalls(service, PollRate(boot_s, 200), boot_s)
    waiting = asyncio.ensure_future(calls.get("s", FIRST_STREAM, boot_s() + 30))
    await asyncio.sleep(0.05)
    await calls.finish()
    assert not any(name.startswith("status:") for name in alive())
    with contextlib.suppress(asyncio.CancelledError, RefusedError):
        await waiting


async def test_a_turn_needs_time_and_a_budget() -> None:
    service = FakeStreamService()
    assert StatusCalls(service, PollRate(boot_s, 3.0), boot_s).has_turn(1.0, boot_s() + 30)
    busy = PollRate(boot_s, 3.0, boot_s() + 0.9)
    assert not StatusCalls(service, busy, boot_s).has_turn(1.0, boot_s() - 1.0)
    spent = PollRate(boot_s, 3.0, boot_s() + 60)
    assert not StatusCalls(service, spent, boot_s).has_turn(1.0, boot_s() + 30)


async def test_as_many_as_a_second_has_turns_may_ask_before_any_turn_is_taken() -> None:
    service = SlowService()
    service.go.set()
    calls = StatusCalls(service, PollRate(boot_s, 3.0), boot_s)
    asked = 0
    waiting = []
    while calls.has_turn(1.0, boot_s() + 30):
        waiting.append(asyncio.ensure_future(calls.get(f"s{asked}", FIRST_STREAM, boot_s() + 30)))
        await asyncio.sleep(0)  # asked for, and its own task not begun
        asked += 1
        assert asked < 100
    await asyncio.gather(*waiting)
    assert service.count("get_status") == asked <= BURST + 3 + 1
    assert calls.has_turn(1.0, boot_s() + 30)
