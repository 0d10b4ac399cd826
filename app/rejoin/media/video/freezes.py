"""Counts freezes of the video as W3C's webrtc-stats define them."""

from __future__ import annotations

from collections import deque

MEAN_INTERVALS = 30
"""A freeze is compared with this many intervals before it (webrtc-stats, freezeCount)."""
MIN_EXTRA_S = 0.150


class Freezes:
    """W3C's freezeCount and totalFreezesDuration, over decoded frames.

    An interval between two frames is a freeze when it lasts at least max(3 d, d + 150 ms), where d
    is the mean of the thirty intervals before it.
    """

    def __init__(self) -> None:
        self.count = 0
        self.duration_s = 0.0
        self._intervals: deque[float] = deque(maxlen=MEAN_INTERVALS)
        self._shown_at: float | None = None

    def resume(self) -> None:
        """The picture was hidden until now, which was no freeze."""
        self._shown_at = None

    def shown(self, now: float) -> None:
        """A frame was shown at boot time `now`, in seconds."""
        before, self._shown_at = self._shown_at, now
        if before is None:
            return
        interval_s = now - before
        if self._intervals:
            mean_s = sum(self._intervals) / len(self._intervals)
            if interval_s >= max(3 * mean_s, mean_s + MIN_EXTRA_S):
                self.count += 1
                self.duration_s += interval_s
        self._intervals.append(interval_s)
