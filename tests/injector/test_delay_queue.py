"""Packets leave the queue in the order of their times, and what is late is measured."""

from __future__ import annotations

import asyncio

import pytest

from helpers.waiting import eventually
from rejoin.injector.delay_queue import EARLY_S, FLUSH_PACKETS, MAX_DELAYED_BYTES, DelayQueue
from rejoin.interpreter import loop_factory


async def test_packets_leave_in_the_order_of_their_times() -> None:
    left: list[str] = []
    queue = DelayQueue(left.append)
    now = queue.now()
    for name, delay_s in (("late", 0.03), ("soon", 0.01), ("at once", 0.0)):
        queue.put(name, 1, now + delay_s, counted=delay_s > 0)
    queue.settle(now)
    assert left == ["at once"]
    await eventually(lambda: not queue)
    assert left == ["at once", "soon", "late"]
    assert len(queue.lateness) == 2, "what passes at once is not late"


async def test_many_due_packets_leave_in_several_turns() -> None:
    left: list[int] = []
    queue = DelayQueue(left.append)
    now = queue.now()
    for number in range(3 * FLUSH_PACKETS):
        queue.put(number, 1, now, counted=False)
    queue.settle(now)
    assert len(left) == FLUSH_PACKETS
    await eventually(lambda: not queue)
    assert left == sorted(left)


async def test_what_waits_can_be_hastened_or_dropped() -> None:
    left: list[int] = []
    queue = DelayQueue(left.append)
    now = queue.now()
    for number in range(3):
        queue.put(number, 10, now + 3600 - number, counted=True)
    queue.settle(now)
    queue.hasten()
    assert left == [2, 1, 0], "in the order in which they would have left"
    assert queue.lateness == ()
    queue.put(7, MAX_DELAYED_BYTES, now + 3600, counted=True)
    assert not queue.fits(1)
    assert queue.close() == [7]
    assert queue.fits(MAX_DELAYED_BYTES)
    await asyncio.sleep(0)
    assert left == [2, 1, 0]


def test_it_works_on_the_event_loop_of_a_stream_whose_timers_are_others() -> None:
    async def play() -> list[int]:
        left: list[int] = []
        queue = DelayQueue(left.append)
        for number in range(50):
            now = queue.now()
            queue.put(number, 1, now + 0.002 * (number % 7), counted=True)
            queue.settle(now)
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        await eventually(lambda: not queue)
        assert min(queue.lateness) >= -EARLY_S - 1e-6
        return left

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        assert sorted(runner.run(play())) == list(range(50))


async def test_a_packet_whose_receiver_fails_holds_up_no_other() -> None:
    left: list[int] = []

    def on_due(number: int) -> None:
        if number == 0:
            raise ValueError("malformed")
        left.append(number)

    queue = DelayQueue(on_due)
    now = queue.now()
    for number in range(3):
        queue.put(number, 1, now, counted=False)
    with pytest.raises(ValueError, match="malformed"):
        queue.settle(now)
    await eventually(lambda: left == [1, 2])
