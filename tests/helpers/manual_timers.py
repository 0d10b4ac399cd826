"""Timers whose time moves only by `advance`: an emulator without a real clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class ManualTimers:
    """Implements `rejoin.emulator.service.timers.Timers` and `AdvanceableTimers`.

    Hosts and signatures do not use this clock: media and SigV4 stay on the real clocks.
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

        def cancel() -> None:
            with contextlib.suppress(ValueError):
                self._alarms.remove(alarm)

        return cancel

    @property
    def waiting(self) -> int:
        """How many alarms are set."""
        return len(self._alarms)

    async def advance(self, by_s: float) -> None:
        """Move time on, alarm by alarm, and let the event loop settle after each."""
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
    """Run what an alarm has started, as far as it goes without waiting for anything external."""
    for _ in range(20):
        await asyncio.sleep(0)
