"""The rate of one operation's calls, on a clock of the test's own."""

from __future__ import annotations

import pytest

from rejoin.backend.call_rate import (
    LEAST_SHARE,
    RECOVERS_IN_S,
    CallRate,
    Quota,
    full,
)

QUOTA = Quota(per_s=20.0, burst=5)
DAYS_S = 3 * 86400.0


def test_after_a_quiet_moment_a_burst_and_then_one_turn_each_twentieth_of_a_second() -> None:
    turns = full(100.0, QUOTA).taken(100.0, QUOTA, 7)
    assert turns.delays_s == pytest.approx([0.0] * 5 + [0.05, 0.10])
    assert turns.rate.left(100.0, QUOTA) == pytest.approx(-2.0)
    assert turns.rate.left(101.0, QUOTA) == pytest.approx(5.0)


def test_no_second_has_more_turns_than_the_rate_and_a_burst() -> None:
    rate, now, at = full(0.0, QUOTA), 0.0, []
    while now < 30.0:
        turns = rate.taken(now, QUOTA, 3, ahead_s=0.25)
        at += [now + delay for delay in turns.delays_s]
        rate, now = turns.rate, now + 0.07
    for first in at:
        assert sum(first <= each < first + 1.0 for each in at) <= 20 + 5
    assert len(at) >= 30 * 20


def test_turns_too_far_ahead_are_not_taken_and_spare_ones_only_when_they_are_free() -> None:
    rate = full(0.0, QUOTA).taken(0.0, QUOTA, 5).rate
    turns = rate.taken(0.0, QUOTA, 10, ahead_s=0.12, spare=3)
    assert turns.delays_s == pytest.approx([0.05, 0.10])
    assert rate.taken(0.0, QUOTA, 0, spare=3).delays_s == ()
    assert full(0.0, QUOTA).taken(0.0, QUOTA, 0, spare=3).delays_s == (0.0, 0.0, 0.0)


def test_a_throttled_call_halves_the_rate_once_and_it_recovers_slowly() -> None:
    halved = full(0.0, QUOTA).halved(0.0, QUOTA)
    assert halved.per_s_at(0.0, QUOTA) == 10.0
    assert halved.left(0.0, QUOTA) <= 1.0  # and no burst
    assert halved.halved(0.9, QUOTA) == halved
    assert halved.halved(2.0, QUOTA).per_s_at(2.0, QUOTA) < 6.0
    assert halved.per_s_at(RECOVERS_IN_S / 4, QUOTA) == pytest.approx(15.0)
    assert halved.per_s_at(RECOVERS_IN_S / 2, QUOTA) == 20.0
    rate = halved
    for second in range(1, 100):
        rate = rate.halved(second * 1.0, QUOTA)
    assert rate.per_s_at(99.0, QUOTA) >= 20.0 * LEAST_SHARE


@pytest.mark.parametrize("jump_s", [DAYS_S, -DAYS_S])
def test_a_clock_that_jumps_delays_calls_for_a_second_at_most(jump_s: float) -> None:
    now = 10 * DAYS_S
    rate = full(now, QUOTA).halved(now, QUOTA).taken(now, QUOTA, 4).rate
    turns = rate.taken(now + jump_s, QUOTA, 40)
    assert turns.delays_s[0] <= 1.1
    assert turns.delays_s[-1] >= 34 / QUOTA.per_s  # and it is a rate still
    assert rate.per_s_at(now + jump_s, QUOTA) == QUOTA.per_s


def test_a_rate_says_what_is_free() -> None:
    rate = CallRate(free_at=100.0, per_s=20.0, halved_at=0.0)
    assert rate.left(100.0, QUOTA) == pytest.approx(1.0)
    assert rate.left(99.9, QUOTA) == pytest.approx(-1.0)
    assert rate.next_at(200.0, QUOTA) == pytest.approx(199.8)
