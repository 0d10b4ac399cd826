"""Slots: their order, and what becomes of one that nobody waits for any more."""

from __future__ import annotations

import asyncio

from rejoin.backend.slots import Slots


class Users:
    """Each holds a slot until it is released; `began` has them in their order."""

    def __init__(self, at_once: int) -> None:
        self.slots = Slots(at_once)
        self.began: list[str] = []
        self._released: dict[str, asyncio.Event] = {}

    async def come(
        self, name: str, player: str = "", *, urgent: bool = False
    ) -> asyncio.Task[None]:
        self._released[name] = asyncio.Event()

        async def use() -> None:
            async with self.slots.slot(player, urgent=urgent):
                self.began.append(name)
                await self._released[name].wait()

        task = asyncio.ensure_future(use())
        await asyncio.sleep(0)
        return task

    def let_go(self, name: str) -> None:
        """Release it, and let no other task run."""
        self._released[name].set()

    async def release(self, name: str) -> None:
        self.let_go(name)
        for _ in range(5):
            await asyncio.sleep(0)


async def entered(entrance: Slots, player: str, log: list[str]) -> None:
    await entrance.one_turn(player)
    log.append(player)


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
    gone = await users.come("gone", "another player")
    last = await users.come("last")
    users.let_go("first")
    await asyncio.sleep(0)  # it is the turn of "gone", whose task has not run yet
    gone.cancel()
    await users.release("first")
    assert users.began == ["first", "last"]
    await users.release("last")
    await asyncio.gather(first, last)
    free = await users.come("another")
    assert users.began[-1] == "another"
    await users.release("another")
    await free


async def test_a_player_with_many_calls_delays_another_by_one_of_them() -> None:
    entrance, log = Slots(1), list[str]()
    players = ["many"] * 50 + ["one", "two"]
    await asyncio.gather(*(entered(entrance, player, log) for player in players))
    assert log.index("one") <= 3
    assert log.index("two") <= 4
    assert sorted(log) == sorted(players)


async def test_few_are_let_in_for_each_turn_of_the_loop() -> None:
    entrance, log = Slots(4), list[str]()
    calls = [asyncio.ensure_future(entered(entrance, str(each), log)) for each in range(40)]
    most, before = 0, 0
    while not all(call.done() for call in calls):
        await asyncio.sleep(0)
        most, before = max(most, len(log) - before), len(log)
    assert most <= 4
    assert log == [str(each) for each in range(40)], "of different players in the order of coming"


async def test_who_stops_waiting_takes_no_turn() -> None:
    entrance, log = Slots(1), list[str]()
    calls = [asyncio.ensure_future(entered(entrance, "a", log)) for _ in range(10)]
    await asyncio.sleep(0)
    for call in calls[1:9]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert log == ["a", "a"]
    await entered(entrance, "b", log)
    assert log == ["a", "a", "b"]
