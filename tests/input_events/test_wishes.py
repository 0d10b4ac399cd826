"""A wish is a value: two of the same kind can be told apart by what they want alone."""

from __future__ import annotations

from typing import get_args

from rejoin.input_events.wishes import (
    AnyWish,
    CursorWish,
    FullScreenWish,
    PointerLockWish,
    VibrationWish,
)


def test_every_wish_is_a_value_of_its_own_kind() -> None:
    wishes = {
        PointerLockWish(True),
        PointerLockWish(False),
        FullScreenWish(True),
        CursorWish("x"),
        VibrationWish(0, 1.0, 0.5, 0.1),
    }
    assert {type(wish) for wish in wishes} == set(get_args(AnyWish))
    assert len(wishes | {PointerLockWish(True)}) == 5
