"""Two processes with one database: one reads the service's lists, and both know what they say."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest

from helpers.backend_caller import until
from helpers.list_pages import SOON_S, pages_of, passes, stream
from helpers.many_streams import ManyStreams
from helpers.poll_rate import PollRate
from helpers.stores import opened
from rejoin.backend.service import ListedPage, ListedStream, ServiceFault, StreamServiceError
from rejoin.backend.shared_lists import SharedLists
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.stream_lists import StreamLists
from rejoin.clock import boot_s
from rejoin.tasks import alive


@dataclass
class Gated(ManyStreams):
    """Lists CONNECTED page by page, each when `go` is released."""

    go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        if status == "CONNECTED":
            await self.go.acquire()
        return await super().list_page(status=status, page=page, budget_s=budget_s)


def many(count: int) -> Gated:
    return Gated(statuses={f"arn:{number}": "CONNECTED" for number in range(count)})


def process(store: SessionStore, service: ManyStreams, owner: str) -> SharedLists:
    lists = StreamLists(service, PollRate(boot_s, 1000), boot_s)
    return SharedLists(lists, pages_of(store, owner), boot_s)


class Seen:
    """What `on_page` was called with."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, items: tuple[ListedStream, ...]) -> None:
        self.names += [each.stream.stream_session for each in items]


async def test_one_reads_and_the_other_gets_each_page_as_it_comes() -> None:
    service = many(250)
    async with opened() as store:
        one, two, seen = process(store, service, "one"), process(store, service, "two"), Seen()
        reading = asyncio.ensure_future(one.read(lambda _: None))
        await until(lambda: "ACTIVATING" in service.pages)
        following = asyncio.ensure_future(two.read(seen))
        service.go.release()
        await until(lambda: len(seen.names) == 100)
        assert not following.done()
        service.go.release()
        service.go.release()
        passes_ = await asyncio.wait_for(asyncio.gather(reading, following), 60)
        assert [set(each.streams) for each in passes_] == [set(service.statuses)] * 2
        assert all(each.complete for each in passes_)
        assert set(seen.names) == set(service.statuses)
        assert service.pages.count("CONNECTED") == 3
    assert not any(name.startswith("lists") for name in alive())


async def test_another_takes_over_when_the_reader_has_gone() -> None:
    service = many(150)
    async with opened() as store:
        one, two = process(store, service, "one"), process(store, service, "two")
        reading = asyncio.ensure_future(one.read(lambda _: None))
        await until(lambda: "ACTIVATING" in service.pages)
        following = asyncio.ensure_future(two.read(lambda _: None))
        await asyncio.sleep(0.05)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await passes(store, 10.0)
        for _ in range(2):
            service.go.release()
        done = await asyncio.wait_for(following, 60)
        assert set(done.streams) == set(service.statuses)


async def test_a_pass_that_the_service_refuses_is_the_readers_to_raise() -> None:
    service = many(1)
    service.fail("list_page", ServiceFault.ACCESS_DENIED)
    async with opened() as store:
        with pytest.raises(StreamServiceError):
            await process(store, service, "one").read(lambda _: None)
        service.go.release()
        await passes(store, 10.0)
        assert (await process(store, service, "two").read(lambda _: None)).complete


async def test_a_recent_pass_of_any_process_will_do() -> None:
    service = many(3)
    service.go.release()
    async with opened() as store:
        one, two = process(store, service, "one"), process(store, service, "two")
        first = await one.recent(SOON_S)
        assert set((await two.recent(3600.0)).streams) == set(first.streams)
        assert service.pages.count("CONNECTED") == 1
        service.go.release()
        assert set((await two.recent(0.0)).streams) == set(first.streams)
        assert service.pages.count("CONNECTED") == 2, "the first has released the lists"


async def test_who_follows_again_after_a_while_gets_the_newest_pass_and_no_old_ones() -> None:
    now = 1000.0
    async with opened() as store:
        reader = pages_of(store, "one")
        lists = StreamLists(many(0), PollRate(boot_s, 1000), boot_s)
        two = SharedLists(lists, pages_of(store, "two"), lambda: now)

        async def listed(status: str) -> None:
            assert await reader.lead(within_s=SOON_S)
            assert await reader.record([stream("a", status)], True, within_s=SOON_S)

        await listed("CONNECTED")
        await two.read(lambda _: None)
        for status in ("PENDING_CLIENT_RECONNECTION", "CONNECTED"):
            await listed(status)
        now += 100.0
        seen: list[str] = []
        await two.read(lambda items: seen.extend(each.status for each in items))
        assert seen == ["CONNECTED"], "the drop was over long ago"


async def test_the_rest_of_a_pass_that_was_not_followed_to_its_end_is_no_pass() -> None:
    async with opened() as store:
        reader, two, seen = pages_of(store, "one"), process(store, many(0), "two"), Seen()
        assert await reader.lead(within_s=SOON_S)
        await reader.record([stream("a")], None, within_s=SOON_S)
        following = asyncio.ensure_future(two.read(seen))
        await until(lambda: seen.names == ["arn:a"])
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await reader.record([stream("b")], True, within_s=SOON_S)
        done = await two.read(seen)
        assert set(done.streams) == {"arn:a", "arn:b"}
