"""Virtual time: a heap of what will happen, in order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from math import inf

Callback = Callable[[], object]
"""Something that happens; its result is not used."""


class VirtualClock:
    """`now` moves only when the run sets it."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._heap: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, action: Callback) -> None:
        """Let this happen `delay_s` from now; of several at the same time the first added first."""
        heapq.heappush(self._heap, (self.now + max(0.0, delay_s), next(self._order), action))

    @property
    def next_at(self) -> float:
        """When the next action is due; infinite when there is none."""
        return self._heap[0][0] if self._heap else inf

    def pop(self) -> Callback:
        """The next action, which is no longer due. The caller calls it."""
        return heapq.heappop(self._heap)[2]
