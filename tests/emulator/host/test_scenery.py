"""The background and the sprites: drawn once, shared, and where the painter expects them."""

from __future__ import annotations

import numpy as np

from rejoin.emulator.host.game import HEIGHT, WIDTH
from rejoin.emulator.host.scenery import background, digit_tile, letter_place, sprites
from rejoin.emulator.host.strip import STRIP_PX


def test_the_background_is_a_picture_with_room_for_the_strip() -> None:
    y, u, v = background()
    assert y.shape == (HEIGHT, WIDTH)
    assert u.shape == v.shape == (HEIGHT // 2, WIDTH // 2)
    assert len(np.unique(y[:STRIP_PX])) == 1
    assert len(np.unique(y[STRIP_PX:])) > 50
    assert y.min() >= 16
    assert y.max() <= 235


def test_everything_is_drawn_once() -> None:
    assert background() is background()
    assert sprites() is sprites()


def test_the_player_has_a_sprite_for_every_direction() -> None:
    directions = {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)}
    assert set(sprites().player) == directions
    assert len({sprites().player[each].y.tobytes() for each in directions}) == 9


def test_ten_different_digits_side_by_side() -> None:
    tiles = [digit_tile(digit) for digit in "0123456789"]
    assert len({tile.tobytes() for tile in tiles}) == 10
    _height, width = tiles[0].shape
    left, top = letter_place(0, 0)
    assert letter_place(0, 1) == (left + width * 6 // 5, top)
