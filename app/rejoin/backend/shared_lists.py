"""The service's lists, read by one process for all that share a database.

Each page costs a call of the shared budget: if every process read for itself, news would take
longer with each process. One reads (`stream_lists`) and records the pages; the others follow it,
and one of them takes over when it ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from rejoin.backend.service import ListedStream
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.list_pages import GONE_S, ListPages, RecordedPage
from rejoin.backend.stream_lists import OnePassAtATime, OnPage, Pass, StreamLists
from rejoin.clock import Clock
from rejoin.tasks import cancel, spawn

FOLLOW_EVERY_S: Final = 0.2
RENEW_EVERY_S: Final = 1.0
_STORE_S: Final = 2.0

Items = tuple[ListedStream, ...]


@dataclass(frozen=True, slots=True)
class _Ending:
    """After the last page. `complete`: None if the pass broke off."""

    complete: bool | None


class SharedLists(OnePassAtATime):
    """As `StreamLists`, with the same errors. `read` may join another process's pass in the middle;
    it then returns all pages from that pass's start."""

    def __init__(self, lists: StreamLists, pages: ListPages, clock: Clock) -> None:
        super().__init__(clock)
        self._lists = lists
        self._pages = pages
        self._number: int | None = None
        """Of the newest page of the other process that was seen; None: not following one."""
        self._followed_at = 0.0

    async def _found(self, within_s: float) -> Pass:
        others = await self._pages.last_pass(ended_within_s=within_s, within_s=_STORE_S)
        if others is not None:
            streams = {each.stream.stream_session: each for each in others.items}
            return Pass(streams, bool(others.complete), self._clock() - others.age_s)
        done = await self._read(lambda _: None)
        await self._pages.release(within_s=_STORE_S)
        return done

    async def _read(self, on_page: OnPage) -> Pass:
        done: Pass | None = None
        while done is None:
            if await self._pages.lead(within_s=_STORE_S):
                done = await self._lead(on_page)
            else:
                done = await self._follow(on_page)
        self._newest = done
        return done

    # --- reading for all --------------------------------------------------------------------------

    async def _lead(self, on_page: OnPage) -> Pass:
        self._number = None
        read: asyncio.Queue[Items | _Ending] = asyncio.Queue()

        def note(items: Items) -> None:
            on_page(items)
            read.put_nowait(items)

        recording = spawn(self._record(read), name="lists: recording")
        ending = _Ending(None)
        try:
            done = await self._lists.read(note)
            ending = _Ending(done.complete)
        finally:
            read.put_nowait(ending)
            await asyncio.wait((recording,), timeout=_STORE_S)
            await cancel(recording)
        return done

    async def _record(self, read: asyncio.Queue[Items | _Ending]) -> None:
        """Record until the pass ends, or another process has become the reader (after a failure of
        the database, for example)."""
        leads, ending = True, None
        while leads and ending is None:
            items: list[ListedStream] = []
            try:
                async with asyncio.timeout(RENEW_EVERY_S):
                    parts = [await read.get()]
            except TimeoutError:
                parts = []
            while not read.empty():
                parts.append(read.get_nowait())
            for part in parts:
                if isinstance(part, _Ending):
                    ending = part
                else:
                    items += part
            try:
                if ending is not None or items:
                    complete = None if ending is None else ending.complete
                    leads = await self._pages.record(items, complete, within_s=_STORE_S)
                else:
                    leads = await self._pages.renew(within_s=_STORE_S)
            except StoreUnavailableError:
                return

    # --- following another process ----------------------------------------------------------------

    async def _follow(self, on_page: OnPage) -> Pass | None:
        """A pass that another process reads; None if it has ended meanwhile."""
        streams: dict[str, ListedStream] = {}
        if self._clock() - self._followed_at >= GONE_S:
            self._number = None  # skip old passes before the newest one
        try:
            return await self._follow_on(streams, on_page)
        except BaseException:
            self._number = None  # the rest of a pass is not a pass
            raise
        finally:
            self._followed_at = self._clock()

    async def _follow_on(self, streams: dict[str, ListedStream], on_page: OnPage) -> Pass | None:
        while True:
            newer = await self._pages.newer(self._number, within_s=_STORE_S)
            if newer.from_the_beginning:
                streams.clear()
            for page in newer.pages:
                done = self._take(page, streams, on_page)
                if done is not None:
                    return done
            if not newer.is_read:
                self._number = None
                return None
            if not newer.pages:
                await asyncio.sleep(FOLLOW_EVERY_S)

    def _take(
        self, page: RecordedPage, streams: dict[str, ListedStream], on_page: OnPage
    ) -> Pass | None:
        """The pass, if this page is its last."""
        self._number = page.number
        streams.update((each.stream.stream_session, each) for each in page.items)
        on_page(page.items)
        if page.complete is None:
            return None
        return Pass(streams, page.complete, self._clock())
