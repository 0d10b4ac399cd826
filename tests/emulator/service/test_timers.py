"""Alarms on a clock that can jump, as the boot clock does over a sleep."""

from __future__ import annotations

import asyncio

from helpers.manual_timers import ManualTimers
from rejoin.emulator.service.timers import LoopTimers, sleep


async def test_an_alarm_follows_its_own_clock_and_not_the_loops() -> None:
    now = 100.0
    rung: list[str] = []
    timers = LoopTimers(lambda: now)
    timers.call_at(100.05, lambda: rung.append("soon"))
    undo = timers.call_at(100.05, lambda: rung.append("undone"))
    undo()
    await asyncio.sleep(0.1)
    assert rung == []  # the loop's time has come, the clock's has not
    now = 5000.0  # the machine slept
    timers.call_at(4000.0, lambda: rung.append("overdue"))
    all_rung = asyncio.Event()
    timers.call_at(4500.0, all_rung.set)
    await asyncio.wait_for(all_rung.wait(), 10)
    await asyncio.sleep(1.2)  # "soon" looks at its clock each second at the latest
    assert sorted(rung) == ["overdue", "soon"]


async def test_sleep_takes_its_alarm_along_when_cancelled() -> None:
    timers = ManualTimers()
    await sleep(timers, 0)
    waiting = asyncio.ensure_future(sleep(timers, 5))
    await timers.advance(4)
    assert not waiting.done()
    await timers.advance(1)
    assert waiting.done()
    cancelled = asyncio.ensure_future(sleep(timers, 5))
    await asyncio.sleep(0)
    assert timers.waiting == 1
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert timers.waiting == 0
