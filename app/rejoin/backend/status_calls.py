"""GetStreamSession at the backend's pace: one call for each session at a time, shared by its
callers.

If all callers leave before its turn has come, the call is not made and its turn is free. Calls for
the sessions of one owner begin one after another, so that an owner with many calls leaves turns for
others (`owner_queues`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from rejoin.backend.budgets import CallTurns
from rejoin.backend.owner_queues import OwnerQueues
from rejoin.backend.refused import Reason, RefusedError, outcome_of
from rejoin.backend.service import StreamId, StreamService, StreamStatus
from rejoin.clock import Clock
from rejoin.tasks import spawn

STATUS_BUDGET_S: Final = 7.0
"""The longest wait for one GetStreamSession."""
_TURN_WITHIN_S: Final = 25.0
_APART_TURNS: Final = 3
"""Calls for one owner's sessions begin this many turns apart: at most a third of the rate, in each
process, and never the whole burst."""


@dataclass(frozen=True, slots=True)
class SeenStatus:
    """`asked_at`: when the call began, on our clock; the status is at least that new."""

    status: StreamStatus
    asked_at: float


@dataclass(slots=True)
class _Call:
    task: asyncio.Task[SeenStatus | RefusedError]
    waiting: int = 0
    has_begun: bool = False
    """Its turn has come, so the call can no longer be dropped for free."""


class StatusCalls:
    """The status calls of this process."""

    def __init__(self, service: StreamService, poll_rate: CallTurns, clock: Clock) -> None:
        self._service = service
        self._poll_rate = poll_rate
        self._clock = clock
        self._queues = OwnerQueues(clock)
        self._calls: dict[str, _Call] = {}
        self._queued = 0
        """Of these, the calls that have not begun."""

    def has_turn(self, within_s: float, deadline_at: float) -> bool:
        """Whether a call requested now would begin within `within_s` and before the deadline. All
        calls without a turn count, also those that still wait in their owner's queue."""
        until_at = min(self._clock() + within_s, deadline_at)
        return self._queued < self._poll_rate.per_s * within_s and self._poll_rate.in_time(until_at)

    async def get(
        self,
        session_id: str,
        stream: StreamId,
        deadline_at: float,
        *,
        owner: str = "",
        not_before: float = 0.0,
    ) -> SeenStatus:
        """The status by a call that began at `not_before` or later. `owner`: whose session it is;
        "" has no queue. Raises RefusedError."""
        while True:
            call = self._calls.get(session_id)
            if call is None:
                if not self._poll_rate.in_time(deadline_at):
                    raise RefusedError(Reason.POLL_RATE, retry_after_s=1.0)
                call = self._begin(session_id, stream, owner)
            outcome = await self._joined(call, deadline_at)
            if isinstance(outcome, RefusedError):
                raise outcome.again()
            if outcome.asked_at >= not_before:
                return outcome

    async def _turn(self, owner: str) -> bool:
        """Wait for a turn; False if none comes in time."""
        if not owner:
            return await self._poll_rate.wait(self._clock() + _TURN_WITHIN_S)
        async with self._queues.first(owner, _APART_TURNS / self._poll_rate.per_s):
            return await self._poll_rate.wait(self._clock() + _TURN_WITHIN_S)

    def _begin(self, session_id: str, stream: StreamId, owner: str) -> _Call:
        async def work() -> SeenStatus:
            if not await self._turn(owner):
                raise RefusedError(Reason.POLL_RATE, retry_after_s=1.0)
            call.has_begun = True
            self._queued -= 1
            asked_at = self._clock()
            try:
                async with asyncio.timeout(STATUS_BUDGET_S):
                    status = await self._service.get_status(stream, budget_s=STATUS_BUDGET_S)
            except TimeoutError:
                raise RefusedError(Reason.TIMED_OUT) from None
            return SeenStatus(status, asked_at)

        call = _Call(spawn(outcome_of(work()), name=f"status:{session_id[:6]}"))
        self._calls[session_id] = call
        self._queued += 1

        def forget(_: object) -> None:
            if not call.has_begun:
                self._queued -= 1
            if self._calls.get(session_id) is call:
                del self._calls[session_id]

        call.task.add_done_callback(forget)
        return call

    async def _joined(self, call: _Call, deadline_at: float) -> SeenStatus | RefusedError:
        call.waiting += 1
        try:
            left_s = max(0.0, deadline_at - self._clock())
            done, _ = await asyncio.wait({call.task}, timeout=left_s)
        finally:
            call.waiting -= 1
            if call.waiting == 0 and not call.has_begun:
                call.task.cancel()
        if not done:
            return RefusedError(Reason.TIMED_OUT)
        return call.task.result()

    async def finish(self) -> None:
        """End the calls that are left."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
