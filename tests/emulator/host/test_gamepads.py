"""Gamepads become keys and buttons that the game plays by."""

from __future__ import annotations

import pytest

from rejoin.emulator.host.gamepads import with_gamepads
from rejoin.input_protocol.controls import Controls, Gamepad

UP, DOWN, LEFT, RIGHT = 0x52, 0x51, 0x50, 0x4F


@pytest.mark.parametrize(
    ("gamepad", "keys"),
    [
        (Gamepad(), set()),
        (Gamepad(axes=(32767, 0, 0, 0)), {RIGHT}),
        (Gamepad(axes=(-32767, -32768, 0, 0)), {LEFT, UP}),
        (Gamepad(axes=(0, 20_000, 0, 0)), {DOWN}),
        (Gamepad(axes=(9_000, -9_000, 0, 0)), set()),  # hardly tilted
        (Gamepad(axes=(0, 0, 32767, 32767)), set()),  # the right stick moves nothing
        (Gamepad(buttons=1 << 12 | 1 << 15), {UP, RIGHT}),
    ],
)
def test_stick_and_directional_pad_are_arrow_keys(gamepad: Gamepad, keys: set[int]) -> None:
    assert with_gamepads(Controls(), [gamepad]) == Controls(frozenset(keys))


def test_buttons_are_added_to_what_is_held_and_keep_clear_of_the_mouse() -> None:
    held = Controls(frozenset({4}), 1, 5, 6, 7)
    both = [Gamepad(buttons=1), Gamepad(buttons=1 << 16 | 1 << 31)]
    assert with_gamepads(held, both) == Controls(frozenset({4}), 1 | 1 << 8 | 1 << 24, 5, 6, 7)
