"""For how long of a time the host did not run."""

from __future__ import annotations

import pytest

from rejoin.emulator.host.own_lateness import KEPT_S, LATE_S, OwnLateness


def test_it_is_late_from_when_it_was_due_until_it_ran() -> None:
    lateness = OwnLateness()
    lateness.woke(10.0, 10.0 + LATE_S / 2)  # as late as event loops are
    assert lateness.within(0.0, 20.0) == 0.0
    lateness.woke(11.0, 11.5)
    lateness.woke(12.0, 12.1)
    assert lateness.within(0.0, 20.0) == pytest.approx(0.6)
    assert lateness.within(11.4, 12.05) == pytest.approx(0.15)
    assert lateness.within(11.6, 11.9) == 0.0
    assert lateness.within(13.0, 12.0) == 0.0


def test_two_timers_of_one_pause_count_once() -> None:
    lateness = OwnLateness()
    lateness.woke(10.0, 10.1)
    lateness.woke(9.95, 10.1)
    lateness.woke(10.02, 10.12)
    assert lateness.within(0.0, 20.0) == pytest.approx(0.17)


def test_what_is_long_ago_is_forgotten() -> None:
    lateness = OwnLateness()
    for second in range(100):
        lateness.woke(float(second), second + 0.5)
    assert lateness.within(0.0, 100.0) == pytest.approx(0.5 * KEPT_S, abs=0.6)
