from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.lip_sync import (
    AIM_S,
    IMPLAUSIBLE_S,
    LONGEST_REST_S,
    MOST_EARLY_S,
    MOST_LATE_S,
    REST_S,
    SETTLE_S,
    WINDOW_S,
    LipSync,
)

PACKET_S = 0.020


class World:
    """Sound that obeys: it waits as long as it is told, between a floor and a most."""

    def __init__(self, late_s: float, *, least_s: float = -10.0, most_s: float = 10.0) -> None:
        self.late_s = late_s
        self.waits_s = 0.0
        self.now = 100.0
        self.corrections: list[tuple[float, float]] = []
        self.sync = LipSync()
        self._least_s, self._most_s = least_s, most_s

    @property
    def offset_s(self) -> float:
        return self.late_s + self.waits_s

    def play(
        self, for_s: float, measured: Callable[[float], float | None] = lambda late_s: late_s
    ) -> None:
        for _ in range(round(for_s / PACKET_S)):
            change_s = self.sync.measured(self.now, measured(self.offset_s))
            if change_s:
                self.corrections.append((self.now, change_s))
                wanted = self.waits_s + change_s
                self.waits_s = min(self._most_s, max(self._least_s, wanted))
            self.now += PACKET_S


def within(late_s: float) -> bool:
    return -MOST_EARLY_S <= late_s <= MOST_LATE_S


@given(st.floats(-IMPLAUSIBLE_S, IMPLAUSIBLE_S))
def test_one_correction_brings_any_offset_to_the_middle(late_s: float) -> None:
    world = World(late_s)
    world.play(SETTLE_S + WINDOW_S + 0.1)
    assert within(world.offset_s)
    if within(late_s):
        assert world.corrections == []
    else:
        assert abs(world.offset_s - AIM_S) < 1e-9
    world.play(120.0)
    assert len(world.corrections) <= 1


@given(st.floats(-0.2, 0.2), st.integers(0, 1000))
def test_it_does_not_hunt_with_jittery_measurements(late_s: float, seed: int) -> None:
    """Each measurement up to 30 ms wrong, one in twenty by 300 ms."""
    chance = random.Random(seed)

    def measured(true_s: float) -> float:
        if chance.random() < 0.05:
            return true_s + chance.uniform(-0.3, 0.3)
        return true_s + chance.uniform(-0.03, 0.03)

    world = World(late_s)
    world.play(60.0, measured)
    assert len(world.corrections) <= 1
    assert -MOST_EARLY_S - 0.015 <= world.offset_s <= MOST_LATE_S + 0.015


def test_nothing_is_done_while_the_offset_is_unknown_or_cannot_be_true() -> None:
    for measured in (None, IMPLAUSIBLE_S + 0.1, -IMPLAUSIBLE_S - 0.1):
        world = World(0.0)
        world.play(20.0, lambda _, told=measured: told)  # type: ignore[misc]
        assert world.corrections == []


def test_what_is_measured_now_and_then_is_no_ground() -> None:
    world = World(0.2)
    times = [0]

    def seldom(late_s: float) -> float | None:
        times[0] += 1
        return late_s if times[0] % 20 == 0 else None

    world.play(20.0, seldom)
    assert world.corrections == []


def test_a_fresh_connection_settles_before_it_counts() -> None:
    """The first second of a connection is late by a key frame and a ring that fills."""
    world = World(0.0)
    world.play(SETTLE_S - PACKET_S, lambda late_s: late_s + 0.4)
    world.play(10.0)
    assert world.corrections == []


def test_what_was_measured_before_a_new_beginning_counts_no_more() -> None:
    world = World(0.2)
    world.play(SETTLE_S + WINDOW_S - 2 * PACKET_S)
    world.sync.begin_anew()
    world.late_s = 0.0
    world.play(10.0)
    assert world.corrections == []


def test_what_cannot_be_reached_is_asked_for_ever_more_seldom() -> None:
    """A device that is late by itself: sound cannot be left out below what the ring needs."""
    world = World(0.2, least_s=-0.03)
    world.play(600.0)
    at = [when for when, _ in world.corrections]
    waits = [round(b - a, 3) for a, b in itertools.pairwise(at)]
    assert waits == sorted(waits)
    assert waits[0] >= REST_S
    assert waits[-1] >= LONGEST_REST_S
    assert len(at) < 20
    assert world.offset_s == 0.2 - 0.03


def test_an_offset_that_swings_is_not_followed() -> None:
    world = World(0.0)
    for n in range(60):
        world.late_s = 0.15 if n % 2 else -0.15
        world.play(5.0)
    assert len(world.corrections) < 12


def test_after_a_quiet_minute_a_change_is_followed_at_once_again() -> None:
    world = World(0.2)
    for late_s in (0.2, 0.5, 0.1, 0.6):
        world.late_s = late_s
        world.play(60.0)
    world.play(60.0)
    before = len(world.corrections)
    world.late_s -= 0.3
    world.play(WINDOW_S + 0.1)
    assert len(world.corrections) == before + 1
    assert within(world.offset_s)
