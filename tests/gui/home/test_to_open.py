"""What is opened has the key of its game."""

from __future__ import annotations

from helpers.home_scene import WOOD
from rejoin.gui.home.to_open import ToOpen


def test_the_key_is_that_of_the_game() -> None:
    assert ToOpen("x", WOOD.address).key == WOOD.key
