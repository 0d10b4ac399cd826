"""Smoothing: evener than what came, never more than a frame later, always in order."""

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
    """When pictures of 60 fps come and when they are due, each so late."""
    smoothing = FramePacer()
    came: list[float] = []
    due: list[float] = []
    for number, late in enumerate(late_s):
        at = max(1000 + number * INTERVAL_S + late, came[-1] if came else 0.0)
        came.append(at)
        due.append(smoothing.due_at(FIRST, (start + number * TICKS) % 2**32, at))
    return came, due


def unevenness(times: list[float]) -> float:
    return pstdev(after - before for before, after in pairwise(times))


@given(st.lists(st.floats(0, INTERVAL_S), min_size=40, max_size=200), st.integers(0, 2**32 - 1))
def test_jitter_of_less_than_a_frame_is_gone(late_s: list[float], start: int) -> None:
    late_s = [0.0, *late_s]
    came, due = shown(late_s, start=start)
    assert unevenness(due[3:]) <= 1e-6 + unevenness(came[3:])
    assert unevenness(due[3:]) < 1e-6, "the first came at once, so all can be as even as it"


@given(st.lists(st.floats(0, 0.5), min_size=2, max_size=200))
def test_order_is_kept_and_nothing_waits_longer_than_a_frame(late_s: list[float]) -> None:
    came, due = shown(late_s)
    assert all(before <= after for before, after in pairwise(due))
    for arrived_at, due_at in zip(came, due, strict=True):
        assert arrived_at <= due_at <= arrived_at + INTERVAL_S + 1e-9


def test_the_first_picture_is_shown_at_once() -> None:
    assert FramePacer().due_at(FIRST, 77, 1000.0) == 1000.0


def test_other_frame_rates_have_other_intervals() -> None:
    smoothing = FramePacer()
    for number in range(40):
        smoothing.due_at(FIRST, number * TICKS, 1000 + number / 60)
    assert smoothing.interval_s == pytest.approx(1 / 60)
    for number in range(1, 40):
        smoothing.due_at(FIRST, 39 * TICKS + number * 3000, 1000.65 + number / 30)
    assert smoothing.interval_s == pytest.approx(1 / 30)


@pytest.mark.parametrize(
    ("connection", "timestamp"), [(SECOND, 41 * TICKS), (FIRST, 200 * TICKS), (FIRST, 3 * TICKS)]
)
def test_a_new_connection_or_a_leap_begins_anew(
    connection: ConnectionNumber, timestamp: int
) -> None:
    smoothing = FramePacer()
    for number in range(40):
        smoothing.due_at(FIRST, number * TICKS, 1000 + number / 60)
    assert smoothing.due_at(connection, timestamp, 1003.0) == 1003.0
    assert smoothing.due_at(connection, timestamp + TICKS, 1003.0) <= 1003.0 + INTERVAL_S


def test_a_path_that_became_longer_is_learned() -> None:
    """After two seconds the old path is forgotten, and pictures are even again."""
    came, due = shown([0.0] * 60 + [0.050 + 0.008 * (number % 2) for number in range(240)])
    assert unevenness(due[-100:]) < 1e-6 < unevenness(came[-100:])
