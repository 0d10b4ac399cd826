"""Collects the play report of this game for the window (`core.play_report`), and logs its
stages."""

from __future__ import annotations

import logging
import threading

from rejoin.clock import Clock, boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.core.play_report import PlayRecorder, PlayReport, Second
from rejoin.media.statistics import StreamStatistics

_log = logging.getLogger("rejoin.play")


class PlayRecord:
    """Written on the stream thread, read on any; the lock is held for one small step."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._recorder = PlayRecorder()
        self._stage: Stage | None = None

    def snapshot_changed(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._recorder.on_snapshot(snapshot, self._clock())
        if snapshot.stage is not self._stage:
            self._stage = snapshot.stage
            _log.info("%s", stage_line(snapshot))

    def measured(self, at: float, statistics: StreamStatistics) -> None:
        """Once a second. `at`: boot time."""
        with self._lock:
            self._recorder.on_second(second_of(statistics), at)

    def report(self) -> PlayReport | None:
        """The game so far; None before its first picture."""
        with self._lock:
            return self._recorder.report(self._clock())


def second_of(statistics: StreamStatistics) -> Second:
    """The statistics that a report needs."""
    return Second(
        statistics.connection,
        packets_received=statistics.packets_received,
        packets_lost=statistics.packets_lost,
        pictures=statistics.frames_received,
        late=statistics.frames_undecoded,
        frozen_s=statistics.total_freezes_duration_s,
        rtt_s=statistics.rtt_s,
    )


def stage_line(snapshot: Snapshot) -> str:
    """The stage of the game, for the log, without the name of a session or a host."""
    parts = [f"stage {snapshot.stage.value}", f"episode {snapshot.episode}"]
    if snapshot.ending is not None:
        parts.append(f"ending {snapshot.ending.kind.value}")
    if snapshot.cause is not None:
        parts.append(f"cause {snapshot.cause.value}")
    if snapshot.verdict is not None:
        parts.append(f"verdict {snapshot.verdict.value}")
    return ", ".join(parts)
