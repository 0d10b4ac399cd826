"""Blocking work runs beside the loop, and work that hangs is abandoned."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rejoin.daemon_thread import run_in_daemon_thread

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def test_the_result_is_returned_and_the_loop_is_not_blocked() -> None:
    free = threading.Event()

    async def main() -> str:
        working = asyncio.ensure_future(
            run_in_daemon_thread(
                lambda: "done" if free.wait(60) else "stuck", name="work", within_s=60
            )
        )
        await asyncio.sleep(0)
        free.set()  # only a loop that is not blocked gets here
        return await working

    assert await main() == "done"


async def test_its_exception_is_raised() -> None:
    def work() -> None:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        await run_in_daemon_thread(work, name="work", within_s=60)


async def test_work_that_hangs_is_abandoned_and_does_not_delay_the_end() -> None:
    free = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            await run_in_daemon_thread(lambda: free.wait(60), name="work", within_s=0.01)
        assert any(thread.name == "work" for thread in threading.enumerate())
    finally:
        free.set()


async def test_the_result_of_late_work_is_ignored() -> None:
    free = threading.Event()

    with pytest.raises(TimeoutError):
        await run_in_daemon_thread(lambda: free.wait(60), name="work", within_s=0.01)
    free.set()
    for _ in range(6000):
        if not any(thread.name == "work" for thread in threading.enumerate()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the thread did not end")
