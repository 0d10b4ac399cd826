"""Virtual time: a heap of callbacks, in order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from math import inf

Callback = Callable[[], object]
"""Called when its time has come; its result is not used."""


class VirtualClock:
    """`now` moves only when the run sets it."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._heap: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, callback: Callback) -> None:
        """Schedule a callback `delay_s` from now; at equal times, the first added comes first."""
        heapq.heappush(self._heap, (self.now + max(0.0, delay_s), next(self._order), callback))

    @property
    def next_at(self) -> float:
        """When the next callback is due; infinite if there is none."""
        return self._heap[0][0] if self._heap else inf

    def pop(self) -> Callback:
        """Remove the next callback and return it; the caller calls it."""
        return heapq.heappop(self._heap)[2]
