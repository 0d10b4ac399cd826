"""When things happen: one clock and its alarms, so that a test can bring its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from rejoin.clock import Clock, boot_s

_LONGEST_SLICE_S = 1.0
"""The event loop's clock stops in suspend and the boot clock does not: look again this often."""


class Timers(Protocol):
    """A clock in seconds and alarms on it."""

    def now(self) -> float:
        """The time."""
        ...

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop once `now()` has reached `at`; returns the undoing."""
        ...


async def sleep(timers: Timers, delay_s: float) -> None:
    """Wait `delay_s` of these timers; 0 or less does not wait at all."""
    if delay_s <= 0:
        return
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not over.done():
            over.set_result(None)

    undo = timers.call_at(timers.now() + delay_s, wake)
    try:
        await over
    finally:
        undo()


class LoopTimers:
    """Timers of the running event loop, on the boot clock."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        waiting: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal waiting
            left_s = at - self._clock()
            if left_s <= 0:
                waiting = None
                callback()
            else:
                waiting = loop.call_later(min(left_s, _LONGEST_SLICE_S), look)

        def undo() -> None:
            if waiting is not None:
                waiting.cancel()

        # Never within this call: callers hold the undoing before the callback can run.
        waiting = loop.call_later(max(0.0, min(at - self._clock(), _LONGEST_SLICE_S)), look)
        return undo
