"""What a report says of a drop: its cause, its end, and which come first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.qa_results import PLAYED, RECORD
from rejoin.qa import drops
from rejoin.qa.results import EpisodeResult, FaultResult, StepResult, grouped
from rejoin.qa.verdicts import Verdict

EPISODE = EpisodeResult(
    1, "live", 3.0, (StepResult("fault", 0.0), StepResult("lost", 0.9), StepResult("live", 2.0))
)


def fault(at_s: float | None, profile: str = "cut_3s") -> FaultResult:
    return FaultResult(profile, at_s, "a cut", 1)


def test_the_cause_is_the_fault_right_before_a_drop() -> None:
    every = (fault(1.0), fault(3.001, "cause"), fault(4.0, "during"), fault(6.0), fault(None))
    found = drops.causes(EPISODE, every)
    assert [each.profile for each in found.before] == ["cause"]
    assert [each.profile for each in found.during] == ["during"]
    without = replace(EPISODE, steps=EPISODE.steps[1:])
    assert drops.causes(without, every).before == ()
    assert drops.causes(replace(EPISODE, steps=()), (fault(3.0),)) == drops.Causes((), ())


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("live", "live again after 2.00 s"), ("healed", "healed after 2.00 s"), ("x", "still open")],
)
def test_the_end_of_a_drop(outcome: str, said: str) -> None:
    assert drops.ending(replace(EPISODE, outcome=outcome)) == said


def test_what_failed_comes_first() -> None:
    failed = replace(RECORD, case="b", verdict=Verdict.FAILED, played=PLAYED)
    assert list(drops.ordered(grouped([RECORD, failed]))) == [failed, RECORD]
