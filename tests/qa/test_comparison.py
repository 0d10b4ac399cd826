"""Two builds: what is worse is found, what is the same is not, and too few is said."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.compared_results import a_build, a_drop, a_play
from rejoin.errors import BadInputError
from rejoin.qa import comparison, figures
from rejoin.qa.budget import Budget
from rejoin.qa.comparison import Comparison, Conclusion, Finding, Question
from rejoin.qa.results import CallCounts, CaseRecord, EpisodeResult
from rejoin.qa.verdicts import Verdict

RECORDED = Path(__file__).parents[1] / "data" / "compared_builds.json"
"""Live drops at the emulator, played by `tests/bench/build_runs.py`: of each build its plays, and
of each play what its drops took, its memory and its waiting."""


def compared(
    before: Sequence[CaseRecord], after: Sequence[CaseRecord], question: Question | None = None
) -> Comparison:
    return comparison.compare(before, after, question or Question())


def found(result: Comparison, finding: Finding = Finding.WORSE) -> set[str]:
    return {each.figure.key for each in result.compared if each.finding is finding}


# --- modelled results -----------------------------------------------------------------------------


def test_a_detector_that_is_a_second_slower_is_found_in_forty_drops() -> None:
    result = compared(a_build(40, 1), a_build(40, 2, slower_s=1.0))
    assert found(result) == {"freeze_s", "noticed_s"}
    assert result.conclusion is Conclusion.WORSE
    assert found(compared(a_build(40, 1, slower_s=1.0), a_build(40, 2)), Finding.BETTER) == {
        "freeze_s",
        "noticed_s",
    }


def test_a_leak_is_found_in_forty_drops() -> None:
    results = [
        found(compared(a_build(40, seed), a_build(40, 100 + seed, leak_mb=1.0)))
        for seed in range(10)
    ]
    assert sum(each == {"memory_mb"} for each in results) >= 6
    for seed in range(3):
        larger = compared(a_build(40, seed), a_build(40, 100 + seed, leak_mb=6.0))
        assert found(larger) == {"memory_mb"}


def test_one_lost_answer_in_twenty_is_found_by_its_cause_and_not_by_times() -> None:
    """In how many comparisons depends on how many drops there were before: a baseline is played
    once."""
    found_with = {}
    for plays in (200, 800):
        results = [
            found(compared(a_build(plays, seed), a_build(200, 1000 + seed, lost=0.05)))
            for seed in range(20)
        ]
        found_with[plays] = sum("lost_answers_per_100" in each for each in results)
        assert not any(each & {"freeze_s", "noticed_s"} for each in results)
    assert found_with[200] >= 2, found_with
    assert found_with[800] >= 7, found_with


def test_an_unchanged_build_is_not_flagged() -> None:
    for seed in range(20):
        result = compared(a_build(40, seed), a_build(40, 100 + seed))
        assert not found(result)
        assert result.conclusion is Conclusion.NO_WORSE


# --- recorded live drops --------------------------------------------------------------------------


def of_recorded_drop(drop: dict[str, Any]) -> EpisodeResult:
    calls = CallCounts(*drop.pop("calls", (1, 0, 0)))
    return a_drop(**drop, calls=calls)


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[CaseRecord]]:
    whole: dict[str, list[dict[str, Any]]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {
        build: [
            a_play(
                *map(of_recorded_drop, play["drops"]),
                build=build,
                verdict=Verdict(play["verdict"]),
                memory_mb=tuple(play["memory_mb"]),
                waited_share=play["waited_share"],
                index=index,
            )
            for index, play in enumerate(plays)
        ]
        for build, plays in whole.items()
    }


UNCHANGED = tuple(f"unchanged:{number}" for number in range(1, 6))


def test_twenty_of_twenty_comparisons_of_live_runs_of_one_build_are_not_flagged(
    recorded: dict[str, list[CaseRecord]],
) -> None:
    """Five runs of the same build, each with each: three of them were played in turn, two on
    another occasion, and the machine was never idle."""
    flagged = {
        (before, after): found(compared(recorded[before], recorded[after]))
        for before, after in itertools.permutations(UNCHANGED, 2)
    }
    assert len(flagged) == 20
    assert not any(flagged.values()), flagged


def test_live_drops_drawn_again_are_not_flagged(recorded: dict[str, list[CaseRecord]]) -> None:
    chance = random.Random(5)
    pool = [record for name in UNCHANGED for record in recorded[name]]
    for _ in range(20):
        before, after = chance.choices(pool, k=8), chance.choices(pool, k=8)
        assert not found(compared(before, after))


def test_a_slower_detector_and_a_leak_are_found_in_forty_live_drops(
    recorded: dict[str, list[CaseRecord]],
) -> None:
    for before in UNCHANGED[:3]:  # they were played in turn with it
        slow = compared(recorded[before][:8], recorded["detector 1 s slower"][:8])
        assert (slow.before and slow.before.drops, slow.after.drops) == (40, 40)
        assert found(slow) == {"noticed_s"}
    # These two were played in turn, with one arena.
    leak = compared(recorded["unchanged:7"], recorded["leak of 1 MB a drop"])
    assert (leak.before and leak.before.drops, leak.after.drops) == (40, 40)
    assert found(leak) == {"memory_mb"}


# --- what is said ---------------------------------------------------------------------------------


def test_too_few_drops_are_said_with_the_number_that_is_needed() -> None:
    result = compared(a_build(4, 1), a_build(4, 2))
    assert result.conclusion is Conclusion.INCONCLUSIVE
    freeze = next(each for each in result.compared if each.figure is figures.FREEZE)
    assert freeze.asked
    assert freeze.finding is Finding.TOO_FEW
    assert freeze.needed is not None
    assert 8 < freeze.needed < 60


def test_what_is_asked_decides_whether_enough_was_played() -> None:
    before, after = a_build(40, 1), a_build(40, 2)
    assert compared(before, after).conclusion is Conclusion.NO_WORSE
    rare = Question({"lost_answers_per_100": 5.0})
    result = compared(before, after, rare)
    assert result.conclusion is Conclusion.INCONCLUSIVE
    answers = next(each for each in result.compared if each.figure is figures.LOST_ANSWERS)
    assert answers.needed is not None
    assert 250 < answers.needed < 450
    many = compared(a_build(450, 1), a_build(450, 2), rare)
    assert many.conclusion is Conclusion.NO_WORSE


def test_a_difference_that_does_not_matter_is_none() -> None:
    before, after = a_build(100, 1), a_build(100, 2, slower_s=0.1)
    assert not found(compared(before, after))
    assert "noticed_s" in found(compared(before, after, Question({"noticed_s": 0.1})))


def test_times_are_not_compared_where_the_machine_was_busier() -> None:
    def waiting(records: list[CaseRecord], share: float) -> list[CaseRecord]:
        return [
            replace(each, played=replace(each.played, waited_share=share))
            for each in records
            if each.played is not None
        ]

    before, after = a_build(40, 1), waiting(a_build(40, 2, slower_s=1.0), 0.6)
    result = compared(before, after)
    assert "noticed_s" in found(result, Finding.NOT_COMPARABLE)
    assert result.conclusion is Conclusion.INCONCLUSIVE
    assert "60 % after" in result.notes[0]
    # Causes still count.
    worse = compared(before, waiting(a_build(40, 2, lost=0.6), 0.6))
    assert "lost_answers_per_100" in found(worse)
    alike = waiting(a_build(40, 2, slower_s=1.0), 0.1)
    assert "noticed_s" in found(compared(before, alike))


def test_shares_are_compared_with_the_same_mix_of_cases() -> None:
    """One case always retries. It being played more often after is no difference of the build."""
    steady = a_build(40, 1, cases=("steady",))
    lossy = a_build(40, 2, cases=("lossy",), lost=1.0)
    result = compared(steady + lossy[:2], steady[:20] + lossy)
    assert not found(result)
    assert any("equally often" in note for note in result.notes)
    in_proportion = compared(steady + lossy, steady[:20] + lossy[:20])
    assert not in_proportion.notes
    answers = next(each for each in in_proportion.compared if each.figure is figures.LOST_ANSWERS)
    assert (answers.of_before, answers.of_after) == (80, 40)


def test_what_only_one_of_them_has_is_left_out_and_said() -> None:
    before = a_build(20, 1, cases=("a", "b"))
    after = [
        replace(each, surroundings=replace(each.surroundings, region="us-west-2"))
        for each in a_build(20, 2, cases=("a", "c"))
    ]
    after[0] = replace(after[0], verdict=Verdict.INCONCLUSIVE)
    result = compared(before, after)
    assert result.notes[:3] == (
        "The region differs: eu-west-1 before, us-west-2 after.",
        "Only played before, and left out: b of every-profile.",
        "Only played after, and left out: c of every-profile.",
    )
    assert result.after.said_nothing == 1
    with pytest.raises(BadInputError, match="no case in common"):
        compared(a_build(4, 1, cases=("a",)), a_build(4, 1, cases=("b",)))


def test_results_without_counts_of_calls_and_memory_can_be_compared() -> None:
    """As an older Rejoin wrote them."""
    old = []
    for each in a_build(20, 2):
        assert each.played is not None
        (episode,) = each.played.episodes
        old.append(a_play(replace(episode, calls=None), waited_share=None))
    result = compared(old, a_build(20, 1))
    assert {"lost_answers_per_100", "memory_mb"} <= found(result, Finding.NOT_MEASURED)
    asked = compared(old, a_build(20, 1), Question({"memory_mb": 1.0}))
    assert asked.conclusion is Conclusion.INCONCLUSIVE


def test_a_budget_is_a_gate_beside_the_comparison_and_alone() -> None:
    before, after = a_build(40, 1), a_build(40, 2)
    strict = Budget({"freeze_p95_s": 0.1}, freeze_s=1.0)
    result = compared(before, after, Question(budget=strict))
    assert result.conclusion is Conclusion.WORSE
    over = next(each for each in result.compared if each.figure is figures.OVER_BUDGET)
    assert over.before == 100.0
    assert not found(result)
    alone = comparison.only_budget(after, Budget({"freeze_p95_s": 5.0}))
    assert (alone.conclusion, alone.before) == (Conclusion.NO_WORSE, None)
    few = comparison.only_budget(after, Budget({"freeze_p95_s": 5.0}, least_drops=100))
    assert few.conclusion is Conclusion.INCONCLUSIVE
    with pytest.raises(BadInputError, match="no play"):
        comparison.only_budget([], strict)


def test_more_drops_over_the_budget_are_found_by_their_share() -> None:
    budget = Budget({}, freeze_s=2.2)
    before, after = a_build(100, 1), a_build(100, 2, lost=0.3)
    result = compared(before, after, Question(budget=budget))
    assert "over_budget_per_100" in found(result)


def test_a_change_of_the_order_of_plays_changes_nothing() -> None:
    before, after = a_build(30, 1), a_build(30, 2, slower_s=0.3)
    mixed = random.Random(1).sample(after, len(after))
    assert compared(before, after).compared == compared(before, mixed).compared
