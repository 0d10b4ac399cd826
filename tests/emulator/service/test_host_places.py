"""The hosts of stream groups: who asks first gets one first, and nobody gets one that is taken."""

from __future__ import annotations

import asyncio

from rejoin.emulator.service.host_places import HostPlaces
from rejoin.tasks import cancel, spawn


async def test_hosts_are_handed_out_in_the_order_of_asking() -> None:
    places = HostPlaces(1)
    got: list[str] = []

    async def take(name: str, group: str = "sg") -> None:
        await places.take(group)
        got.append(name)

    tasks = [spawn(take(name), name=name) for name in ("first", "second", "third")]
    tasks.append(spawn(take("elsewhere", "sg-2"), name="elsewhere"))
    await asyncio.sleep(0)
    await asyncio.wait([tasks[0], tasks[3]])
    assert sorted(got) == ["elsewhere", "first"]
    places.leave("sg")
    await asyncio.wait([tasks[1]])
    assert not tasks[2].done()
    places.limit(2)
    await asyncio.wait([tasks[2]])
    assert got[-2:] == ["second", "third"]


async def test_who_no_longer_waits_takes_none_and_returns_one_that_was_just_given() -> None:
    places = HostPlaces(1)
    await places.take("sg")
    waiting = spawn(places.take("sg"), name="waiting")
    await asyncio.sleep(0)
    await cancel(waiting)
    late = spawn(places.take("sg"), name="late")
    await asyncio.sleep(0)
    places.leave("sg")
    late.cancel()  # the place was given, and the task has not run since
    await asyncio.wait([late])
    assert late.cancelled()
    await asyncio.wait_for(places.take("sg"), 60)


async def test_without_a_limit_nobody_waits() -> None:
    places = HostPlaces(0)
    for _ in range(100):
        await asyncio.wait_for(places.take("sg"), 60)
