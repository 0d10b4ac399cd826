"""The entrance: a few at a time, and each player in turn."""

from __future__ import annotations

import asyncio

from rejoin.backend.entrance import Entrance


async def entered(entrance: Entrance, owner: str, log: list[str]) -> None:
    await entrance.enter(owner)
    log.append(owner)


async def test_a_player_with_many_calls_delays_another_by_one_of_them() -> None:
    entrance, log = Entrance(at_once=1), list[str]()
    owners = ["many"] * 50 + ["one", "two"]
    await asyncio.gather(*(entered(entrance, owner, log) for owner in owners))
    assert log.index("one") <= 3
    assert log.index("two") <= 4
    assert sorted(log) == sorted(owners)


async def test_few_are_let_in_for_each_turn_of_the_loop() -> None:
    entrance, log = Entrance(at_once=4), list[str]()
    calls = [asyncio.ensure_future(entered(entrance, str(each), log)) for each in range(40)]
    most, before = 0, 0
    while not all(call.done() for call in calls):
        await asyncio.sleep(0)
        most, before = max(most, len(log) - before), len(log)
    assert most <= 4
    assert log == [str(each) for each in range(40)], "of different players in the order of coming"


async def test_who_stops_waiting_takes_no_turn() -> None:
    entrance, log = Entrance(at_once=1), list[str]()
    calls = [asyncio.ensure_future(entered(entrance, "a", log)) for _ in range(10)]
    await asyncio.sleep(0)
    for call in calls[1:9]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert log == ["a", "a"]
    await entered(entrance, "b", log)
    assert log == ["a", "a", "b"]


async def test_a_call_that_is_cancelled_as_it_is_let_in_passes_its_turn_on() -> None:
    entrance, log = Entrance(at_once=1), list[str]()
    first = asyncio.ensure_future(entered(entrance, "a", log))
    second = asyncio.ensure_future(entered(entrance, "b", log))
    third = asyncio.ensure_future(entered(entrance, "c", log))
    await first
    second.cancel()
    await asyncio.gather(second, third, return_exceptions=True)
    assert log == ["a", "c"]
