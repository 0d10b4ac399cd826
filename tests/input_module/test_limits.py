"""Tests for how much a sandbox may say and compute."""

from __future__ import annotations

from rejoin.input_module.limits import Allowance, Limits, Spending


def test_an_allowance_is_spent_and_comes_back() -> None:
    allowance = Allowance(rate=10, most=20)
    assert allowance.spend(20, 0.0)
    assert not allowance.spend(1, 0.0)
    assert allowance.spend(1, 0.3)
    assert not allowance.spend(21, 100.0)


def test_answers_that_nobody_asked_for_are_counted() -> None:
    spending = Spending(Limits(unasked=5))
    assert all(spending.answer(0, 0.0, asked=True) for _ in range(100))
    assert all(spending.answer(0, 0.0, asked=False) for _ in range(5))
    assert not spending.answer(0, 0.0, asked=False)


def test_cpu_time_is_a_share_of_a_core() -> None:
    spending = Spending(Limits(cpu_share=0.5, cpu_over_s=2))
    within = [spending.answer(0.25, at * 0.25, asked=True) for at in range(40)]
    assert within[:4] == [True] * 4
    assert not within[-1]
    spending = Spending(Limits(cpu_share=0.5, cpu_over_s=2))
    assert all(spending.answer(0.1, at * 0.25, asked=True) for at in range(40))


def test_messages_are_counted_and_measured() -> None:
    spending = Spending(Limits(messages=3, message_bytes=100))
    assert spending.messages(1, 40, 0.0)
    assert spending.messages(1, 60, 0.0)
    assert not spending.messages(1, 1, 0.0)
    spending = Spending(Limits(messages=3, message_bytes=100))
    assert [spending.messages(1, 0, 0.0) for _ in range(4)] == [True, True, True, False]
