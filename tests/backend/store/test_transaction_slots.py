"""Slots for transactions: their order, and what becomes of one that nobody waits for any more."""

from __future__ import annotations

import asyncio

from rejoin.backend.store.transaction_slots import TransactionSlots


class Users:
    """Each holds a slot until it is released; `began` has them in their order."""

    def __init__(self, at_once: int) -> None:
        self.slots = TransactionSlots(at_once)
        self.began: list[str] = []
        self._released: dict[str, asyncio.Event] = {}

    async def come(self, name: str, *, urgent: bool = False) -> asyncio.Task[None]:
        self._released[name] = asyncio.Event()

        async def use() -> None:
            async with self.slots.slot(urgent=urgent):
                self.began.append(name)
                await self._released[name].wait()

        task = asyncio.ensure_future(use())
        await asyncio.sleep(0)
        return task

    async def release(self, name: str) -> None:
        self._released[name].set()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_urgent_ones_come_first_and_the_others_in_their_order() -> None:
    users = Users(2)
    tasks = [await users.come(name) for name in ("a", "b", "c", "d")]
    tasks.append(await users.come("urgent", urgent=True))
    assert users.began == ["a", "b"]
    await users.release("b")
    assert users.began == ["a", "b", "urgent"]
    for name in ("a", "urgent", "c", "d"):
        await users.release(name)
    assert users.began == ["a", "b", "urgent", "c", "d"]
    await asyncio.gather(*tasks)


async def test_a_slot_that_nobody_waits_for_any_more_goes_to_the_next() -> None:
    users = Users(1)
    first = await users.come("first")
    gone = await users.come("gone")
    last = await users.come("last")
    gone.cancel()
    await users.release("first")
    assert users.began == ["first", "last"]
    await users.release("last")
    await asyncio.gather(first, last)


async def test_a_slot_that_comes_in_the_moment_of_leaving_is_passed_on() -> None:
    users = Users(1)
    first = await users.come("first")
    gone = await users.come("gone")
    last = await users.come("last")
    users._released["first"].set()
    await asyncio.sleep(0)  # it is the turn of "gone", whose task has not run yet
    gone.cancel()
    await users.release("first")
    assert users.began == ["first", "last"]
    await users.release("last")
    await asyncio.gather(first, last)
    assert await _is_free(users)


async def _is_free(users: Users) -> bool:
    task = await users.come("another")
    began = users.began[-1] == "another"
    await users.release("another")
    await task
    return began
