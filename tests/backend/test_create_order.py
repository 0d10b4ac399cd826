"""The order of players who come back: the most that any order saves, and what a lie gains."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.matching import (
    Storm,
    after_an_outage,
    by_arrival,
    by_deadline,
    dropped_at_once,
    last_call,
    lying,
    matching,
    most_saved,
)
from rejoin.backend.create_order import (
    NO_DOUBT,
    NOTICE_S,
    Claimed,
    Doubt,
    Forecast,
    Waiting,
    believed,
    have_time_to_spare,
    ordered,
)

PER_S = 20.0


def in_our_order(_: int, game: Waiting) -> tuple[float, ...]:
    return game.rank[:3]


@pytest.mark.parametrize(
    ("count", "fifo", "edf", "ours"), [(1000, 712, 951, 951), (10_000, 3332, 2701, 4901)]
)
def test_skipping_the_hopeless_saves_as_many_as_a_maximum_matching(
    count: int, fifo: int, edf: int, ours: int
) -> None:
    games = dropped_at_once(count)
    matched = matching(games, PER_S)
    assert len(set(matched.values())) == len(matched)
    assert all(call <= last_call(games[number], PER_S) for call, number in matched.items())
    assert len(matched) == most_saved(games, PER_S)  # so it is a maximum
    assert len(matched) == ours
    assert Storm(games, in_our_order, skips=True).run() == ours
    assert Storm(games, by_arrival, skips=False).run() == fifo
    assert Storm(games, by_deadline, skips=False).run() == edf


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_it_does_so_for_any_windows(tenths: list[int], chance: random.Random) -> None:
    games = [Waiting(each / 10, each / 10) for each in tenths]
    chance.shuffle(games)
    saved = Storm(games, in_our_order, skips=True, per_s=10.0).run()
    assert saved == most_saved(games, 10.0) == len(matching(games, 10.0))


@given(
    st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.5, 60.0]), max_size=12),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_no_order_saves_more_where_some_calls_are_made_at_once(
    windows: list[float], at_once: int, chance: random.Random
) -> None:
    games = [Waiting(each, each) for each in windows]
    chance.shuffle(games)
    most = most_saved(games, 2.0, at_once)
    assert most == augmented(games, 2.0, at_once)
    assert Storm(games, in_our_order, skips=True, per_s=2.0, at_once=at_once).run() == most
    for rank in (by_arrival, by_deadline):
        assert Storm(games, rank, skips=False, per_s=2.0, at_once=at_once).run() <= most


def augmented(games: list[Waiting], per_s: float, at_once: int) -> int:
    """The size of a maximum matching of games to calls, by augmenting paths."""
    game_of: dict[int, int] = {}

    def augment(game: int, tried: set[int]) -> bool:
        for call in range(len(games)):
            made_at = max(0, call + 1 - at_once) / per_s
            if made_at <= games[game].latest_at and call not in tried:
                tried.add(call)
                if call not in game_of or augment(game_of[call], tried):
                    game_of[call] = game
                    return True
        return False

    return sum(augment(game, set()) for game in range(len(games)))


def test_calls_for_games_that_are_over_cost_the_others_theirs() -> None:
    # At two calls a second: one of the short ones, and the last.
    games = [Waiting(each, each) for each in (0.4, 0.4, 0.4, 1.1)]
    assert Storm(games, by_deadline, skips=False, per_s=2.0).run() == 1
    assert most_saved(games, 2.0) == 2


def test_released_sessions_come_first_and_the_hopeless_last_but_they_come() -> None:
    hopeless = Waiting(1.0, 5.0, session_id="hopeless")
    connected = Waiting(11.0, 60.0, released=False, session_id="connected")
    late = Waiting(50.0, 90.0, session_id="late")
    near = Waiting(12.0, 13.0, session_id="near")
    waiting = [hopeless, connected, late, near]
    names = [each.session_id for each in ordered(waiting, 10.0)]
    assert names == ["near", "late", "connected", "hopeless"]


def test_the_doubtful_come_when_nobody_else_waits_and_the_latest_of_them_first() -> None:
    in_time = Waiting(100.5, 160.5, session_id="in time")
    connected = Waiting(190.0, 190.0, released=False, session_id="connected")
    passed = Waiting(99.0, 159.0, session_id="passed")
    older = Waiting(95.0, 155.0, session_id="older")
    oldest = Waiting(92.0, 152.0, session_id="oldest")
    hopeless = Waiting(30.0, 90.0, session_id="hopeless")
    waiting = [hopeless, oldest, older, passed, connected, in_time]

    def names(doubt: Doubt) -> list[str]:
        return [each.session_id for each in ordered(waiting, 100.0, doubt)]

    nearest_first = ["oldest", "older", "passed", "in time", "connected", "hopeless"]
    assert names(NO_DOUBT) == names(Doubt(0.0, 10.0)) == nearest_first
    doubt = Doubt(left_s=57.0)
    assert names(doubt) == ["passed", "in time", "connected", "older", "oldest", "hopeless"]
    forecast = Forecast(waiting, 100.0, 1.0, doubt)
    assert forecast.place_of(in_time).number == 2
    assert forecast.place_of(older).number == 4
    first = Doubt(left_s=57.0, first=True)
    assert names(first) == ["older", "oldest", "passed", "in time", "connected", "hopeless"]
    assert Forecast(waiting, 100.0, 1.0, first).place_of(older).number == 1
    # Who comes later has the place that the order gives to them.
    for newcomer in (
        Waiting(93.0, 153.0, session_id="in doubt"),
        Waiting(170.0, 230.0, session_id="with time"),
    ):
        place = Forecast(waiting, 100.0, 1.0, first).place_of(newcomer).number
        assert place == 1 + ordered([*waiting, newcomer], 100.0, first).index(newcomer)
    # A shown deadline that passes before the call has an effect is as good as passed.
    slow = names(Doubt(left_s=61.0, takes_s=1.0))
    assert slow == ["connected", "in time", "passed", "older", "oldest", "hopeless"]


def test_others_have_time_to_spare_if_each_needs_much_less_than_is_left() -> None:
    doubt = Doubt(left_s=50.0)
    doubtful = Waiting(90.0, 140.0)
    hopeless = Waiting(30.0, 90.0)

    def spare(*games: Waiting, per_s: float = 2.0) -> bool:
        return have_time_to_spare([*games, doubtful, hopeless], 100.0, per_s, doubt)

    assert spare()
    ten = [Waiting(110.0, 170.0)] * 10  # the last one is called for after 5 s; 8 s less 2 are left
    assert spare(*ten)
    assert not spare(*ten, *ten[:2])
    assert not spare(*ten, per_s=1.5)
    assert spare(*ten, *[Waiting(150.0, 150.0)] * 50)
    assert not spare(*ten, *[Waiting(150.0, 150.0)] * 80)
    assert not spare(Waiting(99.0, 159.0)), "it is beyond its shown deadline, and probably lives"


@pytest.mark.parametrize(
    ("count", "windows_s", "notice_s"),
    [
        (1000, (30.0, 120.0, 600.0), 5.0),
        (3000, (60.0,), 5.0),
        (3000, (60.0, 90.0), 5.0),
        (3000, (60.0, 120.0, 600.0), 5.0),
        (3000, (60.0, 90.0), 0.0),
        (3000, (60.0, 120.0, 600.0), 20.0),
        (2000, (60.0, 90.0), 58.0),
    ],
)
def test_after_an_outage_no_order_that_knows_no_more_saves_many_more(
    count: int, windows_s: tuple[float, ...], notice_s: float
) -> None:
    """Calls to games that are over cost the others theirs; when they end, the answers show."""
    games, truth = after_an_outage(count, windows_s, notice_s)
    saved = {
        name: Storm(
            games, in_our_order, skips=True, begins_at=30.0, takes_s=0.5, doubt=doubt, truth=truth
        ).run()
        for name, doubt in (
            ("by deadlines alone", NO_DOUBT),
            ("past the shown one last", Doubt(left_s=math.inf)),
            ("learned", None),
        )
    }
    left_s = [each.latest_at - 30.5 for each in truth]
    most = most_saved([Waiting(each, each) for each in left_s], PER_S)
    # Half a second of calls is under way before the first answer, and the service's own second.
    learning = (0.5 + 1.0) * PER_S
    assert saved["learned"] >= saved["by deadlines alone"] - learning
    assert saved["learned"] >= saved["past the shown one last"] - learning
    assert most - learning <= saved["learned"] <= most


def test_a_forecast_counts_who_is_met_before() -> None:
    games = [replace(game, session_id=str(at)) for at, game in enumerate(dropped_at_once(1000))]
    forecast = Forecast(games, 0.0, PER_S)
    assert forecast.waiting - forecast.hopeless == most_saved(games, PER_S)
    first = ordered(games, 0.0)[0]
    assert forecast.place_of(first).number == 1
    assert forecast.place_of(first).turn_in_s == 0.0
    last = forecast.place_of(Waiting(600.0, 600.0, session_id="~"))
    assert last.number == most_saved(games, PER_S) + 1
    assert last.turn_in_s == pytest.approx((last.number - 1) / PER_S)
    assert forecast.place_of(Waiting(0.0, 0.0)).turn_in_s == 0.0
    beaten = forecast.place_of(Waiting(10.0, 10.0, session_id="~"))
    assert beaten.number == last.number  # its turn comes after those who can be met


def test_what_a_forecast_says_is_what_happens() -> None:
    games = [replace(game, session_id=str(at)) for at, game in enumerate(dropped_at_once(400))]
    forecast = Forecast(games, 0.0, PER_S)
    waiting, now = list(games), 0.0
    for call in range(most_saved(games, PER_S)):
        now = call / PER_S
        first = ordered(waiting, now)[0]
        waiting.remove(first)
        assert forecast.place_of(first).turn_in_s == pytest.approx(now)


def test_a_lie_about_the_window_gains_nothing() -> None:
    games = dropped_at_once(2000)
    liars = frozenset(number for number, game in enumerate(games) if game.latest_at == 600.0)
    honest = Storm(games, in_our_order, skips=True).run()
    lies = lying(games, liars, 0.5)
    fooled = Storm(lies, in_our_order, skips=True, truth=games)
    assert fooled.run() < honest  # where the backend knows nothing of its own
    corrected = []
    for game, lie in zip(games, lies, strict=True):
        belief = believed(
            Claimed(lie.shown_at, lie.latest_at),
            lower_s=game.shown_at,  # its own proof, and the session's connection timeout
            timeout_s=game.shown_at,
        )
        corrected.append(Waiting(belief.shown_s, belief.latest_s))
    assert Storm(corrected, in_our_order, skips=True, truth=games).run() == honest


def test_what_is_believed_of_a_window() -> None:
    def of(window_s: float | None, latest_s: float | None, lower_s: float | None) -> object:
        belief = believed(Claimed(window_s, latest_s), lower_s=lower_s, timeout_s=30.0)
        return belief.shown_s, belief.latest_s, belief.guessed

    assert of(12.0, 72.0, None) == (12.0, 72.0, False)
    assert of(1.0, 2.0, 28.0) == (28.0, 28.0, False)
    assert of(1.0, None, -500.0) == (1.0, 1.0, False)
    assert of(9000.0, 9000.0, None) == (30.0, 30.0 + NOTICE_S, False)
    assert of(20.0, 5.0, None) == (20.0, 20.0, False)
    assert of(None, None, None) == (30.0, 30.0, True)
    assert of(None, 50.0, 3.0) == (30.0, 50.0, True)
