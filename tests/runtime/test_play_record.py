"""How this game goes, collected on one thread and read on another."""

from __future__ import annotations

import logging

import pytest

from helpers.fake_port import FakeClock
from rejoin.core.model import (
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    Snapshot,
    Stage,
)
from rejoin.core.play_report import Second
from rejoin.core.verdict import Verdict
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


def test_each_stage_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "rejoin.play")
    record = PlayRecord()
    for snapshot in (
        Snapshot(Stage.LIVE),
        Snapshot(Stage.LOST, episode=1, cause=HardEvidence.DTLS_CLOSED),
        Snapshot(Stage.LOST, episode=1, verdict=Verdict.NETWORK_GONE),
        Snapshot(Stage.ENDED, episode=1, ending=Ending(EndingKind.GAME_ENDED)),
    ):
        record.snapshot_changed(snapshot)
    assert [each.getMessage() for each in caplog.records] == [
        "stage live, episode 0",
        f"stage lost, episode 1, cause {HardEvidence.DTLS_CLOSED.value}",
        "stage ended, episode 1, ending game_ended",
    ]


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
