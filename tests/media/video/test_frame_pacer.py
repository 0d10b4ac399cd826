"""Pacing: more even than the arrivals, never more than a frame later, always in order."""

from __future__ import annotations

from itertools import pairwise
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.frame_pacer import FramePacer

FIRST, SECOND = ConnectionNumber(1), ConnectionNumber(2)
INTERVAL_S = 1 / 60
TICKS = 1500


def shown(late_s: list[float], *, start: int = 0) -> tuple[list[float], list[float]]:
    """When pictures at 60 fps arrive, each this late, and when they are due."""
    pacer = FramePacer()
    arrived: list[float] = []
    due: list[float] = []
    for number, late in enumerate(late_s):
        at = max(1000 + number * INTERVAL_S + late, arrived[-1] if arrived else 0.0)
        arrived.append(at)
        due.append(pacer.due_at(FIRST, (start + number * TICKS) % 2**32, at))
    return arrived, due


def unevenness(times: list[float]) -> float:
    return pstdev(after - before for before, after in pairwise(times))


@given(st.lists(st.floats(0, INTERVAL_S), min_size=40, max_size=200), st.integers(0, 2**32 - 1))
def test_jitter_of_less_than_a_frame_is_removed(late_s: list[float], start: int) -> None:
    late_s = [0.0, *late_s]
    arrived, due = shown(late_s, start=start)
    assert unevenness(due[3:]) <= 1e-6 + unevenness(arrived[3:])
    assert unevenness(due[3:]) < 1e-6, "the first had no delay, so all can be perfectly even"


@given(st.lists(st.floats(0, 0.5), min_size=2, max_size=200))
def test_order_is_kept_and_no_picture_waits_longer_than_a_frame(late_s: list[float]) -> None:
    arrived, due = shown(late_s)
    assert all(before <= after for before, after in pairwise(due))
    for arrived_at, due_at in zip(arrived, due, strict=True):
        assert arrived_at <= due_at <= arrived_at + INTERVAL_S + 1e-9


def test_the_first_picture_is_shown_at_once() -> None:
    assert FramePacer().due_at(FIRST, 77, 1000.0) == 1000.0


def test_the_interval_follows_the_frame_rate() -> None:
    pacer = FramePacer()
    for number in range(40):
        pacer.due_at(FIRST, number * TICKS, 1000 + number / 60)
    assert pacer.interval_s == pytest.approx(1 / 60)
    for number in range(1, 40):
        pacer.due_at(FIRST, 39 * TICKS + number * 3000, 1000.65 + number / 30)
    assert pacer.interval_s == pytest.approx(1 / 30)


@pytest.mark.parametrize(
    ("connection", "timestamp"), [(SECOND, 41 * TICKS), (FIRST, 200 * TICKS), (FIRST, 3 * TICKS)]
)
def test_a_new_connection_or_a_jump_in_media_time_starts_again(
    connection: ConnectionNumber, timestamp: int
) -> None:
    pacer = FramePacer()
    for number in range(40):
        pacer.due_at(FIRST, number * TICKS, 1000 + number / 60)
    assert pacer.due_at(connection, timestamp, 1003.0) == 1003.0
    assert pacer.due_at(connection, timestamp + TICKS, 1003.0) <= 1003.0 + INTERVAL_S


def test_it_adapts_to_a_longer_path() -> None:
    """After two seconds the old delay is forgotten, and pictures are even again."""
    arrived, due = shown([0.0] * 60 + [0.050 + 0.008 * (number % 2) for number in range(240)])
    assert unevenness(due[-100:]) < 1e-6 < unevenness(arrived[-100:])
