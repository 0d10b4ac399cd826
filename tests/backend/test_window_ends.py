"""When games are over: learned from the answers to create calls, and not from one alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rejoin.backend.create_order import NO_DOUBT, Waiting
from rejoin.backend.window_ends import KEPT, KEPT_S, NEEDED, CreateOutcome, WindowEnds


def over(latest_s: float, *, shown_s: float = -1.0) -> CreateOutcome:
    return CreateOutcome(shown_s, latest_s, 0.1, taken=False)


def taken(latest_s: float, *, shown_s: float = -1.0, took_s: float = 0.1) -> CreateOutcome:
    return CreateOutcome(shown_s, latest_s, took_s, taken=True)


def learned(*outcomes: CreateOutcome) -> float:
    """Until the latest deadline: games with less are doubted."""
    ends = WindowEnds()
    for outcome in outcomes:
        ends.saw(outcome, 0.0)
    return ends.doubt(0.0).left_s


def test_nothing_is_doubted_before_several_games_were_over() -> None:
    assert WindowEnds().doubt(0.0) == NO_DOUBT
    assert learned(*[over(54.0)] * NEEDED) == 0.0
    assert 54.0 < learned(*[over(54.0)] * (NEEDED + 1)) < 54.2


def test_the_limit_lies_between_those_that_were_taken_and_those_that_were_over() -> None:
    outcomes = [taken(left_s) for left_s in (58.0, 56.0, 55.0)]
    outcomes += [over(left_s) for left_s in (54.5, 54.0, 53.5, 53.0)]
    assert 54.5 < learned(*outcomes) < 55.0


def test_games_that_ended_for_a_reason_of_their_own_do_not_outweigh_those_that_live() -> None:
    odd = [over(59.0)] * 3
    lives = [taken(left_s) for left_s in (50.0, 40.0, 30.0, 20.0, 10.0)]
    assert learned(*odd, *lives) == 0.0


def test_what_a_game_in_time_shows_is_no_evidence() -> None:
    assert learned(*[over(60.0, shown_s=20.0)] * 10) == 0.0
    # One whose shown deadline passes while the call is made is.
    assert learned(*[CreateOutcome(1.0, 1.0, 3.0, taken=False)] * 5) > 1.0


def test_games_that_are_taken_again_take_the_doubt_away() -> None:
    ends = WindowEnds()
    for _ in range(5):
        ends.saw(over(50.0), 0.0)
    assert ends.doubt(0.0).left_s > 50.0
    for _ in range(5):
        ends.saw(taken(10.0), 0.0)
    assert ends.doubt(0.0).left_s == 0.0


def test_what_was_seen_of_an_earlier_drop_is_forgotten() -> None:
    ends = WindowEnds()
    for _ in range(KEPT):
        ends.saw(over(50.0), 100.0)
    assert ends.doubt(100.0 + KEPT_S).left_s > 50.0
    assert ends.doubt(101.0 + KEPT_S).left_s == 0.0


def test_a_call_takes_as_long_as_most_of_the_last_ones_did() -> None:
    ends = WindowEnds()
    for took_s in (0.2, 0.3, 9.0):
        ends.saw(taken(55.0, took_s=took_s), 0.0)
    assert ends.doubt(0.0).takes_s == 0.3


@given(
    st.lists(
        st.builds(
            CreateOutcome,
            st.floats(-100, 100),
            st.floats(-100, 100),
            st.floats(0, 10),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_was_seen_nobody_is_doubted_who_is_in_time_by_what_is_shown(
    outcomes: list[CreateOutcome],
) -> None:
    ends = WindowEnds()
    for outcome in outcomes:
        ends.saw(outcome, 0.0)
    doubt = ends.doubt(0.0)
    assert doubt.left_s >= 0.0
    assert not Waiting(doubt.takes_s, 1e9).is_doubtful(0.0, doubt)
    assert not Waiting(doubt.takes_s, doubt.takes_s).is_doubtful(0.0, doubt)
