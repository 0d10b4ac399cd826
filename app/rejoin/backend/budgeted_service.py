"""A streaming service whose calls take their turn from the budgets, and whose refusals slow down.

Status calls, pages of lists and create calls have taken theirs before they come here
(`status_calls`, `stream_lists`, `create_turns`), because they may be given up, or put in another
order, while they wait.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from rejoin.backend.budgets import CREATE, GET, LIST, START, TERMINATE
from rejoin.backend.service import (
    CallBudgets,
    ListedPage,
    ServiceFault,
    StartedStream,
    StreamId,
    StreamService,
    StreamServiceError,
    StreamStatus,
)
from rejoin.clock import Clock

_Result = TypeVar("_Result")


class BudgetedService:
    """`StreamService`, by another one. Its calls raise StoreUnavailableError as well."""

    def __init__(self, service: StreamService, budgets: CallBudgets, clock: Clock) -> None:
        self._service = service
        self._budgets = budgets
        self._clock = clock

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        return await self._called(
            START,
            self._service.start(
                token=token,
                signal_request=signal_request,
                application=application,
                user_id=user_id,
                budget_s=await self._turn(START, budget_s),
            ),
        )

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        return await self._called(
            LIST, self._service.list_page(status=status, page=page, budget_s=budget_s)
        )

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        return await self._called(GET, self._service.get_status(stream, budget_s=budget_s))

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        return await self._called(
            CREATE,
            self._service.create_connection(
                stream, token=token, signal_request=signal_request, budget_s=budget_s
            ),
        )

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        await self._called(
            TERMINATE,
            self._service.terminate(stream, budget_s=await self._turn(TERMINATE, budget_s)),
        )

    async def _turn(self, operation: str, budget_s: float) -> float:
        """Wait for a turn; what is left of the budget."""
        began_at = self._clock()
        if not await self._budgets.take_within(operation, budget_s):
            raise StreamServiceError(
                ServiceFault.THROTTLED,
                "The streaming service allows no more calls of this kind at the moment.",
                retry_after_s=1.0,
            )
        return budget_s - (self._clock() - began_at)

    async def _called(self, operation: str, call: Awaitable[_Result]) -> _Result:
        try:
            return await call
        except StreamServiceError as error:
            if error.fault is ServiceFault.THROTTLED:
                self._budgets.throttled(operation)
            raise
