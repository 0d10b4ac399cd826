"""A pass over the service's lists: every page at the pace, and what breaks off is not complete."""

from __future__ import annotations

import asyncio

import pytest

from helpers.many_streams import ManyStreams
from helpers.poll_rate import BURST, PollRate
from rejoin.backend.service import ListedPage, ListedStream, ServiceFault, StreamServiceError
from rejoin.backend.stream_lists import DROPPED, LISTED_STATUSES, StreamLists
from rejoin.clock import boot_s
from rejoin.tasks import alive


def many(count: int, status: str = "CONNECTED") -> ManyStreams:
    return ManyStreams(statuses={f"arn:{number}": status for number in range(count)})


async def test_a_pass_has_every_session_that_lives_and_takes_a_turn_for_each_page() -> None:
    service = many(250)
    service.statuses |= {"arn:0": "ACTIVE", "arn:1": "TERMINATED", "arn:2": "ERROR"}
    rate = PollRate(boot_s, 100)
    turns_before = rate.free_at
    pages: list[int] = []
    lists = StreamLists(service, rate, boot_s)
    done = await lists.read(lambda items: pages.append(len(items)))
    assert done.complete
    assert set(done.streams) == set(service.statuses) - {"arn:1", "arn:2"}
    assert sorted(pages, reverse=True)[:4] == [100, 100, 47, 1]
    assert service.pages.count("CONNECTED") == 3
    assert set(service.pages) == set(LISTED_STATUSES)
    assert rate.free_at > turns_before


async def test_pages_keep_to_the_rate() -> None:
    service = many(1000)
    now = [100.0]
    rate = PollRate(lambda: now[0], 0.0001)
    lists = StreamLists(service, rate, lambda: now[0])
    with pytest.raises(StreamServiceError) as caught:  # the next turn is hours away
        await lists.read(lambda _: None)
    assert caught.value.fault is ServiceFault.THROTTLED
    assert len(service.pages) == BURST


async def test_a_token_that_no_longer_holds_leaves_the_pass_incomplete() -> None:
    service = many(250)

    class Moves(ManyStreams):
        async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
            if page is not None:
                raise StreamServiceError(ServiceFault.INVALID, "The NextToken is not valid.")
            return await super().list_page(status=status, page=page, budget_s=budget_s)

    moving = Moves(statuses=service.statuses | {"arn:0": "ACTIVE"})
    done = await StreamLists(moving, PollRate(boot_s, 1000), boot_s).read(lambda _: None)
    assert not done.complete
    assert len(done.streams) == 101


async def test_a_list_that_cannot_be_had_is_raised() -> None:
    service = many(1)
    service.fail("list_page", ServiceFault.INVALID)
    with pytest.raises(StreamServiceError):
        await StreamLists(service, PollRate(boot_s, 1000), boot_s).read(lambda _: None)


async def test_a_recent_pass_is_shared() -> None:
    service = many(1)
    now = [0.0]
    lists = StreamLists(service, PollRate(lambda: now[0], 1000), lambda: now[0])
    both = await asyncio.gather(lists.recent(60.0), lists.recent(60.0))
    assert both[0] is both[1]
    assert service.pages.count("CONNECTED") == 1
    now[0] = 61.0
    assert await lists.recent(60.0) is not both[0]
    assert service.pages.count("CONNECTED") == 2


async def test_drops_are_listed_again_while_a_long_list_goes_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.backend.stream_lists.OFTEN_S", 0.0)
    service = many(500)
    dropped: list[str] = []

    def on_page(items: tuple[ListedStream, ...]) -> None:
        dropped.extend(each.stream.stream_session for each in items if each.status == DROPPED)
        if service.pages.count("CONNECTED") == 3:
            service.statuses["arn:0"] = DROPPED

    done = await StreamLists(service, PollRate(boot_s, 1000), boot_s).read(on_page)
    assert done.complete
    assert dropped
    assert service.pages.count(DROPPED) > 1
    assert service.pages.count("CONNECTED") == 5


async def test_a_list_of_drops_that_cannot_be_had_is_raised() -> None:
    class NoDrops(ManyStreams):
        async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
            if status == DROPPED:
                raise StreamServiceError(ServiceFault.TIMED_OUT, "No answer.")
            return await super().list_page(status=status, page=page, budget_s=budget_s)

    service = NoDrops(statuses=many(3).statuses)
    with pytest.raises(StreamServiceError):
        await StreamLists(service, PollRate(boot_s, 1000), boot_s).read(lambda _: None)
    assert not any(name.startswith("lists") for name in alive())
