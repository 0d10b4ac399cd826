"""Whether the database's clock and this process's boot clock run alike, and since when.

A time that another process wrote by the database's clock means something here only if neither
clock has jumped since. Both are read together every few seconds; the difference of the two
readings tells. A clock that was set back shows the same time twice: times up to the latest that it
has shown before, and those that were stored before this process began, are doubtful.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

AGREE_S: Final = 0.5
"""The two clocks agree as long as their difference stays within this."""
KEPT_S: Final = 3660.0
"""Longer than any connection timeout (3600 s)."""
QUICK_S: Final = 0.25
"""A reading of the database's clock that took longer is too inexact."""
STEADY_S: Final = 60.0
"""A time is written only if the clocks have agreed for this long, or since the first reading."""
GAP_S: Final = 15.0
"""Between readings farther apart than this a clock may have jumped forth and back."""
_APART_S: Final = 1.0
"""Readings that are closer to each other are kept only if they differ."""
_DIFFERS_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The database's clock (Unix time) was `database_s` between these two boot times."""

    database_s: float
    before_s: float
    after_s: float

    @property
    def is_quick(self) -> bool:
        return self.after_s - self.before_s <= QUICK_S

    @property
    def most_ahead_s(self) -> float:
        """The database's clock minus the boot clock, at most."""
        return self.database_s - self.before_s

    @property
    def least_ahead_s(self) -> float:
        return self.database_s - self.after_s


class ClockAgreement:
    """The readings of one process. May be used from any thread."""

    def __init__(self) -> None:
        self._readings: deque[ClockReading] = deque()
        self._doubtful_until_s = -math.inf
        self._lock = threading.Lock()

    def add(self, reading: ClockReading) -> None:
        if not reading.is_quick:
            return
        with self._lock:
            kept = self._readings
            if kept and reading.most_ahead_s < kept[-1].most_ahead_s - AGREE_S:
                latest_s = max(each.database_s for each in kept)
                self._doubtful_until_s = max(self._doubtful_until_s, latest_s)
            if (
                not kept
                or reading.before_s - kept[-1].before_s >= _APART_S
                or abs(reading.database_s - reading.before_s - kept[-1].most_ahead_s) > _DIFFERS_S
            ):
                kept.append(reading)
            while kept[0].before_s < reading.before_s - KEPT_S:
                kept.popleft()

    def doubt(self, until_s: float) -> None:
        """Times of the database's clock up to this one may have been written before we began."""
        with self._lock:
            self._doubtful_until_s = max(self._doubtful_until_s, until_s)

    def written_as(self, asked_at: float, now: ClockReading) -> float | None:
        """A boot time of this process by the database's clock, or somewhat earlier; None if the
        clocks did not agree before and after it. `now`: a reading made after it."""
        with self._lock:
            readings = [each for each in self._readings if each.before_s >= now.before_s - STEADY_S]
        if not readings or readings[0].before_s > asked_at or not _agree([*readings, now]):
            return None
        written_s = asked_at + min(each.least_ahead_s for each in (*readings, now))
        return written_s if written_s > self._doubtful_until_s else None

    def is_trusted(self, at: float) -> bool:
        """Whether the clocks agreed at the last reading, which was not long before this boot time,
        and the database's clock shows no time that it has shown before."""
        with self._lock:
            readings = [each for each in self._readings if each.before_s >= at - STEADY_S]
        if not readings or at - readings[-1].before_s > GAP_S or not _agree(readings):
            return False
        return readings[-1].database_s > self._doubtful_until_s

    def own_time(self, written_s: float, now: ClockReading) -> float | None:
        """A time that was written by the database's clock, as boot time of this process or
        somewhat earlier; None if the clocks may have disagreed since. `now`: a reading of now."""
        with self._lock:
            readings = [*self._readings, now]
            doubtful = written_s <= self._doubtful_until_s
        later = (index for index, each in enumerate(readings) if each.database_s > written_s)
        first = next(later, 0) - 1
        if doubtful or first < 0 or not _agree(readings[first:]):
            return None
        return written_s - max(each.most_ahead_s for each in readings[first:])


def _agree(readings: list[ClockReading]) -> bool:
    """Whether the clocks agreed from the first reading to the last, as far as can be seen."""
    if not readings[-1].is_quick:
        return False
    times = [each.before_s for each in readings]
    if any(later - earlier > GAP_S for earlier, later in itertools.pairwise(times)):
        return False
    ahead_s = [each.most_ahead_s for each in readings] + [each.least_ahead_s for each in readings]
    return max(ahead_s) - min(ahead_s) <= AGREE_S
