"""Tasks are kept, named and never fail silently."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from rejoin.tasks import alive, cancel, spawn


def test_a_task_is_kept_alive_and_forgotten_when_done() -> None:
    async def main() -> None:
        done = asyncio.Event()
        spawn(done.wait(), name="waits")
        gc.collect()
        await asyncio.sleep(0)
        assert "waits" in alive()
        done.set()
        await asyncio.sleep(0.01)
        assert "waits" not in alive()

    asyncio.run(main())


def test_a_failure_that_nothing_awaits_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("because")

    async def main() -> None:
        spawn(fail(), name="fails")
        await asyncio.sleep(0.01)

    with caplog.at_level(logging.ERROR, "rejoin.tasks"):
        asyncio.run(main())
    assert "task fails failed" in caplog.text


def test_cancel_waits_for_the_end_and_skips_the_calling_task() -> None:
    async def main() -> None:
        task = spawn(asyncio.sleep(60), name="sleeps")
        await cancel(task, None, asyncio.current_task())
        assert task.cancelled()

    asyncio.run(main())
