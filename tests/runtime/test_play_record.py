"""How this game goes, collected on one thread and read on another."""

from __future__ import annotations

from helpers.fake_port import FakeClock
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.core.play_report import Second
from rejoin.media.statistics import StreamStatistics
from rejoin.runtime.play_record import PlayRecord, second_of


def test_snapshots_and_statistics_make_a_report() -> None:
    clock = FakeClock(1000.0)
    record = PlayRecord(clock)
    assert record.report() is None
    record.snapshot_changed(Snapshot(Stage.LIVE))
    record.measured(1001.0, StreamStatistics(ConnectionNumber(1), packets_received=900))
    clock.now = 1010.0
    record.snapshot_changed(Snapshot(Stage.LOST, dropped_at=1008.0))
    clock.now = 1012.0
    record.snapshot_changed(Snapshot(Stage.LIVE))
    clock.now = 1030.0
    found = record.report()
    assert found is not None
    assert (found.played_s, found.drops, found.lost_s) == (30.0, 1, 4.0)


def test_what_counts_of_the_statistics() -> None:
    numbers = StreamStatistics(
        ConnectionNumber(3),
        packets_received=1,
        packets_lost=2,
        frames_received=3,
        frames_undecoded=4,
        total_freezes_duration_s=5.0,
        rtt_s=0.006,
        pictures_replaced=7,
    )
    assert second_of(numbers) == Second(ConnectionNumber(3), 1, 2, 3, 4, 5.0, 0.006)
