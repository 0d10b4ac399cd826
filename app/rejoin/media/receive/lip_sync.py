"""How much longer (or shorter) sound has to wait to be in sync with its picture. Pure.

The picture is never delayed: only the sound is adjusted.
"""

from __future__ import annotations

from collections import deque
from statistics import median

MAX_LATE_S = 0.045
MAX_EARLY_S = 0.020
"""No correction while sound is within these of its picture. Close to what broadcasters allow
between camera and screen (ATSC IS-191: 45 ms late, 15 ms early; EBU R37: 60 and 40)."""

AIM_S = 0.0125
"""The offset that a correction aims at: the middle between the two limits."""

IMPLAUSIBLE_S = 1.0
"""A larger offset means that the host's streams do not share a clock: no correction."""

SETTLE_S = 1.0
"""Measurements this soon after the start are ignored: the ring fills, a key frame is late."""

WINDOW_S = 1.0
MIN_MEASUREMENTS = 10
"""A correction is based on the median of one second with at least this many measurements."""

REST_S = 3.0
MAX_REST_S = 48.0
STEADY_S = 60.0
"""After a correction there is no other for `REST_S`, and twice as long after each further one, so
that a path whose delay swings is not followed. After `STEADY_S` without a correction the rest is
short again."""


class LipSync:
    """Decides on corrections from measured offsets. One per connection."""

    def __init__(self) -> None:
        self._measured: deque[tuple[float, float]] = deque()
        self._not_before: float | None = None
        self._corrected_at: float | None = None
        self._rest_s = REST_S

    def reset(self) -> None:
        """Forget the measurements: sound or picture starts again."""
        self._measured.clear()
        self._not_before = None

    def correction_s(self, now: float, late_s: float | None) -> float:
        """Add a measurement; returns by how many seconds to delay sound more (mostly 0).

        `late_s`: how long after its picture the sound is heard now; None while unknown. A negative
        result means a shorter delay.
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
        if not full or len(measured) < MIN_MEASUREMENTS:
            return 0.0
        typical_s = median(late for _, late in measured)
        if -MAX_EARLY_S <= typical_s <= MAX_LATE_S:
            return 0.0
        if self._corrected_at is not None and now - self._corrected_at >= STEADY_S:
            self._rest_s = REST_S
        measured.clear()
        self._corrected_at = now
        self._not_before = now + self._rest_s
        self._rest_s = min(2 * self._rest_s, MAX_REST_S)
        return AIM_S - typical_s
