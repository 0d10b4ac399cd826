"""Rows of the detector's score, from generated streams and from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.core import events
from rejoin.core.model import ConnectionNumber, Policy
from rejoin.core.trace import Recorder, of_fault
from rejoin.errors import BadInputError
from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.qa import scoring, traces
from rejoin.verify.detector_score import OUTAGE, Score
from rejoin.verify.traffic import samples


def test_the_score_of_a_profile_with_and_without_drops() -> None:
    score = scoring.of_profile("home_wifi", 0.02, 3, 1)
    assert score.replayed_s == pytest.approx(72 + 3 * 75, abs=20)
    assert (score.outages, len(score.detections_s), score.false_alarms) == (3, 3, 0)


def test_a_recorded_trace_is_scored(tmp_path: Path) -> None:
    kept = [of_fault("cut", 5.0, **{OUTAGE: None})]
    recorder = Recorder(kept.append, Policy(), samples=True)
    stream = samples(
        network_profiles()["clean"], chance=chance_of(1), for_s=8.0, dark=lambda at: at >= 5.0
    )
    for at, sample in stream:
        recorder.event(events.Sampled(ConnectionNumber(1), sample), at)
    file = tmp_path / "a.jsonl"
    traces.write(file, kept)
    score = scoring.of_file(file)
    assert len(score.detections_s) == 1
    row = scoring.line("a.jsonl", score)
    assert len(row) == len(scoring.HEADING)
    assert row.split()[:4] == ["a.jsonl", "0.00", "1", "1"]


def test_a_trace_without_samples_cannot_be_scored(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    traces.write(file, [of_fault("cut", 5.0)])
    with pytest.raises(BadInputError, match="holds no samples"):
        scoring.of_file(file)
    traces.write(file, [of_fault("cut", 5.0, **{OUTAGE: "long"})])
    with pytest.raises(BadInputError, match="cannot be scored"):
        scoring.of_file(file)


def test_a_percentile_without_a_detection_is_a_dash() -> None:
    assert scoring.line("x", Score()).split()[4:7] == ["-", "-", "-"]
