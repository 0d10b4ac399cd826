"""The service's lists of stream sessions: one pass over all that live, page by page at a pace.

A list is a hint: nobody outside AWS knows how old it is. A pass is shared by those who wait
for news (`list_watch`) and by the sweep for lost starts.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from rejoin.backend.budgets import CallTurns
from rejoin.backend.service import (
    ListedStream,
    ServiceFault,
    StreamService,
    StreamServiceError,
)
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.clock import Clock
from rejoin.tasks import cancel, spawn

DROPPED: Final = "PENDING_CLIENT_RECONNECTION"
"""The list that is read again and again while a pass goes by: it is the one with the drops."""
LISTED_STATUSES: Final = (
    "ACTIVATING",
    "CONNECTED",
    "RECONNECTING",
    "ACTIVE",
    "TERMINATING",
    DROPPED,
)
"""In the order in which a session goes through them, so that one that moves on during a pass is
rather seen twice than not at all. Sessions that have ended are not listed: they are many."""
OFTEN_S: Final = 1.0
"""Time from the start of one reading of DROPPED to the start of the next, if it takes no longer."""
PAGE_S: Final = 5.0
"""The longest wait for one page."""
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


class Lists(Protocol):
    """The lists, read by any process. Both raise StreamServiceError and StoreUnavailableError."""

    async def recent(self, within_s: float) -> Pass:
        """A pass that ended in the last `within_s`, or a new one."""
        ...

    async def read(self, on_page: OnPage) -> Pass:
        """A new pass; `on_page` gets each page as it comes."""
        ...


class OnePassAtATime(ABC):
    """`Lists` whose newest pass serves all callers of `recent`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: Pass | None = None
        self._reading = asyncio.Lock()

    async def recent(self, within_s: float) -> Pass:
        """A pass that ended in the last `within_s`, or a new one. Raises StreamServiceError and
        StoreUnavailableError."""
        async with self._reading:
            newest = self._newest
            if newest is not None and self._clock() - newest.ended_at < within_s:
                return newest
            return await self._found(within_s)

    async def read(self, on_page: OnPage) -> Pass:
        """A new pass; `on_page` gets each page as it comes. Raises StreamServiceError and
        StoreUnavailableError."""
        async with self._reading:
            return await self._read(on_page)

    async def _found(self, within_s: float) -> Pass:
        """A pass that ended in the last `within_s`, and is not our newest one."""
        return await self._read(lambda _: None)

    @abstractmethod
    async def _read(self, on_page: OnPage) -> Pass:
        """A new pass, which is then the newest."""


class StreamLists(OnePassAtATime):
    """The lists as this process reads them. Each page takes a turn of `page_rate`."""

    def __init__(self, service: StreamService, page_rate: CallTurns, clock: Clock) -> None:
        super().__init__(clock)
        self._service = service
        self._page_rate = page_rate

    async def _read(self, on_page: OnPage) -> Pass:
        streams: dict[str, ListedStream] = {}

        def note(items: tuple[ListedStream, ...]) -> None:
            streams.update((each.stream.stream_session, each) for each in items)
            on_page(items)

        others_done = asyncio.Event()
        dropped = spawn(self._read_often(note, others_done), name="lists: dropped")
        try:
            complete = True
            for status in LISTED_STATUSES:
                if status != DROPPED:
                    complete = await self._read_list(status, note) and complete
            others_done.set()
            outcome = await dropped
        finally:
            await cancel(dropped)
        if isinstance(outcome, Exception):
            raise outcome
        self._newest = Pass(streams, complete and outcome, self._clock())
        return self._newest

    async def _read_often(
        self, on_page: OnPage, others_done: asyncio.Event
    ) -> bool | StreamServiceError | StoreUnavailableError:
        """Read DROPPED until the other lists are done; whether the last reading was complete."""
        while True:
            again_at = self._clock() + OFTEN_S
            try:
                complete = await self._read_list(DROPPED, on_page)
            except (StreamServiceError, StoreUnavailableError) as error:
                return error
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, again_at - self._clock())):
                    await others_done.wait()
            if others_done.is_set():
                return complete

    async def _read_list(self, status: str, on_page: OnPage) -> bool:
        """All pages of one list; whether it was complete. Raises StreamServiceError."""
        page: str | None = None
        while True:
            if not await self._page_rate.wait(self._clock() + _TURN_WITHIN_S):
                raise StreamServiceError(ServiceFault.THROTTLED, "The lists have no turn.")
            try:
                found = await self._service.list_page(status=status, page=page, budget_s=PAGE_S)
            except StreamServiceError as error:
                if page is None or error.fault is not ServiceFault.INVALID:
                    raise
                return False  # the list has changed, so that the token no longer holds
            on_page(found.items)
            page = found.following
            if page is None:
                return True
