"""Who is watched, when lists are read for them, and what wakes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from helpers.backend_caller import until
from helpers.many_streams import ManyStreams
from helpers.poll_rate import PollRate
from rejoin.backend.list_watch import MISSING, ListWatch, Watch
from rejoin.backend.service import ServiceFault, StreamId
from rejoin.backend.stream_lists import StreamLists
from rejoin.clock import boot_s
from rejoin.tasks import alive

PER_S = 10


@dataclass
class Scene:
    """`attempts`: the newest ones that the store knows."""

    service: ManyStreams
    attempts: dict[str, int] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        lists = StreamLists(self.service, PollRate(boot_s, 1000), boot_s)
        poll_rate = PollRate(boot_s, PER_S)
        self.watched = ListWatch(lists, poll_rate, self._newest, boot_s, self.stopping)

    async def _newest(self, session_ids: Sequence[str]) -> Mapping[str, int]:
        return {each: self.attempts[each] for each in session_ids if each in self.attempts}

    def watch(self, stack: contextlib.ExitStack, name: str) -> Watch:
        stream = StreamId("sg-1", f"arn:{name}")
        return stack.enter_context(self.watched.watching(name, stream, 1))


@contextlib.asynccontextmanager
async def made(count: int) -> AsyncIterator[tuple[Scene, list[Watch]]]:
    """As many sessions, each watched once."""
    scene = Scene(ManyStreams(statuses={f"arn:{each}": "CONNECTED" for each in range(count)}))
    with contextlib.ExitStack() as stack:
        yield scene, [scene.watch(stack, str(each)) for each in range(count)]
    await scene.watched.finish()
    assert not any(name.startswith("lists") for name in alive())


async def test_lists_are_read_only_while_more_are_watched_than_a_second_has_calls() -> None:
    async with made(PER_S) as (scene, _):
        with contextlib.ExitStack() as stack:
            scene.watch(stack, "0")  # the same session, for another call
            by_lists = scene.watched.by_lists
            assert not by_lists
        with contextlib.ExitStack() as stack:
            scene.watch(stack, "one more")
            assert scene.watched.by_lists
            await until(lambda: scene.service.pages.count("ACTIVE") > 1)
            with contextlib.ExitStack() as again:
                new = scene.watch(again, "0")
                assert new.listed == "CONNECTED"
    await until(lambda: not scene.watched.by_lists)


async def test_a_change_in_a_list_wakes_those_who_wait_for_it_and_nobody_else() -> None:
    async with made(PER_S + 1) as (scene, watches):
        await until(lambda: all(each.listed == "CONNECTED" for each in watches))
        waiting = [asyncio.ensure_future(each.changed(60.0)) for each in watches for _ in range(2)]
        await asyncio.sleep(0)
        scene.service.statuses["arn:3"] = "PENDING_CLIENT_RECONNECTION"
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        assert [each.done() for each in waiting] == [number in (6, 7) for number in range(22)]
        assert watches[3].listed == "PENDING_CLIENT_RECONNECTION"
        for each in waiting:
            each.cancel()


async def test_what_no_list_has_is_missing_after_two_passes() -> None:
    async with made(PER_S + 1) as (scene, watches):
        await until(lambda: watches[0].listed == "CONNECTED")
        passes = scene.service.pages.count("ACTIVE")
        scene.service.statuses["arn:0"] = "TERMINATED"
        await asyncio.wait_for(watches[0].changed(60.0), 30)
        assert watches[0].listed == MISSING
        assert scene.service.pages.count("ACTIVE") >= passes + 1
        assert watches[1].listed == "CONNECTED"


async def test_a_newer_attempt_wakes_wherever_it_was_made() -> None:
    async with made(PER_S + 1) as (scene, watches):
        waiting = asyncio.ensure_future(watches[0].changed(60.0))
        await asyncio.sleep(0)
        scene.watched.attempt_made("0", 1)
        scene.watched.attempt_made("unknown", 5)
        await asyncio.sleep(0)
        scene.watched.attempt_made("0", 2)
        await asyncio.wait_for(waiting, 30)
        assert watches[0].attempt == 2
        scene.attempts["1"] = 7
        while watches[1].attempt != 7:
            await asyncio.wait_for(watches[1].changed(60.0), 30)


async def test_lists_that_are_refused_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(ManyStreams())
    scene.service.fail("list_page", ServiceFault.ACCESS_DENIED)
    with contextlib.ExitStack() as stack:
        watches = [scene.watch(stack, str(each)) for each in range(PER_S + 1)]
        woken = [asyncio.ensure_future(each.changed(60.0)) for each in watches]
        await asyncio.wait_for(asyncio.gather(*woken), 30)
        assert not scene.watched.by_lists
        scene.watch(stack, "one more")
        assert not scene.watched.by_lists
    assert "ListStreamSessions is refused (access_denied)" in caplog.text


async def test_a_list_that_fails_for_the_moment_is_read_again() -> None:
    scene = Scene(ManyStreams(statuses={"arn:0": "CONNECTED"}))
    scene.service.fail("list_page", ServiceFault.THROTTLED, ServiceFault.TIMED_OUT)
    with contextlib.ExitStack() as stack:
        watches = [scene.watch(stack, str(each)) for each in range(PER_S + 1)]
        await until(lambda: watches[0].listed == "CONNECTED")
    await scene.watched.finish()


async def test_news_is_as_old_as_the_newest_pass_that_came_to_its_end() -> None:
    async with made(PER_S) as (scene, _):
        assert scene.watched.news_age_s == 0.0, "everybody has status calls"
    now = 1000.0
    scene = Scene(ManyStreams())
    scene.watched = ListWatch(
        StreamLists(scene.service, PollRate(boot_s, 1000), boot_s),
        PollRate(boot_s, PER_S),
        scene._newest,
        lambda: now,
        scene.stopping,
    )
    scene.service.fail("list_page", *[ServiceFault.TIMED_OUT] * 2)
    with contextlib.ExitStack() as stack:
        for each in range(PER_S + 1):
            scene.watch(stack, str(each))
        now += 40.0  # in which nothing is listed
        assert scene.watched.news_age_s == 40.0
        await until(lambda: scene.watched.news_age_s == 0.0)
    await scene.watched.finish()


async def test_at_the_end_all_are_woken() -> None:
    async with made(PER_S + 1) as (scene, watches):
        await until(lambda: all(each.listed == "CONNECTED" for each in watches))
        waiting = [asyncio.ensure_future(each.changed(60.0)) for each in watches]
        await asyncio.sleep(0)
        scene.stopping.set()
        await asyncio.wait_for(asyncio.gather(*waiting), 30)
        await until(lambda: not scene.watched.by_lists)
