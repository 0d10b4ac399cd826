"""Clocks that jump: a time of the database's clock is right here, somewhat early, or nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from rejoin.backend.store.clock_agreement import (
    AGREE_S,
    GAP_S,
    KEPT_S,
    QUICK_S,
    ClockAgreement,
    ClockReading,
)

AHEAD_S = 1_790_000_000.0


class Process:
    """Reads a database's clock, which is `ahead(t)` ahead of true time, every 5 s from `since_s`
    on. Its own boot clock is `own_s` ahead of true time, and never jumps."""

    def __init__(
        self, ahead: Callable[[float], float], since_s: float = 0.0, own_s: float = 0.0
    ) -> None:
        self.ahead, self.since_s, self.own_s = ahead, since_s, own_s
        self.agreement = ClockAgreement()
        self._next_at = since_s

    def until(self, at: float) -> None:
        """The readings up to this true time."""
        while self._next_at <= at:
            self.read(self._next_at)
            self._next_at += 5.0

    def read(self, at: float, took_s: float = 0.002) -> ClockReading:
        own = at + self.own_s
        reading = ClockReading(at + took_s / 2 + self.ahead(at), own, own + took_s)
        self.agreement.add(reading)
        return reading

    def writes(self, asked_at: float, at: float) -> float | None:
        self.until(at)
        return self.agreement.written_as(asked_at + self.own_s, self.read(at))

    def finds(self, written_s: float, at: float) -> float | None:
        """The true time that it takes `written_s` for."""
        self.until(at)
        own = self.agreement.own_time(written_s, self.read(at))
        return None if own is None else own - self.own_s


def steady(_: float) -> float:
    return AHEAD_S


def test_another_process_finds_the_time_by_its_own_clock() -> None:
    one, two = Process(steady, own_s=77.0), Process(steady, own_s=-5000.0)
    written = one.writes(100.0, 100.3)
    assert written is not None
    found = two.finds(written, 130.0)
    assert found is not None
    assert 99.9 < found <= 100.0


def test_a_process_that_was_started_later_finds_nothing() -> None:
    written = Process(steady).writes(100.0, 100.3)
    assert written is not None
    assert Process(steady, since_s=101.0).finds(written, 130.0) is None


def test_nothing_is_written_before_the_clock_was_read() -> None:
    assert Process(steady, since_s=100.2).writes(100.0, 100.3) is None


@pytest.mark.parametrize("by_s", [-3 * 86400.0, -10.0, -0.7, 0.7, 10.0, 3 * 86400.0])
@pytest.mark.parametrize("at", [50.0, 100.2, 110.0])
def test_a_clock_that_jumps_between_counts_for_nothing(by_s: float, at: float) -> None:
    def jumped(now: float) -> float:
        return AHEAD_S + (by_s if now >= at else 0.0)

    one, two = Process(jumped), Process(jumped, own_s=9.0)
    written = one.writes(100.0, 100.3)
    if at <= 100.3:  # the writer sees it, for a minute
        assert written is None
    else:
        assert written is not None
        assert two.finds(written, 130.0) is None


def test_a_clock_that_is_slewed_costs_no_more_than_it_was_slewed() -> None:
    def slewed(now: float) -> float:
        return AHEAD_S + 0.0005 * now

    one, two = Process(slewed), Process(slewed)
    written = one.writes(1000.0, 1000.3)
    assert written is not None
    found = two.finds(written, 1300.0)
    assert found is not None
    assert 1000.0 - 0.2 < found <= 1000.0


def test_a_slow_or_missing_reading_proves_nothing() -> None:
    one = Process(steady)
    written = one.writes(100.0, 100.3)
    assert written is not None
    one.until(120.0)
    slow = one.read(121.0, took_s=QUICK_S + 0.1)
    assert one.agreement.own_time(written, slow) is None
    assert one.agreement.written_as(120.5, slow) is None
    late = ClockReading(AHEAD_S + 121.0 + GAP_S, 121.0 + GAP_S, 121.0 + GAP_S)
    assert one.agreement.own_time(written, late) is None


def test_readings_are_few_and_old_ones_go() -> None:
    one = Process(steady)
    for number in range(2000):
        one.read(number / 100)
    assert len(one.agreement._readings) == 20
    one.read(KEPT_S + 30.0)
    assert len(one.agreement._readings) == 1


def test_whatever_the_clock_does_nothing_is_found_that_is_too_new() -> None:
    """I8: a proof that is taken for newer than it is would show a deadline that is too late."""
    chance = random.Random(20)
    found = 0
    for number in range(4000):
        count = chance.choice([0, 0, 1, 2, 3])
        sizes = [chance.choice([-1, 1]) * 10 ** chance.uniform(-1, 4) for _ in range(count)]
        jumps = sorted((chance.uniform(0, 400), by_s) for by_s in sizes)

        def ahead(now: float, jumps: list[tuple[float, float]] = jumps) -> float:
            return AHEAD_S + sum(by_s for at, by_s in jumps if at <= now)

        one = Process(ahead, chance.uniform(0, 60), chance.uniform(-1e5, 1e5))
        asked_at = chance.uniform(50, 300)
        at = asked_at + chance.uniform(0.01, 7.0)
        written = one.writes(asked_at, at)
        if written is None:
            continue
        two = Process(ahead, chance.choice([0.0, 10.0, at + 3.0]), chance.uniform(-1e5, 1e5))
        if two.since_s > at:
            two.agreement.doubt(written)
        for later in (8.0, 60.0, 500.0, 8000.0)[: 4 if number % 50 == 0 else 3]:
            true = two.finds(written, asked_at + later)
            if true is not None:
                found += 1
                assert asked_at - 2 * AGREE_S - 0.1 <= true <= asked_at + 1e-6, jumps
    assert found > 500


def test_a_clock_that_was_set_back_shows_no_time_twice() -> None:
    def set_back(now: float) -> float:
        return AHEAD_S - (2 * 3600.0 if now >= 110.0 else 0.0)

    one, two = Process(set_back), Process(set_back)
    written = one.writes(100.0, 100.3)
    assert written is not None
    # When the clock shows that time again, all readings from before are gone.
    assert two.finds(written, 100.0 + 2 * 3600.0 + 30.0) is None
    assert one.writes(7000.0, 7000.3) is None


def test_the_databases_clock_is_trusted_only_while_it_agrees_with_ours() -> None:
    process = Process(steady)
    assert not process.agreement.is_trusted(0.0), "it has never been read"
    process.until(30.0)
    assert process.agreement.is_trusted(31.0)
    assert not process.agreement.is_trusted(31.0 + GAP_S), "it has not been read for too long"


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_after_a_jump_the_databases_clock_is_not_trusted_for_a_while(jump_s: float) -> None:
    process = Process(lambda at: AHEAD_S + (jump_s if at > 30.0 else 0.0))
    process.until(36.0)
    assert not process.agreement.is_trusted(36.0)
    process.until(300.0)
    assert process.agreement.is_trusted(301.0) is (jump_s > 0), "set back, it repeats its times"
