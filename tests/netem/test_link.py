"""The path model: every parameter within three standard errors; order kept without `reorder`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.link_figures import chance, figures, mean
from rejoin.netem.link import (
    BOTH,
    Blackout,
    Cut,
    DelaySteps,
    Direction,
    Fate,
    Lane,
    Length,
    Link,
    Loss,
    NetworkProfile,
    ProfileStage,
    Spacing,
)

UP, DOWN = Direction.UP, Direction.DOWN


def both(lane: Lane) -> tuple[ProfileStage, ...]:
    return (ProfileStage(0.0, lane, lane),)


def test_two_hundred_thousand_packets_confirm_every_parameter() -> None:
    """One run with everything at once; `dev.py bench link` does it with a million."""
    found = {figure.name: figure for figure in figures(200_000)}
    assert len(found) == 8
    assert {name: figure for name, figure in found.items() if figure.errors_off > 3} == {}


def test_a_wrong_parameter_would_be_noticed() -> None:
    """The figures are sharp: a share that is off by a tenth is many errors off."""
    [loss] = [each for each in figures(50_000) if each.name == "random loss"]
    assert abs(loss.measured - 0.9 * loss.expected) > 3 * loss.error


def test_delays_stay_within_the_jitter() -> None:
    link = Link(NetworkProfile("x", stages=both(Lane(0.045, 0.015))), 0.0, chance)
    delays = [link.decide(DOWN, 100, number * 0.05).delay_s for number in range(5000)]
    assert 0.030 <= min(delays) < 0.031
    assert 0.059 < max(delays) < 0.060


@pytest.mark.parametrize(("p", "r"), [(7, 65), (6, 50), (4, 35), (3, 30), (11, 25)])
def test_bursts_have_the_configured_share_and_length(p: int, r: int) -> None:
    lane = Lane(burst_enter=p / 100, burst_leave=r / 100)
    link = Link(NetworkProfile("x", stages=both(lane)), 0.0, chance)
    lost = [bool(link.decide(UP, 100, 0.0).dropped) for _ in range(50_000)]
    assert mean("burst", _runs(lost), 100 / r).errors_off <= 3
    # Neighbours are not independent: batches are.
    batches = [sum(lost[at : at + 100]) / 100 for at in range(0, len(lost), 100)]
    assert mean("share", batches, p / (p + r)).errors_off <= 3


def _runs(lost: Sequence[bool]) -> list[float]:
    lengths, current = [], 0
    for each in lost:
        if each:
            current += 1
        elif current:
            lengths.append(float(current))
            current = 0
    return lengths


@pytest.mark.parametrize(
    ("blackout", "share", "lengths"),
    [
        (Blackout(5.0, 0.250), 0.250 / 5, (0.249, 0.251)),
        (
            Blackout(60.0, 2.0, Spacing.EXPONENTIAL, Length.UNIFORM, 1.0),
            1 - math.exp(-2.0 / 60),
            (0.99, 9.0),  # some overlap
        ),
        (
            Blackout(2.0, 0.1, Spacing.EXPONENTIAL, Length.EXPONENTIAL),
            1 - math.exp(-0.1 / 2),
            (0.0, 3.0),
        ),
    ],
    ids=["periodic", "poisson-uniform", "poisson-exponential"],
)
def test_blackouts(blackout: Blackout, share: float, lengths: tuple[float, float]) -> None:
    """The share of time in blackouts, in spans that each hold some of them."""
    link = Link(NetworkProfile("x", blackouts=(blackout,)), 1000.0, chance)
    step_s = blackout.duration_s / 5
    stretch = round(5 * blackout.every_s / step_s)
    dark = [
        link.decide(DOWN, 1, 1000.0 + at * step_s).dropped is Loss.BLACKOUT
        for at in range(100 * stretch)
    ]
    shares = [sum(dark[at : at + stretch]) / stretch for at in range(0, len(dark), stretch)]
    found = mean("dark", shares, share)
    assert found.errors_off <= 3 or abs(found.measured - share) < 1e-3
    runs = [length * step_s for length in _runs(dark)]
    assert lengths[0] - step_s <= min(runs)
    assert max(runs) <= lengths[1] + step_s


def test_a_bottleneck_passes_its_rate_and_queues_up_to_its_limit() -> None:
    lane = Lane(0.010, bandwidth_bps=2_000_000, queue_s=2.0)
    link = Link(NetworkProfile("x", stages=both(lane)), 0.0, chance)
    delays, passed_bytes, dropped = [], 0, 0
    packets = 30_000
    for number in range(packets):  # 8 Mbit/s
        fate = link.decide(DOWN, 1000, number * 0.001)
        if fate.dropped is Loss.QUEUE:
            dropped += 1
        else:
            assert fate.dropped is None
            delays.append(fate.delay_s)
            passed_bytes += 1000
    assert delays[0] == pytest.approx(0.010 + 1000 * 8 / 2e6)
    assert max(delays) <= 0.010 + 2.0 + 1000 * 8 / 2e6 + 1e-9
    assert max(delays) > 2.0
    # what passed is what the rate carries in that time, and the full queue once
    carried_bytes = 2e6 / 8 * (packets * 0.001 + 2.0)
    assert passed_bytes == pytest.approx(carried_bytes, rel=1e-3)
    assert dropped == packets - len(delays)
    # the other direction has its own
    assert link.decide(UP, 1000, packets * 0.001).delay_s == pytest.approx(0.014)
    # and after a pause it is empty again
    assert link.decide(DOWN, 1000, packets * 0.001 + 10).delay_s == pytest.approx(0.014)


def test_stragglers_are_overtaken_and_keep_nobody_waiting() -> None:
    lane = Lane(0.010, late=0.05, late_s=3.0)
    link = Link(NetworkProfile("x", stages=both(lane)), 0.0, chance)
    delays = [link.decide(DOWN, 100, number * 0.01).delay_s for number in range(20_000)]
    assert {round(delay_s, 6) for delay_s in delays} == {0.010, 3.010}
    late = [delay_s > 1 for delay_s in delays]
    assert mean("late", late, 0.05).errors_off <= 3


@pytest.mark.parametrize("lane", [Lane(copies=4), Lane(0.010, late=1.0, late_s=1.0, copies=4)])
def test_every_packet_that_arrives_has_its_copies(lane: Lane) -> None:
    link = Link(NetworkProfile("x", stages=both(lane)), 0.0, chance)
    assert {link.decide(UP, 100, number * 0.01).copies for number in range(100)} == {4}


def test_a_cut_has_a_beginning_an_end_and_directions() -> None:
    def dropped(cut: Cut, direction: Direction, now: float) -> bool:
        link = Link(NetworkProfile("x", cut=cut), 100.0, chance, window_s=125.0)
        return link.decide(direction, 1, now) == Fate(0.0, Loss.CUT)

    some = Cut(after_s=2.0, duration_s=3.0)
    for direction in BOTH:
        seen = [dropped(some, direction, now) for now in (100.0, 101.9, 102.0, 104.9, 105.0)]
        assert seen == [False, False, True, True, False]
    assert dropped(Cut(), UP, 1e9)
    up = Cut(directions=frozenset({UP}))
    assert (dropped(up, UP, 100.0), dropped(up, DOWN, 100.0)) == (True, False)
    assert [dropped(Cut(ends_after_window_s=-1.0), UP, now) for now in (223.9, 224.0)] == [
        True,
        False,
    ]
    with pytest.raises(ValueError, match="window"):
        Link(NetworkProfile("x", cut=Cut(ends_after_window_s=1.0)), 0.0, chance)


def test_stages_follow_each_other() -> None:
    stages = (
        ProfileStage(0.0, Lane(0.05), Lane(0.05)),
        ProfileStage(10.0, Lane(loss=1.0), Lane(0.1)),
        ProfileStage(20.0),
    )
    link = Link(NetworkProfile("x", stages=stages), 50.0, chance)
    assert link.decide(UP, 1, 50.0).delay_s == pytest.approx(0.05)
    assert link.decide(UP, 1, 60.0).dropped is Loss.RANDOM
    assert link.decide(DOWN, 1, 60.0).delay_s == pytest.approx(0.1)
    assert link.decide(DOWN, 1, 70.5) == Fate(0.0)


def test_packets_of_another_direction_pass() -> None:
    link = Link(NetworkProfile("x", cut=Cut()), 0.0, chance, directions={DOWN})
    assert link.decide(UP, 1, 5.0) == Fate(0.0)
    assert link.decide(DOWN, 1, 5.0).dropped is Loss.CUT


lanes = st.builds(
    Lane,
    delay_s=st.floats(0, 0.3),
    jitter_s=st.floats(0, 0.3),
    loss=st.floats(0, 0.5),
    burst_enter=st.floats(0, 0.5),
    burst_leave=st.floats(0.01, 1),
    bandwidth_bps=st.none() | st.floats(1e4, 1e8),
    queue_s=st.floats(0, 2),
)
profiles = st.builds(
    NetworkProfile,
    st.just("any"),
    stages=st.builds(lambda a, b: (ProfileStage(0.0, a, b), ProfileStage(0.5, b, a)), lanes, lanes),
    blackouts=st.lists(
        st.builds(
            Blackout,
            st.floats(0.1, 2),
            st.floats(0, 0.5),
            st.sampled_from(Spacing),
            st.sampled_from((Length.FIXED, Length.EXPONENTIAL)),
        ),
        max_size=2,
    ).map(tuple),
    steps=st.none() | st.builds(DelaySteps, st.floats(0.1, 1), st.floats(0, 0.2), st.just(2)),
    cut=st.none() | st.builds(Cut, st.floats(0, 1), st.floats(0, 1)),
)
traffic = st.lists(
    st.tuples(st.sampled_from(Direction), st.integers(1, 1500), st.floats(0, 0.1)),
    min_size=1,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(profiles, traffic, st.integers())
def test_same_seed_same_fates_and_order_is_kept(
    profile: NetworkProfile, packets: list[tuple[Direction, int, float]], seed: int
) -> None:
    def run(only: Direction | None = None) -> list[tuple[Direction, float, Fate]]:
        link = Link(profile, 10.0, lambda name: chance(name, seed))
        now, fates = 10.0, []
        for direction, size, gap_s in packets:
            now += gap_s
            if only in (None, direction):
                fates.append((direction, now, link.decide(direction, size, now)))
        return fates

    fates = run()
    assert fates == run()
    for direction in Direction:
        mine = [each for each in fates if each[0] is direction]
        # What the other direction sends changes nothing.
        assert mine == run(direction)
        arrivals = [now + fate.delay_s for _, now, fate in mine if fate.dropped is None]
        assert all(later >= sooner - 1e-9 for sooner, later in pairwise(arrivals))
        assert all(fate.delay_s >= 0 for _, _, fate in mine)


def test_packets_overtake_with_reorder() -> None:
    def overtaken(reorder: bool) -> bool:
        lane = Lane(0.050, 0.030, reorder=reorder)
        link = Link(NetworkProfile("x", stages=both(lane)), 0.0, chance)
        arrivals = [at * 0.001 + link.decide(UP, 1, at * 0.001).delay_s for at in range(200)]
        return arrivals != sorted(arrivals)

    assert overtaken(True)
    assert not overtaken(False)
