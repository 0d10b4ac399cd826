from __future__ import annotations

import pytest

from rejoin.media.video.freezes import Freezes


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


def test_a_time_in_which_nobody_saw_the_picture_is_no_freeze() -> None:
    freezes = Freezes()
    for n in range(60):
        freezes.shown(n / 60)
    freezes.resume()
    freezes.shown(30.0)
    freezes.shown(30.0 + 1 / 60)
    assert freezes.count == 0
