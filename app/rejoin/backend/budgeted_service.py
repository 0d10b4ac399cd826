"""A streaming service whose calls take a turn from the budgets; throttled calls lower the rate.

Status calls, pages of lists and create calls have taken their turn before they come here
(`status_calls`, `stream_lists`, `create_turns`), because they may be cancelled or reordered while
they wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from rejoin.backend.budgets import START, TERMINATE
from rejoin.backend.service import CallBudgets, ServiceFault, StreamService, StreamServiceError
from rejoin.backend.wrapped_service import WrappedService
from rejoin.clock import Clock

_Result = TypeVar("_Result")

_TURN_HERE: Final = (START, TERMINATE)
"""The operations that take their turn here."""


class BudgetedService(WrappedService):
    """Its calls raise StoreUnavailableError as well."""

    def __init__(self, service: StreamService, budgets: CallBudgets, clock: Clock) -> None:
        super().__init__(service)
        self._budgets = budgets
        self._clock = clock

    async def _call(
        self, operation: str, call: Callable[[float], Awaitable[_Result]], budget_s: float
    ) -> _Result:
        if operation in _TURN_HERE:
            budget_s = await self._turn(operation, budget_s)
        try:
            return await call(budget_s)
        except StreamServiceError as error:
            if error.fault is ServiceFault.THROTTLED:
                self._budgets.throttled(operation)
            raise

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
