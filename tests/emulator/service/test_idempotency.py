"""Calls with a ClientToken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from helpers.emulated_service import emulated_service
from rejoin.emulator.service.idempotency import IdempotentCalls
from rejoin.emulator.service.refusals import CallRefusedError, ErrorType
from rejoin.tasks import cancel, spawn


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_call_goes_on_when_its_caller_stops_waiting() -> None:
    async with emulated_service() as on:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()
        caller = spawn(_quiet(on.create(session, "second", "same token")), name="test:caller")
        await host.until("answer 2")
        await cancel(caller)
        host.hold.set()
        await settle()
        assert session.status == "ACTIVE"
        # The answer that its caller did not wait for is still there for the same token.
        assert await on.create(session, "second", "same token") == session.signal_response
        assert host.calls.count("answer 2") == 1


async def _quiet(call: Awaitable[str]) -> None:
    await call


async def test_a_call_without_a_token_runs_every_time() -> None:
    calls = IdempotentCalls()
    runs: list[int] = []

    async def run() -> int:
        runs.append(1)
        return len(runs)

    assert [await calls.once("start", None, {}, run, forget_at=9.0) for _ in range(2)] == [1, 2]
    assert await calls.once("start", "t", {}, run, forget_at=9.0) == 3
    assert await calls.once("start", "t", {}, run, forget_at=9.0) == 3
    assert await calls.once("create", "t", {}, run, forget_at=9.0) == 4
    await calls.aclose()


async def test_another_body_is_a_conflict_and_a_failed_call_may_be_repeated() -> None:
    calls = IdempotentCalls()
    fails = [True]

    async def run() -> str:
        if fails[0]:
            raise CallRefusedError(ErrorType.INTERNAL, "Not now.")
        return "done"

    with pytest.raises(CallRefusedError, match="Not now"):
        await calls.once("start", "t", {"a": 1}, run, forget_at=9.0)
    fails[0] = False
    assert await calls.once("start", "t", {"a": 1}, run, forget_at=9.0) == "done"
    with pytest.raises(CallRefusedError, match="other parameters") as caught:
        await calls.once("start", "t", {"a": 2}, run, forget_at=9.0)
    assert caught.value.error_type is ErrorType.CONFLICT
    calls.forget_old(8.9)
    assert await calls.once("start", "t", {"a": 1}, run, forget_at=9.0) == "done"
    calls.forget_old(9.0)
    assert await calls.once("start", "t", {"a": 2}, run, forget_at=20.0) == "done"
    await calls.aclose()
