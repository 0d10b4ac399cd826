"""One owner's calls wait for each other, and nobody else waits for them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from rejoin.backend.owner_queues import OwnerQueues
from rejoin.clock import boot_s

APART_S = 0.05


async def test_one_owners_calls_begin_apart_and_in_order() -> None:
    queues = OwnerQueues(boot_s)
    began: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        async with queues.first("a", APART_S):
            began.append((number, boot_s()))

    await asyncio.gather(*(call(number) for number in range(4)))
    assert [number for number, _ in began] == [0, 1, 2, 3]
    times = [at for _, at in began]
    # Clocks of the event loop and of the queue differ by a little.
    assert all(after - before > APART_S * 0.9 for before, after in pairwise(times))


async def test_another_owner_does_not_wait() -> None:
    queues = OwnerQueues(boot_s)
    async with queues.first("a", 60.0):
        waiting = asyncio.ensure_future(queues.first("a", 60.0).__aenter__())
        await asyncio.sleep(0)
        async with asyncio.timeout(30.0), queues.first("b", 60.0):
            pass
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_who_leaves_the_queue_holds_up_nobody() -> None:
    queues = OwnerQueues(boot_s)

    async def call() -> None:
        async with queues.first("a", APART_S):
            pass

    async with queues.first("a", APART_S):
        gone = [asyncio.ensure_future(call()) for _ in range(1000)]
        await asyncio.sleep(0)
        for each in gone:
            each.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
    async with asyncio.timeout(30.0):  # and not 1000 times APART_S
        await call()


async def test_owners_are_forgotten_when_nobody_has_to_wait_for_them() -> None:
    now = [0.0]
    queues = OwnerQueues(lambda: now[0])
    for number in range(100):
        async with queues.first(str(number), 1.0):
            pass
    assert len(queues) == 100
    now[0] = 1.0
    async with queues.first("new", 1.0):
        assert len(queues) == 1
