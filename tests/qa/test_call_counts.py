"""Create calls of an episode, counted in its trace."""

from __future__ import annotations

import random

from rejoin.core.trace import Record, Step, Timeline, timelines
from rejoin.qa import call_counts
from rejoin.qa.results import CallCounts
from rejoin.verify.environment import Change, World
from rejoin.verify.simulate import simulate

C = Change


def counted(*faults: Change, for_s: float = 40.0) -> tuple[CallCounts, ...]:
    """Of a game that loses its path after a second, with these faults of its create calls."""
    world = World(faults=(*((1.0, fault) for fault in faults), (1.0, C.FLOW_DIES)))
    outcome = simulate(world, draw=random.Random(1).random, for_s=for_s)
    records = outcome.records
    return call_counts.of_episodes(records, timelines(records))


def test_a_drop_without_trouble_has_one_call() -> None:
    assert counted() == (CallCounts(1, 0, 0),)


def test_an_answer_that_was_lost_is_counted_whatever_lost_it() -> None:
    (hung,) = counted(C.CREATE_HANGS)
    assert hung.lost_answers == 1
    (reset,) = counted(C.CREATE_RESET)
    assert (reset.lost_answers, reset.refusals) == (1, 0)


def test_answers_that_are_none_are_refusals_and_no_lost_answers() -> None:
    (throttled,) = counted(C.CREATE_THROTTLED)
    assert throttled == CallCounts(2, 0, 1)
    (failed,) = counted(C.CREATE_FAILS)
    assert (failed.lost_answers, failed.refusals) == (0, 1)


def test_a_place_in_the_queue_is_neither() -> None:
    (queued,) = counted(C.CREATE_QUEUED)
    assert (queued.lost_answers, queued.refusals) == (0, 0)
    assert queued.tries > 1


def a_call(at: float, number: int, *after: tuple[str, dict[str, object]]) -> list[Record]:
    which = {"attempt": 2, "try_number": number}
    return [
        Record(at, "command", "Reconnect", which),
        *(Record(at, "event", name, which | data) for name, data in after),
    ]


def test_calls_that_did_not_reach_anything_are_tries_alone() -> None:
    line = Timeline(1, (Step("lost", 1.0), Step("first frame", 9.0)), "live")
    unreached = ("not_sent", "tls", "not_backend")
    records = [
        record
        for number, kind in enumerate(unreached, 1)
        for record in a_call(1.0 + number, number, ("ReconnectFailed", {"failure": {"kind": kind}}))
    ]
    records += a_call(8.0, 4, ("RequestWritten", {}), ("AnswerArrived", {}))
    assert call_counts.of_episodes(records, (line,)) == (CallCounts(4, 0, 0),)


def test_an_answer_that_nobody_waited_for_any_more_is_lost() -> None:
    line = Timeline(1, (Step("lost", 1.0), Step("first frame", 9.0)), "live")
    records = [
        *a_call(2.0, 1, ("RequestWritten", {})),
        *a_call(4.0, 2, ("RequestWritten", {}), ("AnswerArrived", {})),
    ]
    assert call_counts.of_episodes(records, (line,)) == (CallCounts(2, 1, 0),)
    still_open = Timeline(1, line.steps[:1], "open")
    assert call_counts.of_episodes(records[:2], (still_open,)) == (CallCounts(1, 0, 0),)


def test_each_drop_has_its_own_calls() -> None:
    world = World(
        faults=(
            (1.0, C.CREATE_RESET),
            (1.0, C.FLOW_DIES),
            (30.0, C.FLOW_DIES),
        )
    )
    records = simulate(world, draw=random.Random(1).random, for_s=60.0).records
    first, second = call_counts.of_episodes(records, timelines(records))
    assert (first.lost_answers, second.lost_answers) == (1, 0)


def test_records_without_an_episode_have_no_counts() -> None:
    assert call_counts.of_episodes([Record(1.0, "command", "Reconnect", {})], ()) == ()
