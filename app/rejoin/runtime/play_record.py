"""Collects, for the window, how this game goes (`core.play_report`)."""

from __future__ import annotations

import threading

from rejoin.clock import Clock, boot_s
from rejoin.core.model import Snapshot
from rejoin.core.play_report import PlayRecorder, PlayReport, Second
from rejoin.media.statistics import StreamStatistics


class PlayRecord:
    """Written on the stream thread, read on any; the lock is held for one small step."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._recorder = PlayRecorder()

    def snapshot_changed(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._recorder.on_snapshot(snapshot, self._clock())

    def measured(self, at: float, statistics: StreamStatistics) -> None:
        """Once a second. `at`: boot time."""
        with self._lock:
            self._recorder.on_second(second_of(statistics), at)

    def report(self) -> PlayReport | None:
        """The game so far; None before its first picture."""
        with self._lock:
            return self._recorder.report(self._clock())


def second_of(statistics: StreamStatistics) -> Second:
    """What of the statistics a report needs."""
    return Second(
        statistics.connection,
        packets_received=statistics.packets_received,
        packets_lost=statistics.packets_lost,
        pictures=statistics.frames_received,
        late=statistics.frames_undecoded,
        frozen_s=statistics.total_freezes_duration_s,
        rtt_s=statistics.rtt_s,
    )
