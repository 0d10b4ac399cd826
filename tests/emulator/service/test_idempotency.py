"""Calls with a ClientToken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from helpers.emulated_service import EmulatedService, with_service
from rejoin.tasks import cancel, spawn


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_call_goes_on_when_its_caller_stops_waiting() -> None:
    async def left(on: EmulatedService) -> None:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()
        caller = spawn(_quiet(on.create(session, "second", "same token")), name="test:caller")
        await host.until("answer 2")
        await cancel(caller)
        host.hold.set()
        await settle()
        assert session.status == "ACTIVE"
        # The answer that nobody got is still there for whoever asks with the same token.
        assert await on.create(session, "second", "same token") == session.signal_response
        assert host.calls.count("answer 2") == 1

    with_service(left)


async def _quiet(call: Awaitable[str]) -> None:
    await call
