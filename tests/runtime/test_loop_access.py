"""Calls into the loop from any thread: kept before it runs, refused after its end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rejoin.runtime.loop_access import LoopAccess

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_calls_are_kept_until_the_loop_runs_and_dropped_after_its_end() -> None:
    made: list[str] = []
    access = LoopAccess()
    access.call_or_keep(lambda: made.append("kept"))
    assert not access.call(lambda: made.append("refused"))
    assert not access.is_on_loop_thread

    async def main() -> None:
        for call in access.enter():
            call()
        assert access.is_on_loop_thread
        assert access.call(lambda: made.append("called"))
        access.call_or_keep(lambda: made.append("called too"))
        await asyncio.sleep(0.01)
        access.leave()

    asyncio.run(main())
    access.call_or_keep(lambda: made.append("dropped"))
    assert not access.call(lambda: made.append("refused"))
    assert made == ["kept", "called", "called too"]


def test_calls_from_other_threads_are_made_on_the_loops_thread() -> None:
    made_on: list[int] = []

    async def main() -> None:
        access = LoopAccess()
        access.enter()
        assert not await asyncio.to_thread(lambda: access.is_on_loop_thread)
        assert await asyncio.to_thread(access.call, lambda: made_on.append(threading.get_ident()))
        await asyncio.sleep(0.01)
        access.leave()

    asyncio.run(main())
    assert made_on == [threading.get_ident()]


def test_a_loop_that_was_closed_without_leaving_refuses_calls() -> None:
    access = LoopAccess()

    async def main() -> None:
        access.enter()

    asyncio.run(main())
    assert not access.call(lambda: None)
    access.call_or_keep(lambda: None)
