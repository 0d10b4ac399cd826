"""The painter redraws only what changed, and it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rejoin.emulator.host.game import HEIGHT, WIDTH, Game
from rejoin.emulator.host.painter import Painter
from rejoin.emulator.host.scenery import Plane
from rejoin.emulator.host.strip import read_strip, read_voice
from rejoin.input_protocol.controls import Controls

RIGHT, UP, LEFT, DOWN = 0x4F, 0x1A, 0x04, 0x16


def planes(scale: float = 1.0) -> tuple[Plane, Plane, Plane]:
    height, width = round(HEIGHT * scale), round(WIDTH * scale)
    return (
        np.zeros((height, width), np.uint8),
        np.zeros((height // 2, width // 2), np.uint8),
        np.zeros((height // 2, width // 2), np.uint8),
    )


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_painting_only_what_changed_gives_the_whole_picture(scale: float) -> None:
    """A painter that has painted many scenes shows the same as a new one: the player walks over
    coins, a star falls, the microphone is allowed and forbidden, and pictures are left out."""
    game = Game(0.0)
    old = planes(scale)
    painter = Painter(*old, scale)
    steps = [*np.linspace(0.02, 3, 40), *np.linspace(10.9, 12, 20), 30.0]
    for step, at in enumerate(steps):
        keys = {RIGHT, UP} if step % 20 < 10 else {LEFT, DOWN}
        game.hold(Controls(frozenset(keys)), float(at))
        scene = replace(game.scene(), voice=step / 100 if step % 7 < 3 else None)
        painter.paint(scene)
        new = planes(scale)
        Painter(*new, scale).paint(scene)
        for one, other in zip(old, new, strict=True):
            assert np.array_equal(one, other), f"step {step}"
    assert game.score > 0


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_strip_of_a_painted_picture_is_read(scale: float) -> None:
    game = Game(0.0)
    game.advance(5.0)
    y, u, v = planes(scale)
    Painter(y, u, v, scale).paint(replace(game.scene(), voice=1.0))
    reading = read_strip(y)
    assert reading is not None
    assert (reading.counter, reading.chain_head) == (300, int.from_bytes(game.chain[:2]))
    assert read_voice(y) == 1.0


def test_both_scales_show_the_same_scene() -> None:
    game = Game(0.0)
    game.advance(20.0)
    small, large = planes(1.0), planes(1.5)
    Painter(*small).paint(game.scene())
    Painter(*large, 1.5).paint(game.scene())
    for one, other in zip(small, large, strict=True):
        rows, columns = (np.arange(side * 3 // 2) * 2 // 3 for side in one.shape)
        near = one[np.ix_(rows, columns)].astype(int)
        assert np.abs(near - other).mean() < 3
