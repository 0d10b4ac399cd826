"""When a picture is shown, where even motion is worth up to one frame of latency. Pure.

Pictures come unevenly: the network delays them, and a key frame takes longer to send and to decode.
Shown at their media time plus what the earliest of them took plus one frame interval, they are even
again as long as none is later than that interval.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from rejoin.core.model import ConnectionNumber

VIDEO_CLOCK_HZ = 90_000
REMEMBERED = 120
"""Pictures (two seconds at 60 fps) of which the earliest counts: clocks drift, and paths change."""

INTERVALS = 15
LONGEST_STEP_S = 1.0
"""A longer step in media time is a new beginning."""


class FramePacer:
    """One-frame smoothing. `due_at` is called once per picture, in the order of their coming."""

    def __init__(self) -> None:
        self._connection: ConnectionNumber | None = None
        self._timestamp = 0
        self._media_s = 0.0
        self._offsets_s: deque[float] = deque(maxlen=REMEMBERED)
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)
        self._due_at = 0.0

    @property
    def interval_s(self) -> float:
        """Media time between two pictures, as it mostly is; 0 before there are two."""
        return median(self._intervals_s) if self._intervals_s else 0.0

    def due_at(self, connection: ConnectionNumber, rtp_timestamp: int, decoded_at: float) -> float:
        """When to show a picture: boot time, at most one interval after `decoded_at`.

        Never before that of the picture before, unless this one begins anew: another connection,
        or media time that went back or leapt. `rtp_timestamp` is 32 bits of 90 kHz.
        """
        moved = (rtp_timestamp - self._timestamp + 2**31) % 2**32 - 2**31
        step_s = moved / VIDEO_CLOCK_HZ
        anew = connection != self._connection or not 0 < step_s <= LONGEST_STEP_S
        self._connection, self._timestamp = connection, rtp_timestamp
        if anew:
            self._media_s = 0.0
            self._offsets_s.clear()
            self._intervals_s.clear()
        else:
            self._media_s += step_s
            self._intervals_s.append(step_s)
        self._offsets_s.append(decoded_at - self._media_s)
        even_at = self._media_s + min(self._offsets_s) + self.interval_s
        due_at = min(max(even_at, decoded_at), decoded_at + self.interval_s)
        self._due_at = due_at if anew else max(due_at, self._due_at)
        return self._due_at
