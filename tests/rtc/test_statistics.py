from __future__ import annotations

import pytest

from rejoin.core.model import ConnectionNumber
from rejoin.rtc.statistics import Freezes, LoopLag, PeerStatistics, Rates, columns, row


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


def test_a_freeze_is_what_w3c_calls_one() -> None:
    freezes = Freezes()
    for n in range(60):
        freezes.shown(n / 60)
    assert freezes.count == 0
    freezes.shown(59 / 60 + 0.160)
    assert freezes.count == 0, "less than the usual interval and 150 ms"
    for n in range(60):
        freezes.shown(2 + n / 60)
    before = freezes.count
    freezes.shown(2 + 59 / 60 + 0.170)
    assert freezes.count == before + 1
    assert freezes.duration_s > 0.170


def test_at_a_slow_rate_a_freeze_is_three_intervals() -> None:
    freezes = Freezes()
    for n in range(40):
        freezes.shown(n / 10)
    freezes.shown(3.9 + 0.29)
    assert freezes.count == 0
    freezes.shown(3.9 + 0.29 + 0.40)
    assert freezes.count == 1
    assert freezes.duration_s == pytest.approx(0.40)


def test_a_row_has_a_cell_for_each_column_and_knows_nothing_as_empty() -> None:
    numbers = PeerStatistics(ConnectionNumber(3), connected=True, decoder="cuda", loss=0.0123456789)
    cells = dict(zip(columns(), row(numbers), strict=True))
    assert cells["connection"] == "3"
    assert cells["connected"] == "1"
    assert cells["decoder"] == "cuda"
    assert cells["loss"] == "0.0123457"
    assert cells["rtt_s"] == ""
