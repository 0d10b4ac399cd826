"""The background and the sprites: drawn once, shared, and where the painter expects them."""

from __future__ import annotations

import numpy as np

from rejoin.emulator.host.game import HEIGHT, WIDTH
from rejoin.emulator.host.scenery import background, digit_tile, letter_place, sprites
from rejoin.emulator.host.strip import STRIP_PX


def test_the_background_is_a_picture_with_room_for_the_strip() -> None:
    y, u, v = background(1.0)
    assert y.shape == (HEIGHT, WIDTH)
    assert u.shape == v.shape == (HEIGHT // 2, WIDTH // 2)
    assert len(np.unique(y[:STRIP_PX])) == 1
    assert len(np.unique(y[STRIP_PX:])) > 50
    assert y.min() >= 16
    assert y.max() <= 235


def test_everything_is_drawn_once() -> None:
    assert background(1.0) is background(1.0)
    assert sprites(1.0) is sprites(1.0)


def test_the_player_has_a_sprite_for_every_direction() -> None:
    directions = {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)}
    assert set(sprites(1.0).player) == directions
    assert len({sprites(1.0).player[each].y.tobytes() for each in directions}) == 9


def test_ten_different_digits_side_by_side() -> None:
    tiles = [digit_tile(digit, 1.0) for digit in "0123456789"]
    assert len({tile.tobytes() for tile in tiles}) == 10
    _height, width = tiles[0].shape
    left, top = letter_place(0, 0, 1.0)
    assert letter_place(0, 1, 1.0) == (left + width * 6 // 5, top)


def test_a_larger_scale_has_everything_larger() -> None:
    for plane, large in zip(background(1.0), background(1.5), strict=True):
        assert large.shape == (plane.shape[0] * 3 // 2, plane.shape[1] * 3 // 2)
        assert abs(float(large.mean()) - float(plane.mean())) < 0.5
    firefly, large_firefly = sprites(1.0).firefly[7], sprites(1.5).firefly[7]
    assert firefly.keep.shape == (14, 14)
    assert large_firefly.keep.shape == (22, 22)
    assert large_firefly.u.shape == (11, 11)
    # what is transparent stays so, and no sum of a sprite and what is behind it overflows
    assert large_firefly.keep.max() == 256
    assert (large_firefly.y + large_firefly.keep.astype(int) * 235).max() < 1 << 16
    assert digit_tile("8", 1.5).shape == (42, 30)
    assert letter_place(1, 6, 1.5) == tuple(side * 3 // 2 for side in letter_place(1, 6, 1.0))
