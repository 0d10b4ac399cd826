"""What a call of the service may do in its thread: until when, and who allows a second try."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Final

from rejoin.backend.service import CallBudgets
from rejoin.backend.store.database import StoreUnavailableError

GRACE_S: Final = 1.0
"""The loop answers within this time after the turn, or it does not run any more."""


@dataclass(frozen=True, slots=True)
class CallChances:
    """`deadline`: on the caller's clock. `loop`: where the budgets live. No budgets: no limit."""

    deadline: float
    loop: asyncio.AbstractEventLoop
    budgets: CallBudgets | None

    def once_more(self, operation: str, now: float) -> bool:
        """Wait for a turn for the second try; False if none comes in time."""
        left_s = self.deadline - now
        if self.budgets is None or left_s <= 0:
            return left_s > 0
        waiting = asyncio.run_coroutine_threadsafe(
            self.budgets.take_within(operation, left_s), self.loop
        )
        try:
            return waiting.result(left_s + GRACE_S)
        except (StoreUnavailableError, TimeoutError, CancelledError):
            waiting.cancel()
            return False

    def throttled(self, operation: str) -> None:
        if self.budgets is not None:
            self.loop.call_soon_threadsafe(self.budgets.throttled, operation)
