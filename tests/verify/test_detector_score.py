"""The detector on generated traces: the gate, and the rules of the score.

The gate's numbers are reconnect.md's. Times count from the last packet that arrived; packets under
way when a path died come on top.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator
from functools import partial

import pytest

from rejoin import assets
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, ConnectionSample, Policy
from rejoin.core.trace import Record, Recorder, of_event, of_fault
from rejoin.netem.link import Chance, NetworkProfile
from rejoin.netem.network_profile import NETWORK_PROFILES, parse_profile
from rejoin.verify.detector_score import OUTAGE, Outage, Score, score_samples, score_trace
from rejoin.verify.traffic import TimedSample, samples

pytestmark = pytest.mark.timeout(1200)
"""Hours of samples are work for one processor; only a hang takes this long."""

POLICY = Policy()
ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)


def chance(seed: int) -> Chance:
    return lambda name: random.Random(f"{seed} {name}").random


def profile(name: str) -> NetworkProfile:
    return parse_profile(name, assets.text(f"profiles/{name}.toml"))


def of_hours(name: str, hours: float) -> Score:
    """The score of this many hours over a path without an outage."""
    return score_samples(
        samples(profile(name), chance=chance(1), for_s=hours * 3600, began_at=1000.0), (), POLICY
    )


def of_drops(name: str, drops: int) -> Score:
    """The score of this many paths that fail for good after a little over a minute."""
    total = Score()
    when = random.Random(f"drops {name}")
    for seed in range(drops):
        at = 62.0 + 10.0 * when.random()
        stream = samples(
            profile(name), chance=chance(seed), for_s=at + 4.0, dark=partial(operator.le, at)
        )
        total += score_samples(stream, (Outage(at),), POLICY)
    return total


# --- the gate -------------------------------------------------------------------------------------

CALM = ("clean", "home_wifi", "lte_burst")
HABITS = tuple(
    name for name in NETWORK_PROFILES if not name.startswith(("cut", "oneway", "udp", "nat"))
)
"""Profiles that describe a path, not an outage."""
FAR = ("geo_sat", "signal_international")
"""Round trips of 600 and 500 ms: with these, LOST takes three round trips (ADR 0017)."""


@pytest.mark.parametrize(("name", "hours"), [("clean", 1), ("home_wifi", 10), ("lte_burst", 10)])
def test_at_most_one_false_alarm_in_ten_hours(name: str, hours: int) -> None:
    found = of_hours(name, hours)
    assert found.replayed_s > 3600 * hours - 1
    assert found.false_alarms_per_hour <= 0.1
    assert found.false_commits_per_hour <= 0.01


@pytest.mark.parametrize("name", [name for name in HABITS if name not in (*CALM, "leo")])
def test_regular_gaps_of_a_path_cost_no_reconnect(name: str) -> None:
    assert of_hours(name, 1.0).false_commits == 0


@pytest.mark.parametrize("name", [*CALM, "wifi_roam", "leo", "bursty_10_vlong", "signal_spiky"])
def test_a_drop_is_detected_within_a_second(name: str) -> None:
    found = of_drops(name, 40)
    assert len(found.detections_s) == found.outages == 40
    p95_s = found.detection_s(95)
    assert p95_s is not None
    assert p95_s <= 1.0


@pytest.mark.parametrize("name", FAR)
def test_with_a_long_round_trip_detection_takes_three_of_them(name: str) -> None:
    found = of_drops(name, 10)
    assert len(found.detections_s) == 10
    assert max(found.detections_s) < 3 * 0.7 + 0.3 + 0.06


def test_the_gate_can_fail() -> None:
    """A path that stops for 1.2 s every half minute causes LOST, and that is counted."""
    assert of_hours("wifi_roam_bad", 0.5).false_alarms > 0
    hasty = Policy(lost_min_s=0.2, lost_rtt_extra_s=0.0, largest_gap_factor=0.0)
    stream = samples(profile("lte_burst"), chance=chance(1), for_s=3600.0)
    assert score_samples(stream, (), hasty).false_alarms_per_hour > 0.1


# --- the rules ------------------------------------------------------------------------------------


def stream(*silences: tuple[float, float], until_at: float = 30.0) -> Iterator[TimedSample]:
    """Samples from 0 on; nothing arrives during the silences."""
    heard_at = 0.0
    for index in range(1, round(until_at / 0.05) + 1):
        now = index * 0.05
        if not any(begin <= now < end for begin, end in silences):
            heard_at = now
        yield now, ConnectionSample(heard_at, heard_at, heard_at, 1, 1 / 60, 0.04, 0.0)


def test_an_outage_is_detected_once_and_timed_from_the_last_packet() -> None:
    found = score_samples(stream((10.0, 13.0)), (Outage(10.0, 13.0),), POLICY)
    assert (found.outages, found.false_alarms, found.commits) == (1, 0, 0)
    [took_s] = found.detections_s
    assert 0.9 <= took_s < 0.96
    assert found.detection_s(95) == took_s


def test_the_same_silence_without_an_outage_is_a_false_alarm() -> None:
    found = score_samples(stream((10.0, 13.0)), (), POLICY)
    assert (found.false_alarms, found.commits, found.false_commits) == (1, 0, 0)
    assert found.false_alarms_per_hour == pytest.approx(3600 / found.replayed_s)


def test_five_seconds_of_it_are_a_commit_and_a_false_one() -> None:
    assert score_samples(stream((10.0, 16.0)), (), POLICY).false_commits == 1
    right = score_samples(stream((10.0, 16.0)), (Outage(10.0, 16.0),), POLICY)
    assert (right.commits, right.false_commits) == (1, 0)


def test_after_a_commit_the_detector_starts_again() -> None:
    found = score_samples(stream((5.0, 12.0), (20.0, 21.5)), (Outage(5.0, 12.0),), POLICY)
    assert (found.commits, found.false_alarms) == (1, 1)


def test_an_outage_that_is_too_short_is_not_detected() -> None:
    found = score_samples(stream((10.0, 10.4)), (Outage(10.0, 10.4),), POLICY)
    assert (found.outages, found.detections_s) == (1, ())
    assert found.detection_s(50) is None


def test_scores_add_up() -> None:
    both = score_samples(stream((10.0, 13.0)), (Outage(10.0, 13.0),), POLICY) + score_samples(
        stream(), (), POLICY
    )
    assert both.replayed_s == pytest.approx(59.9)
    assert both.outages == 1
    assert Score().false_alarms_per_hour == 0.0


# --- traces ---------------------------------------------------------------------------------------


def records(*silences: tuple[float, float], number: ConnectionNumber = ONE) -> list[Record]:
    kept: list[Record] = []
    recorder = Recorder(kept.append, POLICY, samples=True)
    for at, sample in stream(*silences):
        recorder.event(events.Sampled(number, sample), at)
    return kept


def test_a_trace_of_samples_and_faults_is_scored() -> None:
    trace = [*records((10.0, 13.0)), of_fault("cut", 10.0, **{OUTAGE: 3.0}), of_fault("http", 1.0)]
    found = score_trace(trace, POLICY)
    assert (found.outages, len(found.detections_s), found.false_alarms) == (1, 1, 0)


def test_an_outage_without_end_does_not_count_for_the_next_connection() -> None:
    second = [
        Record(record.at + 15.0, record.kind, record.name, record.data)
        for record in records((20.0, 30.0), number=TWO)
    ]
    later = [record for record in second if record.at > 31.0]
    for record in later:
        record.data["sample"] = {
            name: value + 15.0 if name.endswith("_at") and value is not None else value
            for name, value in record.data["sample"].items()
        }
    trace = [*records((10.0, 30.0)), of_fault("flow_dies", 10.0, **{OUTAGE: None}), *later]
    found = score_trace(trace, POLICY)
    assert (found.outages, len(found.detections_s), found.false_alarms) == (1, 1, 1)


@pytest.mark.parametrize("connection", [None, "1", [1], {}])
def test_a_sample_without_a_connection_number_is_refused(connection: object) -> None:
    sample = ConnectionSample(1.0, 1.0, 1.0, 1, 0.017, None, 0.0)
    record = of_event(events.Sampled(ConnectionNumber(1), sample), 1.0)
    record.data["connection"] = connection
    with pytest.raises(ValueError, match="has no connection number"):
        score_trace([record], POLICY)


@pytest.mark.parametrize("lasts", ["x", True, -1.0, float("nan")])
def test_an_outage_without_a_duration_is_refused(lasts: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        score_trace([of_fault("cut", 10.0, **{OUTAGE: lasts})], POLICY)
