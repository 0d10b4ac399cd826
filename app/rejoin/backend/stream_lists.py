"""The service's lists of stream sessions: one pass over all that live, page by page at a pace.

A list is a hint: nobody outside AWS knows how old it is. A pass is shared by those who wait
for news (`list_watch`) and by the sweep for lost starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rejoin.backend.poll_rate import PollRate
from rejoin.backend.service import (
    ListedStream,
    ServiceFault,
    StreamService,
    StreamServiceError,
)
from rejoin.clock import Clock

LISTED_STATUSES: Final = (
    "ACTIVATING",
    "CONNECTED",
    "PENDING_CLIENT_RECONNECTION",
    "RECONNECTING",
    "ACTIVE",
    "TERMINATING",
)
"""In the order in which a session goes through them, so that one that moves on during a pass is
rather seen twice than not at all. Sessions that have ended are not listed: they are many."""
PAGE_S: Final = 5.0
"""No page is waited for longer than this."""
_TURN_WITHIN_S: Final = 60.0

OnPage = Callable[[tuple[ListedStream, ...]], None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass has listed, by the service's identifier of each stream session.

    `complete`: False if a list broke off, so that a session may be missing. `ended_at`: boot time.
    """

    streams: Mapping[str, ListedStream]
    complete: bool
    ended_at: float


class StreamLists:
    """The lists as this process reads them: one pass at a time. Each page takes a turn of
    `page_rate`."""

    def __init__(self, service: StreamService, page_rate: PollRate, clock: Clock) -> None:
        self._service = service
        self._page_rate = page_rate
        self._clock = clock
        self._newest: Pass | None = None
        self._reading = asyncio.Lock()

    async def recent(self, within_s: float) -> Pass:
        """A pass that ended in the last `within_s`, or a new one. Raises StreamServiceError."""
        async with self._reading:
            newest = self._newest
            if newest is not None and self._clock() - newest.ended_at < within_s:
                return newest
            return await self._read(lambda _: None)

    async def read(self, on_page: OnPage) -> Pass:
        """A new pass; `on_page` gets each page as it comes. Raises StreamServiceError."""
        async with self._reading:
            return await self._read(on_page)

    async def _read(self, on_page: OnPage) -> Pass:
        streams: dict[str, ListedStream] = {}
        complete = True
        for status in LISTED_STATUSES:
            page: str | None = None
            while True:
                if not await self._page_rate.wait(self._clock() + _TURN_WITHIN_S):
                    raise StreamServiceError(ServiceFault.THROTTLED, "The lists have no turn.")
                try:
                    found = await self._service.list_page(status=status, page=page, budget_s=PAGE_S)
                except StreamServiceError as error:
                    if page is None or error.fault is not ServiceFault.INVALID:
                        raise
                    complete = False  # the list has changed, so that the token no longer holds
                    break
                streams |= {each.stream.stream_session: each for each in found.items}
                on_page(found.items)
                page = found.following
                if page is None:
                    break
        self._newest = Pass(streams, complete, self._clock())
        return self._newest
