from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.lip_sync import (
    AIM_S,
    IMPLAUSIBLE_S,
    MAX_EARLY_S,
    MAX_LATE_S,
    MAX_REST_S,
    REST_S,
    SETTLE_S,
    WINDOW_S,
    LipSync,
)

PACKET_S = 0.020


class Playback:
    """Sound that follows the corrections, between a lowest and a highest delay."""

    def __init__(self, late_s: float, *, min_s: float = -10.0, max_s: float = 10.0) -> None:
        self.late_s = late_s
        self.waits_s = 0.0
        self.now = 100.0
        self.corrections: list[tuple[float, float]] = []
        self.sync = LipSync()
        self._min_s, self._max_s = min_s, max_s

    @property
    def offset_s(self) -> float:
        return self.late_s + self.waits_s

    def play(
        self, for_s: float, measured: Callable[[float], float | None] = lambda late_s: late_s
    ) -> None:
        for _ in range(round(for_s / PACKET_S)):
            change_s = self.sync.correction_s(self.now, measured(self.offset_s))
            if change_s:
                self.corrections.append((self.now, change_s))
                wanted = self.waits_s + change_s
                self.waits_s = min(self._max_s, max(self._min_s, wanted))
            self.now += PACKET_S


def within(late_s: float) -> bool:
    return -MAX_EARLY_S <= late_s <= MAX_LATE_S


@given(st.floats(-IMPLAUSIBLE_S, IMPLAUSIBLE_S))
def test_one_correction_brings_any_offset_to_the_middle(late_s: float) -> None:
    playback = Playback(late_s)
    playback.play(SETTLE_S + WINDOW_S + 0.1)
    assert within(playback.offset_s)
    if within(late_s):
        assert playback.corrections == []
    else:
        assert abs(playback.offset_s - AIM_S) < 1e-9
    playback.play(120.0)
    assert len(playback.corrections) <= 1


@given(st.floats(-0.2, 0.2), st.integers(0, 1000))
def test_jittery_measurements_do_not_cause_repeated_corrections(late_s: float, seed: int) -> None:
    """Each measurement up to 30 ms wrong, one in twenty by 300 ms."""
    chance = random.Random(seed)

    def measured(true_s: float) -> float:
        if chance.random() < 0.05:
            return true_s + chance.uniform(-0.3, 0.3)
        return true_s + chance.uniform(-0.03, 0.03)

    playback = Playback(late_s)
    playback.play(60.0, measured)
    assert len(playback.corrections) <= 1
    assert -MAX_EARLY_S - 0.015 <= playback.offset_s <= MAX_LATE_S + 0.015


def test_no_correction_while_the_offset_is_unknown_or_implausible() -> None:
    for measured in (None, IMPLAUSIBLE_S + 0.1, -IMPLAUSIBLE_S - 0.1):
        playback = Playback(0.0)
        playback.play(20.0, lambda _, value=measured: value)  # type: ignore[misc]
        assert playback.corrections == []


def test_rare_measurements_lead_to_no_correction() -> None:
    playback = Playback(0.2)
    times = [0]

    def rarely(late_s: float) -> float | None:
        times[0] += 1
        return late_s if times[0] % 20 == 0 else None

    playback.play(20.0, rarely)
    assert playback.corrections == []


def test_measurements_of_a_new_connection_are_ignored_until_it_settles() -> None:
    """In its first second a key frame and a filling ring add delay."""
    playback = Playback(0.0)
    playback.play(SETTLE_S - PACKET_S, lambda late_s: late_s + 0.4)
    playback.play(10.0)
    assert playback.corrections == []


def test_measurements_before_a_reset_are_forgotten() -> None:
    playback = Playback(0.2)
    playback.play(SETTLE_S + WINDOW_S - 2 * PACKET_S)
    playback.sync.reset()
    playback.late_s = 0.0
    playback.play(10.0)
    assert playback.corrections == []


def test_a_correction_without_effect_is_tried_ever_more_rarely() -> None:
    """A device with a long latency: the ring cannot drop sound that it needs."""
    playback = Playback(0.2, min_s=-0.03)
    playback.play(600.0)
    at = [when for when, _ in playback.corrections]
    waits = [round(b - a, 3) for a, b in itertools.pairwise(at)]
    assert waits == sorted(waits)
    assert waits[0] >= REST_S
    assert waits[-1] >= MAX_REST_S
    assert len(at) < 20
    assert playback.offset_s == 0.2 - 0.03


def test_a_swinging_offset_is_not_followed() -> None:
    playback = Playback(0.0)
    for n in range(60):
        playback.late_s = 0.15 if n % 2 else -0.15
        playback.play(5.0)
    assert len(playback.corrections) < 12


def test_after_a_quiet_minute_a_change_is_corrected_at_once_again() -> None:
    playback = Playback(0.2)
    for late_s in (0.2, 0.5, 0.1, 0.6):
        playback.late_s = late_s
        playback.play(60.0)
    playback.play(60.0)
    before = len(playback.corrections)
    playback.late_s -= 0.3
    playback.play(WINDOW_S + 0.1)
    assert len(playback.corrections) == before + 1
    assert within(playback.offset_s)
