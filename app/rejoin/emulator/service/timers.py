"""When things happen: one clock and its alarms, so that a test can bring its own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class AdvancedTimers(Protocol):
    """Timers whose time somebody moves."""

    async def advance(self, by_s: float) -> None:
        """Move time on by so many seconds; what was due on the way has happened."""


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


class ManualTimers:
    """Timers that stand still until told: an emulator without a real clock, for tests.

    Host and signatures know nothing of this time: media and SigV4 stay on the real clocks.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def now(self) -> float:
        return self._now

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        self._count += 1
        alarm = (at, self._count, callback)
        self._alarms.append(alarm)

        def undo() -> None:
            with contextlib.suppress(ValueError):
                self._alarms.remove(alarm)

        return undo

    @property
    def waiting(self) -> int:
        """How many alarms are set."""
        return len(self._alarms)

    async def advance(self, by_s: float) -> None:
        """Move time on, alarm by alarm, letting the event loop settle after each."""
        target = self._now + by_s
        await _settle()
        while True:
            due = min(
                (alarm for alarm in self._alarms if alarm[0] <= target),
                key=lambda alarm: alarm[:2],
                default=None,
            )
            if due is None:
                break
            self._alarms.remove(due)
            self._now = max(self._now, due[0])
            due[2]()
            await _settle()
        self._now = target
        await _settle()


async def _settle() -> None:
    """Let what an alarm set off run on, as far as it goes without waiting for the world."""
    for _ in range(20):
        await asyncio.sleep(0)
