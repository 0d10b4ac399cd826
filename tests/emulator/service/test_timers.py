"""Alarms on a clock that can jump, as the boot clock does over a sleep."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

from helpers.manual_timers import ManualTimers
from rejoin.emulator.service.timers import LoopTimers, sleep


async def test_an_alarm_uses_its_own_clock_and_not_the_loops() -> None:
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
    await asyncio.wait_for(all_rung.wait(), 60)
    await asyncio.sleep(1.2)  # "soon" reads its clock at least once a second
    assert sorted(rung) == ["overdue", "soon"]


async def test_a_cancelled_sleep_cancels_its_alarm() -> None:
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


async def test_alarms_share_one_wake_up_and_ring_in_order() -> None:
    now = 100.0
    loop = asyncio.get_running_loop()
    before = len(getattr(loop, "_scheduled"))  # noqa: B009
    rung: list[int] = []
    timers = LoopTimers(lambda: now)
    undo = [
        timers.call_at(100.0 + number, functools.partial(rung.append, number))
        for number in range(5000, 0, -1)
    ]
    waiting = [each for each in getattr(loop, "_scheduled") if not each.cancelled()]  # noqa: B009
    assert len(waiting) <= before + 1
    for each in undo[:4990]:
        each()
    now = 108.0
    done = asyncio.Event()
    timers.call_at(108.0, done.set)
    await asyncio.wait_for(done.wait(), 60)
    assert rung == list(range(1, 9))
    for each in undo:
        each()
        each()
    now = 200.0
    await asyncio.sleep(0.05)
    assert rung == list(range(1, 9))
    assert not [each for each in getattr(loop, "_scheduled") if not each.cancelled()]  # noqa: B009


async def test_an_alarm_that_an_earlier_one_cancels_does_not_ring() -> None:
    now = 100.0
    rung: list[str] = []
    timers = LoopTimers(lambda: now)
    undo: list[Callable[[], None]] = []

    def cancel() -> None:
        for _ in range(3):
            undo[0]()

    timers.call_at(101.0, cancel)
    undo.append(timers.call_at(102.0, lambda: rung.append("cancelled")))
    now = 103.0
    done = asyncio.Event()
    timers.call_at(103.0, done.set)
    await asyncio.wait_for(done.wait(), 60)
    assert rung == []
