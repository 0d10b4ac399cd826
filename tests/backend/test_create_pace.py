"""Create calls of one session lie apart; those of another session do not wait for them."""

from __future__ import annotations

import pytest

from rejoin.backend.create_pace import APART_S, CreatePace
from rejoin.backend.service import StreamId

STREAM, OTHER = StreamId("sg-1", "one"), StreamId("sg-1", "other")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_next_call_begins_a_pause_after_the_end_of_the_last_one() -> None:
    clock = Clock()
    pace = CreatePace(clock)
    assert pace.take_turn(STREAM) == 0.0
    clock.now += 3.0
    pace.call_ended(STREAM)
    clock.now += 0.1
    assert pace.take_turn(STREAM) == pytest.approx(APART_S - 0.1)
    assert pace.take_turn(OTHER) == 0.0
    clock.now += 10.0
    assert pace.take_turn(STREAM) == 0.0


def test_calls_that_come_together_each_get_a_turn_of_their_own() -> None:
    pace = CreatePace(Clock())
    turns = [pace.take_turn(STREAM) for _ in range(3)]
    assert turns == pytest.approx([0.0, APART_S, 2 * APART_S])
    pace.call_ended(STREAM)  # the first one; the turns of the others stay
    assert pace.take_turn(STREAM) == pytest.approx(3 * APART_S)


def test_what_is_over_is_forgotten() -> None:
    clock = Clock()
    pace = CreatePace(clock)
    for number in range(100):
        pace.take_turn(StreamId("sg-1", str(number)))
        clock.now += 1.0
    assert len(pace._free_at) <= 1
