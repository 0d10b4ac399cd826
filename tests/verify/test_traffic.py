"""Samples of modelled paths: what arrives, what is missing, and that runs can be repeated."""

from __future__ import annotations

from itertools import pairwise

import pytest

from helpers.link_figures import chance
from rejoin.core.model import ConnectionSample
from rejoin.netem.link import Blackout, Lane, NetworkProfile, ProfileStage
from rejoin.verify.traffic import TimedSample, samples


def path(lane: Lane, *blackouts: Blackout) -> NetworkProfile:
    return NetworkProfile("x", stages=(ProfileStage(0.0, lane, lane),), blackouts=blackouts)


def taken(profile: NetworkProfile, for_s: float = 20.0) -> list[TimedSample]:
    return list(samples(profile, chance=chance, for_s=for_s, began_at=100.0))


def last(profile: NetworkProfile, for_s: float = 20.0) -> ConnectionSample:
    return taken(profile, for_s)[-1][1]


def test_twenty_samples_a_second_in_order_of_time() -> None:
    times = [at for at, _ in taken(path(Lane()), 5.0)]
    assert len(times) == 100
    assert times[0] == pytest.approx(100.05)
    assert times[-1] == pytest.approx(105.0)
    assert all(before < after for before, after in pairwise(times))


def test_over_a_clean_path_everything_arrives() -> None:
    at, sample = taken(path(Lane(0.010)))[-1]
    assert sample.loss == 0.0
    assert sample.frames_decoded == pytest.approx(20 * 60, abs=2)
    assert at - sample.last_packet_at < 0.020
    assert at - sample.last_frame_at < 0.020
    assert sample.rtt_s == pytest.approx(0.020)


def test_loss_is_the_share_that_is_missing() -> None:
    assert last(path(Lane(loss=0.25)), 60.0).loss == pytest.approx(0.25, abs=0.08)


def test_a_lost_packet_delays_its_frame_by_a_round_trip() -> None:
    held = [at - s.last_frame_at for at, s in taken(path(Lane(0.1, loss=0.3)), 30.0)]
    free = [at - s.last_frame_at for at, s in taken(path(Lane(0.1)), 30.0)]
    assert min(held[40:]) == 0.0
    assert sum(held) < sum(free), "a delayed frame has the time at which it will be decoded"


def test_an_outage_of_the_path_is_a_gap_in_the_samples() -> None:
    gaps = [s.largest_gap_s for _, s in taken(path(Lane(), Blackout(5.0, 0.4)))]
    assert 3 <= sum(gap > 0.35 for gap in gaps) <= 5
    assert max(gaps) < 0.45


def test_an_outage_comes_in_addition_to_the_profile() -> None:
    found = list(
        samples(
            path(Lane()), chance=chance, for_s=10.0, began_at=100.0, dark=lambda at: at >= 107.0
        )
    )
    at, sample = found[-1]
    assert at - sample.last_packet_at == pytest.approx(3.0, abs=0.03)
    assert sample.loss == 1.0


def test_the_stream_does_not_fill_a_narrow_path() -> None:
    assert last(path(Lane(bandwidth_bps=300_000, queue_s=0.8))).loss == 0.0


def test_the_same_randomness_gives_the_same_samples() -> None:
    lane = Lane(0.045, 0.015, burst_enter=0.03, burst_leave=0.3)
    assert taken(path(lane)) == taken(path(lane))
