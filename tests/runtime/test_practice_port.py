"""Practice drops as the window sees them."""

from __future__ import annotations

import pytest

from rejoin.runtime.practice_port import Held, PracticeState


@pytest.mark.parametrize(
    ("state", "on"),
    [
        (PracticeState(), False),
        (PracticeState("cut_3s"), True),
        (PracticeState(held=Held(1)), True),
        (PracticeState(held=Held(0, 10)), True),
        (PracticeState(problem="why"), False),
    ],
)
def test_a_named_fault_or_what_is_held_is_on(state: PracticeState, on: bool) -> None:
    assert state.is_on == on
