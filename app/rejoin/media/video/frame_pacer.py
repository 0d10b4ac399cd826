"""When to show a picture, for even motion at the cost of up to one frame of latency. Pure.

Pictures arrive unevenly: the network delays them, and a key frame takes longer to send and decode.
Each is shown at its media time, plus the smallest delay of the recent ones, plus one frame
interval. So motion is even as long as no picture is later than that interval.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.rtp import VIDEO_CLOCK_HZ

OFFSETS = 120
"""The smallest delay is that of this many pictures (2 s at 60 fps): clocks drift, paths change."""

INTERVALS = 15
MAX_STEP_S = 1.0
"""A longer step in media time counts as a new start."""


class FramePacer:
    """Paces the pictures of one window. Call `due_at` once per picture, in order of arrival."""

    def __init__(self) -> None:
        self._connection: ConnectionNumber | None = None
        self._timestamp = 0
        self._media_s = 0.0
        self._offsets_s: deque[float] = deque(maxlen=OFFSETS)
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)
        self._due_at = 0.0

    @property
    def interval_s(self) -> float:
        """Typical media time between two pictures (median); 0 before there are two."""
        return median(self._intervals_s) if self._intervals_s else 0.0

    def due_at(self, connection: ConnectionNumber, rtp_timestamp: int, decoded_at: float) -> float:
        """When to show a picture: boot time, at most one interval after `decoded_at`.

        Never before the previous picture, unless this one is a new start: another connection, or
        media time that went back or jumped ahead. `rtp_timestamp` is 32 bits of 90 kHz.
        """
        moved = (rtp_timestamp - self._timestamp + 2**31) % 2**32 - 2**31
        step_s = moved / VIDEO_CLOCK_HZ
        new_start = connection != self._connection or not 0 < step_s <= MAX_STEP_S
        self._connection, self._timestamp = connection, rtp_timestamp
        if new_start:
            self._media_s = 0.0
            self._offsets_s.clear()
            self._intervals_s.clear()
        else:
            self._media_s += step_s
            self._intervals_s.append(step_s)
        self._offsets_s.append(decoded_at - self._media_s)
        even_at = self._media_s + min(self._offsets_s) + self.interval_s
        due_at = min(max(even_at, decoded_at), decoded_at + self.interval_s)
        self._due_at = due_at if new_start else max(due_at, self._due_at)
        return self._due_at
