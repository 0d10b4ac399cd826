from __future__ import annotations

import pytest

from rejoin.rtc.statistics import LoopLag, Rates


def test_rates_are_over_the_last_second_only() -> None:
    rates = Rates()
    assert rates.per_second(0) == 0.0
    for step in range(101):
        rates.add(step * 0.05, (step if step <= 60 else 60 + (step - 60) * 3, 0))
    assert rates.per_second(0) == pytest.approx(60.0)
    assert rates.per_second(1) == 0.0


def test_a_late_sample_is_our_own_lag_and_an_early_one_is_none() -> None:
    lag = LoopLag(0.050)
    assert lag.sampled(10.0) == 0.0
    assert lag.sampled(10.050) == pytest.approx(0.0, abs=1e-9)
    assert lag.sampled(10.200) == pytest.approx(0.100)
    assert lag.sampled(10.210) == 0.0


def test_one_counter_for_each_of_another_over_the_last_second() -> None:
    rates = Rates()
    assert rates.per_other(0, 1) == 0.0
    for step in range(41):
        rates.add(step * 0.05, (step * 0.012, step * 3))
    assert rates.per_other(0, 1) == pytest.approx(0.004)
    assert rates.per_other(1, 1) == pytest.approx(1.0)
