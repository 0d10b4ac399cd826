"""How long a call of the service may run in its thread, and whether it may be tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Final

from rejoin.backend.service import CallBudgets
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.tasks import spawn

GRACE_S: Final = 1.0
"""The loop answers within this time after the turn, or it has stopped."""


class CallChances:
    """The chances of one call. The call's thread asks; `end` belongs to the loop.

    The thread may outlive the call and even the loop. So it never passes a coroutine to the loop,
    which would stay unstarted after the loop stops: the loop makes the coroutine, and only while
    the call is wanted.
    """

    def __init__(
        self, deadline: float, loop: asyncio.AbstractEventLoop, budgets: CallBudgets | None
    ) -> None:
        """`deadline`: on the caller's clock. `loop`: where the budgets live. No budgets: no
        limit."""
        self.deadline = deadline
        self._loop = loop
        self._budgets = budgets
        self._ended = False
        self._waiting: asyncio.Task[None] | None = None

    def end(self) -> None:
        """The call is no longer wanted: wait for no turn. Call it on the loop."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    def once_more(self, operation: str, now: float) -> bool:
        """Wait for a turn for the second try; False if none comes in time."""
        left_s = self.deadline - now
        budgets = self._budgets
        if budgets is None or left_s <= 0:
            return left_s > 0
        turn: Future[bool] = Future()

        async def take() -> None:
            try:
                got = await budgets.take_within(operation, left_s)
            except StoreUnavailableError:
                got = False
            except asyncio.CancelledError:
                turn.cancel()
                raise
            if not turn.done():
                turn.set_result(got)

        def ask() -> None:
            if self._ended:
                turn.cancel()
            else:
                self._waiting = spawn(take(), name=f"second try: {operation}")
                self._waiting.add_done_callback(lambda _: turn.cancel())

        if not self._on_loop(ask):
            return False
        try:
            return turn.result(left_s + GRACE_S)
        except (TimeoutError, CancelledError):
            self._on_loop(self.end)
            return False

    def throttled(self, operation: str) -> None:
        """The service has refused a call because there were too many."""
        if self._budgets is not None:
            self._on_loop(self._report_throttled, operation)

    def _report_throttled(self, operation: str) -> None:
        if self._budgets is not None and not self._ended:
            self._budgets.throttled(operation)

    def _on_loop(self, call: Callable[..., None], *arguments: str) -> bool:
        """False if the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return False
        return True
