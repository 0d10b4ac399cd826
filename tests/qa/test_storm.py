"""Storms: how many games are lost is what was computed by hand, and near what no order exceeds."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from helpers.matching import most_saved
from rejoin.backend.create_order import Waiting
from rejoin.cli import qa_storm
from rejoin.qa import storm
from rejoin.qa.storm import Lost, Storm

SMALL = Storm(1000, 30.0, 20.0, (120.0,))


def test_a_storm_is_the_same_every_time() -> None:
    assert storm.play(SMALL) == storm.play(SMALL)
    assert storm.play(replace(SMALL, failing=0.2)) != storm.play(
        replace(SMALL, failing=0.2, seed=2)
    )


def test_enough_calls_save_everybody() -> None:
    lost = storm.play(SMALL)
    assert (lost.lost, lost.saved, lost.calls, lost.late) == (0, {120.0: 1000}, 1000, 0)
    # 1000 calls at 20 a second, from the end of the outage on.
    assert lost.over_s == pytest.approx(30 + 1000 / 20, abs=2.0)


def test_a_window_that_is_over_during_the_outage_saves_nobody() -> None:
    lost = storm.play(replace(SMALL, windows_s=(20.0,)))
    assert (lost.lost, lost.most) == (1000, 0)
    assert lost.calls > 0  # nobody outside the service knows that at once
    assert lost.late == lost.calls


def test_what_is_saved_is_near_the_most_and_never_more() -> None:
    for windows_s in ((30.0,), (60.0,), (120.0,)):
        lost = storm.play(replace(SMALL, players=3000, windows_s=windows_s))
        assert 0.9 * lost.most <= sum(lost.saved.values()) <= lost.most, windows_s


@pytest.mark.parametrize("windows_s", [(60.0, 90.0), (60.0, 120.0, 600.0), (10.0, 30.0, 600.0)])
@pytest.mark.parametrize("notice_s", [0.0, 5.0, 20.0])
def test_calls_to_games_that_are_over_teach_the_backend(
    windows_s: tuple[float, ...], notice_s: float
) -> None:
    """Their latest deadline is a minute after the shown one; the answers show where they end."""
    mixed = storm.play(replace(SMALL, players=3000, windows_s=windows_s, notice_s=notice_s))
    learning = 2.0 * mixed.storm.per_s
    assert mixed.most - learning <= sum(mixed.saved.values()) <= mixed.most


def test_the_most_is_that_of_the_matching_of_games_to_calls() -> None:
    chance_free = replace(SMALL, windows_s=(40.0, 60.0))
    world = storm._World(chance_free, random.Random(3))
    world.begin()
    games = [
        Waiting(each.ends_at - 30.5, each.ends_at - 30.5)
        for each in world.games
        if each.ends_at >= 30.5
    ]
    assert storm._most(world) == most_saved(games, 20.0, at_once=chance_free.burst)


def test_a_higher_quota_and_a_longer_window_lose_fewer() -> None:
    base = replace(SMALL, players=4000)
    found = {
        (each.windows_s, each.per_s): storm.play(each).lost
        for each in storm.grid(base, (20.0, 100.0), ((60.0,), (120.0,)))
    }
    assert found[(60.0,), 20.0] > found[(60.0,), 100.0]
    assert found[(60.0,), 20.0] > found[(120.0,), 20.0]
    assert found[(120.0,), 100.0] == 0


def test_calls_that_fail_are_made_again() -> None:
    lost = storm.play(replace(SMALL, failing=0.25))
    assert lost.lost == 0
    assert 1200 < lost.calls < 1500
    assert lost.late == lost.calls - 1000


def test_the_burst_is_enough_for_the_quota() -> None:
    assert replace(SMALL, per_s=20.0).burst == 5
    assert replace(SMALL, per_s=2000.0).burst == 500
    fast = storm.play(replace(SMALL, players=20_000, per_s=2000.0))
    assert fast.lost == 0
    assert fast.over_s < 45.0


def test_several_storms_are_played_in_their_order() -> None:
    storms = storm.grid(replace(SMALL, players=50), (20.0, 40.0), ((60.0,), (120.0,)))
    told: list[int] = []
    found = storm.play_all(storms, 1, told.append)
    assert [each.storm for each in found] == storms
    assert told == [1, 2, 3, 4]
    assert all(isinstance(each, Lost) for each in found)


def test_the_shortest_outage_is_the_one_that_help_names() -> None:
    assert qa_storm._SHORTEST_OUTAGE_S == storm.SHORTEST_OUTAGE_S
