"""A clock and its alarms as one object, so that tests can use a clock of their own."""

from __future__ import annotations

import asyncio
import heapq
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


class _Alarm:
    """In a heap by time, until it is due. `callback`: None once it was called or cancelled."""

    __slots__ = ("_number", "at", "callback", "is_due")

    def __init__(self, at: float, number: int, callback: Callable[[], None]) -> None:
        self.at = at
        self._number = number
        self.callback: Callable[[], None] | None = callback
        self.is_due = False

    def __lt__(self, other: _Alarm) -> bool:
        return (self.at, self._number) < (other.at, other._number)

    def ring(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()


class LoopTimers:
    """Timers of the running event loop, on the boot clock: one wake-up of the loop for all alarms,
    so that those of thousands of sessions cost nothing while they wait."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock
        self._alarms: list[_Alarm] = []
        self._waiting = 0
        """Of these, those that are not cancelled."""
        self._count = 0
        self._wakeup: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return self._clock()

    def call_at(self, at: float, callback: Callable[[], None]) -> Callable[[], None]:
        self._count += 1
        alarm = _Alarm(at, self._count, callback)
        heapq.heappush(self._alarms, alarm)
        self._waiting += 1
        # Never called before this returns: the caller has the cancel before the callback can run.
        if self._alarms[0] is alarm:
            self._set_wakeup()

        def cancel() -> None:
            if alarm.callback is None:
                return
            alarm.callback = None
            if not alarm.is_due:
                self._waiting -= 1
                self._drop_cancelled()

        return cancel

    def _set_wakeup(self) -> None:
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        if self._alarms:
            delay_s = max(0.0, min(self._alarms[0].at - self._clock(), _LONGEST_WAIT_S))
            self._wakeup = asyncio.get_running_loop().call_later(delay_s, self._wake_up)

    def _wake_up(self) -> None:
        now = self._clock()
        loop = asyncio.get_running_loop()
        while self._alarms and self._alarms[0].at <= now:
            alarm = heapq.heappop(self._alarms)
            if alarm.callback is not None:
                alarm.is_due = True
                self._waiting -= 1
                loop.call_soon(alarm.ring)
        self._set_wakeup()

    def _drop_cancelled(self) -> None:
        """Once they are the greater part; at the end no wake-up is left."""
        if self._waiting <= len(self._alarms) // 2:
            self._alarms = [each for each in self._alarms if each.callback is not None]
            heapq.heapify(self._alarms)
            self._set_wakeup()
