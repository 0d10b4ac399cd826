"""The painter redraws only what changed, and it shows."""

from __future__ import annotations

import numpy as np

from rejoin.emulator.host.game import HEIGHT, WIDTH, Game
from rejoin.emulator.host.painter import Painter
from rejoin.emulator.host.scenery import Plane
from rejoin.input_protocol.controls import Controls

RIGHT, UP = 0x4F, 0x1A


def planes() -> tuple[Plane, Plane, Plane]:
    return (
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
    )


def test_painting_only_what_changed_gives_the_whole_picture() -> None:
    """A painter that has painted many scenes shows the same as a new one."""
    game = Game(0.0)
    old = planes()
    painter = Painter(*old)
    for step in range(60):
        game.hold(Controls(frozenset({RIGHT, UP} if step % 20 < 10 else {0x04, 0x16})), step * 0.25)
        painter.paint(game.scene())
    new = planes()
    Painter(*new).paint(game.scene())
    for one, other in zip(old, new, strict=True):
        assert np.array_equal(one, other)
