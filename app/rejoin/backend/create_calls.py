"""Create calls in flight: one for each stream session, in this process and over all of them.

A call continues when its client hangs up, and its flight in the store is renewed while it runs. If
the process of another flight is gone, the same attempt is sent again at once (the same ClientToken
and the same bytes); a newer one waits until the lost call can have no effect any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from rejoin.backend.refused import Reason, RefusedError, outcome_of
from rejoin.backend.store.attempt_writes import NewFlight
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.flights import Flight, FlightStore, Stale
from rejoin.clock import Clock
from rejoin.signaling.wire import MIN_BUDGET_S
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend")

BEAT_S: Final = 1.0
"""A flight is renewed this often."""
GONE_AFTER_S: Final = 2.0
"""A flight that is not renewed for this long has no process any more."""
LANDS_LATER_S: Final = 1.0
"""A call may take effect this long after its budget: the answer's way, and the service's work."""
ENDED_WITHIN_S: Final = 1.0
"""How long the end of a call waits until the database has no flight of it any more."""
_CHECK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class CreateCall:
    """A create call of this process."""

    attempt: int
    task: asyncio.Task[str | RefusedError]


@dataclass(slots=True)
class Flying:
    """A flight of ours. `owner`: this process. `landed`: whoever stored the answer has ended it
    with that. `waited`: for another process's call, which may have changed what is stored."""

    owner: str
    waited: bool = False
    landed: bool = False


Work = Callable[[Flying], Awaitable[str]]
"""A create call; its result is the answer."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Another process's flight, and since when it has not changed (our clock)."""

    flight: Flight
    since_at: float


class CreateCalls:
    """The create calls of this process, and how they wait for those of others."""

    def __init__(self, flights: FlightStore, clock: Clock) -> None:
        self._flights = flights
        self._clock = clock
        self._calls: dict[str, CreateCall] = {}
        self._seen: dict[str, _Seen] = {}

    def tasks(self) -> tuple[asyncio.Task[str | RefusedError], ...]:
        return tuple(call.task for call in self._calls.values())

    def of(self, session_id: str) -> CreateCall | None:
        return self._calls.get(session_id)

    def begin(
        self,
        session_id: str,
        attempt: int,
        work: Work,
        deadline_at: float,
        *,
        has_flight: bool = False,
    ) -> CreateCall:
        """Make the call `work`, once its flight is ours. `has_flight`: it is already."""
        flown = self._fly(session_id, attempt, work, None if has_flight else deadline_at)
        name = f"create:{session_id[:6]}:{attempt}"
        call = CreateCall(attempt, spawn(outcome_of(flown), name=name))
        self._calls[session_id] = call
        call.task.add_done_callback(lambda _: self._calls.pop(session_id, None))
        return call

    async def _fly(
        self,
        session_id: str,
        attempt: int,
        work: Work,
        take_until_at: float | None,
    ) -> str:
        """`take_until_at`: how long to wait for the flight; None: it is ours."""
        flying = Flying(self._flights.owner)
        if take_until_at is not None:
            await self._take(session_id, attempt, take_until_at, flying)
        async with self._renewed(session_id, attempt, flying):
            return await work(flying)

    def new_flight(self, session_id: str, attempt: int, deadline_at: float) -> NewFlight:
        """One of this process, for a call with this deadline."""

        def end() -> None:
            spawn(self.end_flight(session_id, attempt), name=f"end:{session_id[:6]}")

        return NewFlight(self._flights.owner, self._lands_within_s(deadline_at), end)

    def _lands_within_s(self, deadline_at: float) -> float:
        return max(0.0, deadline_at - self._clock()) + LANDS_LATER_S

    async def _take(
        self, session_id: str, attempt: int, deadline_at: float, flying: Flying
    ) -> None:
        """Raises RefusedError: ATTEMPT_IN_FLIGHT if another process's call is in the way,
        ATTEMPT_STALE if a newer attempt has come."""
        while True:
            now = self._clock()
            other = await self._flights.take(
                session_id,
                attempt,
                lands_within_s=self._lands_within_s(deadline_at),
                gone=self._gone(session_id, attempt, now),
                within_s=deadline_at - now,
            )
            if other is None:
                self._seen.pop(session_id, None)
                return
            if isinstance(other, Stale):
                raise RefusedError(Reason.ATTEMPT_STALE)
            flying.waited = True
            seen = self._seen.get(session_id)
            if seen is None or seen.flight != other:
                self._seen[session_id] = seen = _Seen(other, self._clock())
            if self._clock() + _CHECK_EVERY_S > deadline_at - MIN_BUDGET_S:
                free_in_s = seen.since_at + _over_after_s(other, attempt) - self._clock()
                raise RefusedError(
                    Reason.ATTEMPT_IN_FLIGHT, retry_after_s=min(max(free_in_s, 1.0), 2.0)
                )
            await asyncio.sleep(_CHECK_EVERY_S)

    def _gone(self, session_id: str, attempt: int, now: float) -> Flight | None:
        """The flight that we have watched for long enough to replace it."""
        seen = self._seen.get(session_id)
        if seen is None or now - seen.since_at < _over_after_s(seen.flight, attempt):
            return None
        return seen.flight

    @asynccontextmanager
    async def _renewed(self, session_id: str, attempt: int, flying: Flying) -> AsyncIterator[None]:
        beating = spawn(self._beat(session_id), name=f"flight:{session_id[:6]}")
        try:
            yield
        finally:
            await cancel(beating)
            if not flying.landed:
                await self.end_flight(session_id, attempt)

    async def end_flight(self, session_id: str, attempt: int) -> None:
        """Our flight of this attempt, if it is recorded, is over."""
        try:
            await self._flights.end(session_id, attempt, within_s=ENDED_WITHIN_S)
        except StoreUnavailableError:
            _log.warning("a flight stays in the database until others see that it is over")

    async def _beat(self, session_id: str) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                if not await self._flights.renew(session_id, within_s=BEAT_S):
                    return
            except StoreUnavailableError:
                continue


def _over_after_s(flight: Flight, attempt: int) -> float:
    """How long a flight must stand still before this attempt may replace it.

    Each beat proves a second of its age, so the rest is an upper bound.
    """
    if flight.attempt == attempt:
        return GONE_AFTER_S
    return max(GONE_AFTER_S, flight.lands_within_s - flight.beat * BEAT_S)
