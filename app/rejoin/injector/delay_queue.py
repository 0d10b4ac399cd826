"""Packets that wait for their time: the queue behind the emulator's relay and the injector.

An event loop's timers fire up to a millisecond late (Windows: 16), so they are set `EARLY_S` too
early, and a packet due within `EARLY_S` is sent at once. Delays are then right within a millisecond
and their error has no bias. `DelayQueue.lateness` reports how large it was.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

MAX_DELAYED_BYTES: Final = 64 << 20
"""All delayed packets together: 20 s at 25 Mbit/s. More does not fit."""
EARLY_S: Final = 0.0005
FLUSH_PACKETS: Final = 64
FLUSH_PAUSE_S: Final = 0.001
"""At most `FLUSH_PACKETS` are sent in one turn of the event loop, with this pause between turns: a
second's packets at once would overflow the sockets behind."""
LATENESS_KEPT: Final = 4096

_Packet = TypeVar("_Packet")


class _Delayed(NamedTuple, Generic[_Packet]):
    """A packet in the queue; tuples compare by time first."""

    due_at: float
    number: int
    """Unique, so that two packets never compare equal."""
    packet: _Packet
    size_bytes: int
    counted: bool
    """Whether it counts for `lateness`: only if a link delayed it and its delay ran out."""


class DelayQueue(Generic[_Packet]):
    """One queue ordered by time; `on_due(packet)` is called on the loop when its time has come."""

    def __init__(self, on_due: Callable[[_Packet], None]) -> None:
        self._on_due = on_due
        self._delayed: list[_Delayed[_Packet]] = []
        self._bytes = 0
        self._numbers = itertools.count()
        self._timer: tuple[float, asyncio.TimerHandle] | None = None
        """When it is due, which uvloop does not say of all its timers, and the timer."""
        self._paused_until = 0.0
        self._lateness: deque[float] = deque(maxlen=LATENESS_KEPT)

    def __len__(self) -> int:
        return len(self._delayed)

    @staticmethod
    def now() -> float:
        """The clock of the queue, in seconds. Not the event loop's: uvloop's stands still while it
        handles events, and counts whole milliseconds."""
        return time.perf_counter()

    def fits(self, size_bytes: int) -> bool:
        """Whether there is room for this many bytes more."""
        return self._bytes + size_bytes <= MAX_DELAYED_BYTES

    def put(self, packet: _Packet, size_bytes: int, due_at: float, *, counted: bool) -> None:
        """Add a packet; call `settle` when all that arrived together have been added."""
        self._bytes += size_bytes
        heapq.heappush(
            self._delayed, _Delayed(due_at, next(self._numbers), packet, size_bytes, counted)
        )

    def settle(self, now: float) -> None:
        """Send what is due, or set the timer for it."""
        if self._delayed[0].due_at <= now + EARLY_S and now >= self._paused_until:
            self._flush()
        else:
            self._set_timer()

    def hasten(self) -> None:
        """Every packet is due now, in order."""
        if self._delayed:
            now = self.now()
            self._delayed = [
                each._replace(due_at=now, number=number, counted=False)
                for number, each in enumerate(sorted(self._delayed), -len(self._delayed))
            ]
            self._flush()

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds too late each of the newest delayed packets was sent."""
        return tuple(self._lateness)

    def close(self) -> list[_Packet]:
        """Drop what waits, and return it."""
        if self._timer is not None:
            self._timer[1].cancel()
        self._timer = None
        dropped, self._delayed, self._bytes = self._delayed, [], 0
        return [each.packet for each in dropped]

    def _flush(self) -> None:
        """Send what is due, in order, and set the timer for the rest."""
        now = self.now()
        try:
            for _ in range(FLUSH_PACKETS):
                if not self._delayed or self._delayed[0].due_at > now + EARLY_S:
                    break
                each = heapq.heappop(self._delayed)
                self._bytes -= each.size_bytes
                if each.counted:
                    self._lateness.append(now - each.due_at)
                self._on_due(each.packet)
            else:
                self._paused_until = now + FLUSH_PAUSE_S
        finally:  # whatever one packet does to its receiver, the others do not wait for a next one
            self._set_timer()

    def _set_timer(self) -> None:
        if not self._delayed:
            return
        wake_at = max(self._delayed[0].due_at - EARLY_S, self._paused_until)
        if self._timer is not None:
            if self._timer[0] <= wake_at:
                return
            self._timer[1].cancel()
        after_s = max(0.0, wake_at - self.now())
        timer = asyncio.get_running_loop().call_later(after_s, self._on_timer)
        self._timer = wake_at, timer

    def _on_timer(self) -> None:
        self._timer = None
        if self.now() < self._paused_until:
            self._set_timer()
        else:
            self._flush()
