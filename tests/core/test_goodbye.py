"""When a goodbye is sent again: the times of the rule, on a clock of our own."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rejoin.core import goodbye
from rejoin.core.model import Policy

POLICY = Policy()


def sent_again_at(rtp: list[float], rtt_s: float | None) -> list[float]:
    """When a goodbye of 100.0 is sent again, with RTP at these times."""
    said, found = goodbye.said(100.0, rtt_s), []
    for at in rtp:
        again = goodbye.after_rtp(said, at, POLICY)
        if again is not None:
            said = again
            found.append(at)
    return found


def every(step_s: float, from_at: float, count: int) -> list[float]:
    return [round(from_at + step_s * index, 6) for index in range(count)]


def test_rtp_that_was_under_way_is_no_sign_that_it_was_lost() -> None:
    assert sent_again_at([100.01, 100.2, 100.3], 0.04) == []
    assert sent_again_at([100.01, 100.2, 100.3], None) == []


@pytest.mark.parametrize(("rtt_s", "first_at"), [(None, 100.31), (0.1, 100.31), (0.5, 101.01)])
def test_rtp_after_three_tenths_or_two_round_trips_shows_that_it_was(
    rtt_s: float | None, first_at: float
) -> None:
    assert sent_again_at(every(0.01, 100.01, 200), rtt_s)[0] == pytest.approx(first_at)


def test_while_rtp_comes_it_is_sent_four_times_a_second_and_forty_times_at_most() -> None:
    again = sent_again_at(every(0.01, 106.0, 3000), 0.04)
    assert again[0] == 106.0, "the path was dead for six seconds"
    apart = [after - before for before, after in pairwise(again)]
    assert all(0.25 - 1e-6 <= each <= 0.26 + 1e-6 for each in apart)
    assert len(again) == 40


def test_without_rtp_nothing_is_sent() -> None:
    assert sent_again_at([106.0, 160.0], 0.04) == [106.0, 160.0]
