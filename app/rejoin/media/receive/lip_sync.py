"""How much longer or shorter sound should wait, so that it stays with its picture.

The picture never waits: what can be steered is the sound. Pure, and told the time.
"""

from __future__ import annotations

from collections import deque
from statistics import median

MOST_LATE_S = 0.045
MOST_EARLY_S = 0.020
"""Nothing is done while sound is within these of its picture. Close to what broadcasters allow
between camera and screen (ATSC IS-191: 45 ms late, 15 ms early; EBU R37: 60 and 40)."""

AIM_S = 0.0125
"""What a correction aims at: the middle, as far from both edges as can be."""

IMPLAUSIBLE_S = 1.0
"""What is further off is a host whose streams have not one clock: nothing is done about it."""

SETTLE_S = 1.0
"""What is measured so soon after the start is not used: a ring that fills, a first key frame."""

WINDOW_S = 1.0
LEAST_MEASUREMENTS = 10
"""The median of a second counts, and only if it was measured that often in it."""

REST_S = 3.0
LONGEST_REST_S = 48.0
STEADY_S = 60.0
"""After a correction it rests, twice as long after each further one: a path that swings is not
followed. A minute without a correction makes the rest short again."""


class LipSync:
    """Decides on corrections from measured offsets; one for each connection."""

    def __init__(self) -> None:
        self._measured: deque[tuple[float, float]] = deque()
        self._not_before: float | None = None
        self._corrected_at: float | None = None
        self._rest_s = REST_S

    def begin_anew(self) -> None:
        """What was measured so far counts no more: sound or picture begins anew."""
        self._measured.clear()
        self._not_before = None

    def measured(self, now: float, late_s: float | None) -> float:
        """By how much sound should wait longer (negative: shorter), in seconds; mostly 0.

        `late_s`: by how much it comes after its picture now, None while that is not known.
        """
        if late_s is None or abs(late_s) > IMPLAUSIBLE_S:
            self._measured.clear()
            return 0.0
        if self._not_before is None:
            self._not_before = now + SETTLE_S
        if now < self._not_before:
            return 0.0
        measured = self._measured
        measured.append((now, late_s))
        full = False
        while now - measured[0][0] >= WINDOW_S:
            measured.popleft()
            full = True
        if not full or len(measured) < LEAST_MEASUREMENTS:
            return 0.0
        typical_s = median(late for _, late in measured)
        if -MOST_EARLY_S <= typical_s <= MOST_LATE_S:
            return 0.0
        if self._corrected_at is not None and now - self._corrected_at >= STEADY_S:
            self._rest_s = REST_S
        measured.clear()
        self._corrected_at = now
        self._not_before = now + self._rest_s
        self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)
        return AIM_S - typical_s
