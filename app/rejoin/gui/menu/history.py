"""The last minute of the stream, for charts: a sample a second and the drops, both bounded. Pure.

It records all the time, so that a menu that is opened after a problem can show it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from rejoin.core.model import Snapshot, Stage
from rejoin.media.statistics import StreamStatistics

SPAN_S: Final = 60.0
"""How far the charts reach back."""
EVERY_S: Final = 1.0
MOST_SAMPLES: Final = 64
"""The samples of a minute, and a few more: they are not exactly a second apart."""
MOST_DROPS: Final = 32
"""Of drops, of a tester's faults, and of markers."""


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
    """From `began_at` to `ended_at`, None: still. The connection was lost, or a tester's fault was
    on."""

    began_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class PracticeMarks:
    """A tester's faults and markers, with their times."""

    faults: tuple[Drop, ...] = ()
    markers: tuple[float, ...] = ()


class History:
    """Of one game."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._drops: deque[Drop] = deque(maxlen=MOST_DROPS)
        self._faults: deque[Drop] = deque(maxlen=MOST_DROPS)
        self._markers: deque[float] = deque(maxlen=MOST_DROPS)
        self.forget()

    def forget(self) -> None:
        """Another game begins."""
        self._samples.clear()
        self._drops.clear()
        self._faults.clear()
        self._markers.clear()
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

    def fault(self, on: bool, now: float) -> None:
        """A fault of a tester begins, or all are over."""
        if self._faults and self._faults[-1].ended_at is None:
            self._faults[-1] = replace(self._faults[-1], ended_at=now)
        if on:
            self._faults.append(Drop(now))

    def mark(self, now: float) -> None:
        """A tester marks this moment."""
        self._markers.append(now)

    def samples(self, now: float) -> tuple[Sample, ...]:
        """Those of the last minute, oldest first."""
        return tuple(each for each in self._samples if now - SPAN_S <= each.at <= now)

    def drops(self, now: float) -> tuple[Drop, ...]:
        """Those that the last minute has a part of, oldest first."""
        return _since(self._drops, now)

    def tested(self, now: float) -> PracticeMarks:
        """What a tester did in the last minute."""
        markers = tuple(each for each in self._markers if now - SPAN_S <= each <= now)
        return PracticeMarks(_since(self._faults, now), markers)


def _since(drops: Iterable[Drop], now: float) -> tuple[Drop, ...]:
    return tuple(each for each in drops if each.ended_at is None or each.ended_at > now - SPAN_S)
