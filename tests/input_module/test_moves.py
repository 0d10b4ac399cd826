"""Tests for the joining of movements."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rejoin.input_events.events import Modifiers, PointerMove
from rejoin.input_module.moves import JOIN_S, Moves


def move(dx: float = 1, buttons: int = 0, modifiers: Modifiers = Modifiers.NONE) -> PointerMove:
    return PointerMove(dx, -dx, dx, dx, buttons, modifiers)


def test_the_first_movement_goes_at_once() -> None:
    moves = Moves()
    assert moves.add(move(), 0.0) == [move()]
    assert moves.due_at is None


def test_movements_within_four_milliseconds_are_joined() -> None:
    moves = Moves()
    moves.add(move(), 0.0)
    for at in (0.001, 0.002, 0.003):
        assert moves.add(move(at), at) == []
    assert moves.due_at == JOIN_S
    [joined] = moves.flush(JOIN_S)
    assert (joined.dx, joined.dy) == (0.006, -0.006)
    assert (joined.x, joined.y) == (0.003, 0.003)
    assert moves.flush(JOIN_S) == []


def test_a_movement_with_other_buttons_is_not_joined() -> None:
    moves = Moves()
    moves.add(move(), 0.0)
    moves.add(move(2), 0.001)
    assert moves.add(move(3, buttons=1), 0.002) == [move(2)]
    assert moves.add(move(4, 1, Modifiers.SHIFT), 0.003) == [move(3, buttons=1)]
    assert moves.flush(0.004) == [move(4, 1, Modifiers.SHIFT)]


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.floats(0, 0.01), st.sampled_from([0, 0, 0, 1])),
        max_size=60,
    )
)
def test_nothing_is_lost_and_nothing_comes_too_often(
    given_moves: list[tuple[int, float, int]],
) -> None:
    moves, now, sent = Moves(), 0.0, []
    for dx, later, buttons in given_moves:
        now += later
        due_at = moves.due_at
        if due_at is not None and due_at <= now:
            sent += [(due_at, each) for each in moves.flush(due_at)]
        sent += [(now, each) for each in moves.add(move(dx, buttons), now)]
    sent += [(now + JOIN_S, each) for each in moves.flush(now + JOIN_S)]
    assert sum(Fraction(each.dx) for _, each in sent) == sum(dx for dx, _, _ in given_moves)
    alike = all(buttons == 0 for _, _, buttons in given_moves)
    for (before, _), (after, _) in itertools.pairwise(sent):
        assert not alike or after - before >= JOIN_S - 1e-9
