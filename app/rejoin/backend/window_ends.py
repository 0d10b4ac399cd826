"""Learns when games end from the service's answers to create calls: pure.

A client has two deadlines, a minute apart, because it cannot know when the service noticed the
drop. The answers to the first calls after the shown deadline show where between the two this drop's
games end. Otherwise the calls of a whole minute could go to games that are over while others run
out.

Only more than NEEDED refusals beyond the opposite answers count, so one or two games that ended for
another reason prove nothing. The result changes the order only: nobody is refused.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

from rejoin.backend.create_order import NO_DOUBT, Doubt

KEPT: Final = 16
"""The newest answers of either kind."""
KEPT_S: Final = 600.0
"""Older ones are of another drop."""
NEEDED: Final = 2
_TIMED: Final = 9
_MARGIN_S: Final = 0.05
"""The limit lies this far above the last game that was over: the time of one call."""


@dataclass(frozen=True, slots=True)
class CreateOutcome:
    """The result of a create call that had waited for its turn. Seconds from its beginning:
    `shown_s` and `latest_s` until the deadlines, `took_s` until its answer. `taken`: the service
    accepted the client; otherwise the game was over."""

    shown_s: float
    latest_s: float
    took_s: float
    taken: bool


class WindowEnds:
    """Collects the results of one process's create calls."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._over: deque[tuple[float, float]] = deque(maxlen=KEPT)
        """For each answer: when it came, and how long it was until the latest deadline."""
        self._took_s: deque[float] = deque(maxlen=_TIMED)
        self._doubt = NO_DOUBT

    def saw(self, outcome: CreateOutcome, now: float) -> None:
        """A create call has ended."""
        if outcome.taken:
            self._took_s.append(outcome.took_s)
        if outcome.shown_s >= outcome.took_s:
            return  # in time by what the client shows
        kept = self._taken if outcome.taken else self._over
        kept.append((now, outcome.latest_s))
        self._judge(now)

    def doubt(self, now: float) -> Doubt:
        """By the answers of the last KEPT_S."""
        if self._over and self._over[0][0] < now - KEPT_S:
            self._judge(now)
        return self._doubt

    def _judge(self, now: float) -> None:
        """Choose the limit that the fewest answers contradict; of several the lowest."""
        for kept in (self._taken, self._over):
            while kept and kept[0][0] < now - KEPT_S:
                kept.popleft()
        limit_s, fewest = 0.0, len(self._over)
        for _, over_s in sorted(self._over, key=lambda each: each[1]):
            doubted_s = over_s + _MARGIN_S
            wrong = NEEDED
            wrong += sum(left_s < doubted_s for _, left_s in self._taken)
            wrong += sum(left_s >= doubted_s for _, left_s in self._over)
            if wrong < fewest:
                limit_s, fewest = doubted_s, wrong
        takes_s = median(self._took_s) if self._took_s else 0.0
        self._doubt = Doubt(max(0.0, limit_s), takes_s)
