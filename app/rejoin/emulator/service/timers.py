"""A clock and its alarms as one object, so that tests can use a clock of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from rejoin.clock import Clock, boot_s

_LONGEST_WAIT_S = 1.0
"""In suspend the event loop's clock stops and the boot clock does not: check it this often."""


class Timers(Protocol):
    """A clock in seconds and alarms on it."""

    def now(self) -> float:
        """The time."""
        ...

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop once `now()` has reached `at`; returns a cancel."""
        ...


@runtime_checkable
class AdvanceableTimers(Protocol):
    """Timers whose time is moved by hand."""

    async def advance(self, by_s: float) -> None:
        """Move time on; the alarms that were due on the way have run when this returns."""


async def sleep(timers: Timers, delay_s: float) -> None:
    """Wait `delay_s` of these timers; 0 or less does not wait at all."""
    if delay_s <= 0:
        return
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not over.done():
            over.set_result(None)

    cancel = timers.call_at(timers.now() + delay_s, wake)
    try:
        await over
    finally:
        cancel()


class LoopTimers:
    """Timers of the running event loop, on the boot clock."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        waiting: asyncio.TimerHandle | None = None

        def check() -> None:
            nonlocal waiting
            left_s = at - self._clock()
            if left_s <= 0:
                waiting = None
                callback()
            else:
                waiting = loop.call_later(min(left_s, _LONGEST_WAIT_S), check)

        def cancel() -> None:
            if waiting is not None:
                waiting.cancel()

        # Never called before this returns: the caller has the cancel before the callback can run.
        waiting = loop.call_later(max(0.0, min(at - self._clock(), _LONGEST_WAIT_S)), check)
        return cancel
