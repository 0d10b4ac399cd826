"""The virtual clock."""

from __future__ import annotations

from math import inf

import pytest

from rejoin.verify.simulated.clock import VirtualClock


def test_callbacks_run_in_order_of_time_and_then_of_adding() -> None:
    clock = VirtualClock(10.0)
    happened: list[str] = []
    clock.after(2.0, lambda: happened.append("later"))
    clock.after(1.0, lambda: happened.append("first"))
    clock.after(1.0, lambda: happened.append("second"))
    assert clock.next_at == 11.0
    while clock.next_at < inf:
        clock.pop()()
    assert happened == ["first", "second", "later"]
    assert clock.now == 10.0, "only the run moves the clock"


def test_nothing_happens_in_the_past() -> None:
    clock = VirtualClock(10.0)
    clock.after(-5.0, lambda: None)
    assert clock.next_at == 10.0


def test_an_empty_clock_has_no_callback() -> None:
    clock = VirtualClock(0.0)
    assert clock.next_at == inf
    with pytest.raises(IndexError):
        clock.pop()
