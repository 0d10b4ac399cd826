"""Rates of counters over the last second, and the lag of our own event loop."""

from __future__ import annotations

from collections import deque

RATE_WINDOW_S = 1.0


class Rates:
    """Counters to rates over the last second; `add` at each sample."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._history: deque[tuple[float, tuple[float, ...]]] = deque()

    def add(self, now: float, counters: tuple[float, ...]) -> None:
        self._history.append((now, counters))
        while len(self._history) > 2 and now - self._history[1][0] >= self._window_s:
            self._history.popleft()

    def per_second(self, index: int) -> float:
        """How fast the counter at this place rises; 0 before there are two samples."""
        if len(self._history) < 2:
            return 0.0
        (then, before), (now, after) = self._history[0], self._history[-1]
        return (after[index] - before[index]) / (now - then) if now > then else 0.0

    def per_other(self, index: int, other: int) -> float:
        """How much of the counter at `index` for each of that at `other`; 0 without any."""
        if len(self._history) < 2:
            return 0.0
        before, after = self._history[0][1], self._history[-1][1]
        each = after[other] - before[other]
        return (after[index] - before[index]) / each if each > 0 else 0.0


class LoopLag:
    """How late our own event loop runs, told from samples that should come `every_s`.

    A loop that stalls for 100 ms looks exactly like a host that went silent: the detector
    discounts this.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._sampled_at: float | None = None

    def sampled(self, now: float) -> float:
        """A sample is taken now; by how much it comes too late, in seconds."""
        before, self._sampled_at = self._sampled_at, now
        return 0.0 if before is None else max(0.0, now - before - self._every_s)
