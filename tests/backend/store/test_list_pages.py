"""Pages that one process has read, for others: who reads, what they find, and when it is gone."""

from __future__ import annotations

from helpers.list_pages import SOON_S, pages_of, passes, stream
from helpers.stores import opened
from rejoin.backend.store.list_pages import GONE_S, KEPT_S


async def test_one_process_reads_and_the_others_find_its_pages(url: str) -> None:
    async with opened(url) as store:
        one, two = pages_of(store, "one"), pages_of(store, "two")
        assert (await two.newer(None, within_s=SOON_S)).is_read is False
        assert await one.lead(within_s=SOON_S)
        assert not await two.lead(within_s=SOON_S)
        assert await one.record([stream("a"), stream("b")], None, within_s=SOON_S)
        found = await two.newer(None, within_s=SOON_S)
        assert found.is_read
        assert [(page.number, page.items, page.complete) for page in found.pages] == [
            (1, (stream("a"), stream("b")), None)
        ]
        assert not (await two.newer(1, within_s=SOON_S)).pages
        assert await one.record([stream("c", "ACTIVE")], True, within_s=SOON_S)
        (last,) = (await two.newer(1, within_s=SOON_S)).pages
        assert (last.number, last.items, last.complete) == (2, (stream("c", "ACTIVE"),), True)
        assert await one.lead(within_s=SOON_S), "the next pass"
        assert not (await two.newer(2, within_s=SOON_S)).pages
        assert not (await two.newer(None, within_s=SOON_S)).pages, "nothing of the new pass yet"


async def test_a_reader_that_has_gone_is_replaced_and_records_nothing_more(url: str) -> None:
    async with opened(url) as store:
        one, two = pages_of(store, "one"), pages_of(store, "two")
        assert await one.lead(within_s=SOON_S)
        await passes(store, GONE_S + 1.0)
        assert not (await two.newer(None, within_s=SOON_S)).is_read
        assert await two.lead(within_s=SOON_S)
        assert not await one.renew(within_s=SOON_S)
        assert not await one.record([stream("a")], None, within_s=SOON_S)
        assert not (await one.newer(None, within_s=SOON_S)).pages
        assert await two.renew(within_s=SOON_S)
        await two.release(within_s=SOON_S)
        assert await one.lead(within_s=SOON_S)


async def test_who_was_away_for_longer_than_pages_stay_begins_anew(url: str) -> None:
    async with opened(url) as store:
        one, two = pages_of(store, "one"), pages_of(store, "two")
        for name in "ab":
            assert await one.lead(within_s=SOON_S)
            await one.record([stream(name)], None, within_s=SOON_S)
            await one.record([], True, within_s=SOON_S)
            await passes(store, KEPT_S + 1.0)
        assert await one.lead(within_s=SOON_S)
        await one.record([stream("c")], None, within_s=SOON_S)
        await one.record([], True, within_s=SOON_S)  # forgets the others
        found = await two.newer(1, within_s=SOON_S)
        assert found.from_the_beginning
        assert [page.items for page in found.pages] == [(stream("c"),), ()]


async def test_the_last_pass_is_had_without_reading(url: str) -> None:
    async with opened(url) as store:
        one, two = pages_of(store, "one"), pages_of(store, "two")
        assert await two.last_pass(ended_within_s=60.0, within_s=SOON_S) is None
        for names, complete in (("ab", True), ("cd", False)):
            assert await one.lead(within_s=SOON_S)
            for name in names:
                await one.record([stream(name)], None, within_s=SOON_S)
            await one.record([], complete, within_s=SOON_S)
        assert await one.lead(within_s=SOON_S)
        await one.record([stream("e")], None, within_s=SOON_S)
        found = await two.last_pass(ended_within_s=3600.0, within_s=SOON_S)
        assert found is not None
        assert (found.items, found.complete) == ((stream("c"), stream("d")), False)
        await passes(store, 61.0)
        assert await two.last_pass(ended_within_s=60.0, within_s=SOON_S) is None


async def test_other_lists_are_apart(url: str) -> None:
    async with opened(url) as store:
        one, two = pages_of(store, "one"), pages_of(store, "two", lists="of another group")
        assert await one.lead(within_s=SOON_S)
        await one.record([stream("a")], True, within_s=SOON_S)
        assert await two.lead(within_s=SOON_S)
        assert not (await two.newer(0, within_s=SOON_S)).pages
