"""The last minute of the stream, for charts: a sample a second and the drops, both bounded. Pure.

It is fed all the time, so that a menu that is opened after something went wrong can show it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from rejoin.core.model import Snapshot, Stage
from rejoin.media.statistics import StreamStatistics

SPAN_S: Final = 60.0
"""How far the charts reach back."""
EVERY_S: Final = 1.0
MOST_SAMPLES: Final = 64
"""A minute, and what comes between two of its seconds."""
MOST_DROPS: Final = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """The stream in numbers at boot time `at`."""

    at: float
    bitrate_bps: float
    fps: float
    """Pictures painted each second."""
    loss: float
    """0 to 1, over the last three seconds."""
    rtt_s: float | None
    jitter_buffer_ms: float
    frame_age_s: float
    """From a picture's last packet to its painting."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection was lost from `began_at` to `ended_at`; None: it still is."""

    began_at: float
    ended_at: float | None = None


class History:
    """Of one game."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._drops: deque[Drop] = deque(maxlen=MOST_DROPS)
        self.forget()

    def forget(self) -> None:
        """Another game begins."""
        self._samples.clear()
        self._drops.clear()
        self._next_at = float("-inf")

    def tick(
        self, now: float, statistics: Callable[[], StreamStatistics | None], *, live: bool
    ) -> bool:
        """To be called several times a second: once a second it takes a sample, while `live`.
        Whether it has."""
        if now < self._next_at or not live:
            return False
        numbers = statistics()
        if numbers is None:
            return False
        self._next_at = now + EVERY_S
        self._samples.append(
            Sample(
                now,
                numbers.bitrate_bps,
                numbers.painted_fps,
                numbers.loss,
                numbers.rtt_s,
                numbers.jitter_buffer_ms,
                numbers.frame_age_s,
            )
        )
        return True

    def follow(self, snapshot: Snapshot, now: float) -> None:
        """There is a new snapshot: a drop begins, or ends."""
        last = self._drops[-1] if self._drops else None
        lasts = last is not None and last.ended_at is None
        if snapshot.stage in (Stage.LOST, Stage.RECONNECTING):
            if not lasts:
                began_at = now if snapshot.dropped_at is None else snapshot.dropped_at
                self._drops.append(Drop(min(began_at, now)))
        elif last is not None and lasts:
            self._drops[-1] = replace(last, ended_at=now)

    def samples(self, now: float) -> tuple[Sample, ...]:
        """Those of the last minute, oldest first."""
        return tuple(each for each in self._samples if now - SPAN_S <= each.at <= now)

    def drops(self, now: float) -> tuple[Drop, ...]:
        """Those that the last minute has a part of, oldest first."""
        since = now - SPAN_S
        return tuple(each for each in self._drops if each.ended_at is None or each.ended_at > since)
