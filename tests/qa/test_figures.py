"""Which figures a result has."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from helpers.compared_results import a_drop, a_play
from rejoin.qa import figures
from rejoin.qa.results import CallCounts
from rejoin.qa.verdicts import Verdict


def test_a_drop_has_its_times_by_the_steps_of_its_episode() -> None:
    play = figures.of_play(a_play(a_drop(0, noticed_s=0.9, freeze_s=1.5)))
    assert play is not None
    (drop,) = play.drops
    assert drop.values == pytest.approx(
        {
            "freeze_s": 1.5,
            "noticed_s": 0.9,
            "answered_s": 0.15,
            "connected_s": 0.05,
            "shown_s": 0.3,
        }
    )
    assert (drop.lost, drop.lost_answer, drop.retried, drop.refused) == (False,) * 4


def test_a_connection_that_healed_was_frozen_until_it_was_live_again() -> None:
    play = figures.of_play(a_play(a_drop(0, freeze_s=1.2, outcome="healed")))
    assert play is not None
    assert play.drops[0].values == pytest.approx({"freeze_s": 1.2, "noticed_s": 0.9})


def test_causes_are_those_of_the_calls() -> None:
    drops = (
        a_drop(0, calls=CallCounts(2, 1, 0)),
        a_drop(1, calls=CallCounts(3, 0, 2)),
        a_drop(2, calls=None),
        a_drop(3, outcome="open"),
        a_drop(4, has_fault=False),
    )
    play = figures.of_play(a_play(*drops))
    assert play is not None
    assert play.false_alarms == 1
    assert [drop.which for drop in play.drops] == [0, 1, 2, 3]
    of = {each: figures.flags(each, [play], 1.0) for each in figures.FIGURES if each.is_share}
    assert of[figures.LOST_ANSWERS] == [True, False, False]
    assert of[figures.RETRIES] == [True, True, False]
    assert of[figures.REFUSALS] == [False, True, False]
    assert of[figures.GAMES_LOST] == [False, False, False, True]
    assert of[figures.OVER_BUDGET] == [True, True, True]
    assert of[figures.FAILED_PLAYS] == [False]
    assert figures.per_100(figures.FALSE_ALARMS, [play], None) == 25.0
    assert figures.per_100(figures.RETRIES, [play], None) == pytest.approx(66.67, abs=0.01)
    assert figures.per_100(figures.RETRIES, [], None) is None
    assert figures.per_100(figures.FALSE_ALARMS, [], None) is None


def test_a_game_that_was_lost_against_the_scenario_is_over_any_budget() -> None:
    drops = (a_drop(0, freeze_s=1.0), a_drop(1, outcome="open"))
    for verdict, over in ((Verdict.PASSED, [False]), (Verdict.FAILED, [False, True])):
        play = figures.of_play(a_play(*drops, verdict=verdict))
        assert play is not None
        assert figures.flags(figures.OVER_BUDGET, [play], 2.0) == over


def test_memory_is_what_is_gained_from_one_drop_to_the_next() -> None:
    record = a_play(a_drop(0), a_drop(1), memory_mb=(60.0, 61.5, 67.0))
    play = figures.of_play(record)
    assert play is not None
    assert figures.values(figures.MEMORY, play) == [(0, 1.5), (1, 5.5)]
    gap = figures.of_play(a_play(a_drop(0), a_drop(1), memory_mb=(60.0, None, 67.0)))
    assert gap is not None
    assert gap.memory_mb == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_numbers_that_are_none_do_not_count(value: float) -> None:
    record = a_play(
        a_drop(0, freeze_s=value, noticed_s=value), memory_mb=(1.0, value), waited_share=value
    )
    play = figures.of_play(record)
    assert play is not None
    assert not {"freeze_s", "noticed_s"} & play.drops[0].values.keys()
    assert (play.memory_mb, play.waited_share) == ({}, None)


def test_plays_that_say_nothing_are_none() -> None:
    record = a_play(a_drop(0))
    assert figures.of_play(replace(record, verdict=Verdict.INCONCLUSIVE)) is None
    assert figures.of_play(replace(record, verdict=Verdict.SKIPPED)) is None
    crashed = figures.of_play(replace(record, verdict=Verdict.FAILED, played=None))
    assert crashed is not None
    assert crashed.failed
    assert crashed.drops == ()


def test_each_figure_has_a_key_of_its_own() -> None:
    assert len(figures.BY_KEY) == len(figures.FIGURES)
    assert {figure.unit for figure in figures.FIGURES} == {"per 100", "s", "MB"}


def test_few_values_have_percentiles_too() -> None:
    assert figures.percentile([1.0, 2.0], 0) == 1.0
    assert figures.percentile([3.0], 95) == 3.0
    assert figures.percentile([1.0, 2.0], 100) == 2.0
    assert figures.percentile([1.0, 2.0], 50) == 1.5
