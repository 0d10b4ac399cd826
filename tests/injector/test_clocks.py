"""Clocks of a client that sleeps, and of one whose wall clock is set."""

from __future__ import annotations

import time

import pytest

from rejoin.injector.clocks import Clocks


def test_awake_time_stands_still_while_the_client_sleeps() -> None:
    clocks = Clocks(time.monotonic)
    # In this order a machine that stands still in between makes the sleep longer.
    real_s, before_s = time.monotonic(), clocks.awake_s()
    clocks.sleep(0.05)
    awake_s = clocks.awake_s() - before_s
    assert (time.monotonic() - real_s) - awake_s >= 0.05


def test_the_wall_clock_jumps_and_is_set_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", time.time)  # whatever happens, it is as before
    monkeypatch.setattr(time, "time_ns", time.time_ns)
    real, real_ns = time.time, time.time_ns
    clocks = Clocks()
    clocks.jump(3600.0)
    clocks.jump(-86400.0)
    assert time.time() - real() == pytest.approx(-86400.0, abs=30)
    assert (time.time_ns() - real_ns()) / 1e9 == pytest.approx(-86400.0, abs=30)
    clocks.set_right()
    clocks.set_right()
    assert time.time is real
    assert time.time_ns is real_ns
