"""Continuity: read from the pictures, and compared with the clock."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.demo.continuity import Continuity, PictureRecorder
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.strip import strip_bits
from rejoin.media.video.picture import Picture


@pytest.mark.parametrize(
    ("before", "after", "gap_s", "continued"),
    [
        (318, 632, 5.22, True),
        (318, 652, 5.22, True),  # the last picture came late
        (318, 313, 5.22, False),  # a new game, which began at once
        (318, 319, 5.22, False),  # it stood still
        (318, 900, 5.22, False),  # another one, which is older
        (100, 160, 1.0, True),
        (100, 101, 1.0, False),
        (100, 60, 1.0, False),
        (100, 12, 1.0, False),
        (20, 40, 0.5, True),
        (20, 130, 0.5, True),  # the last picture came very late
        (20, 300, 0.5, False),
        (20, 1, 0.5, False),
    ],
)
def test_the_tick_counter_must_advance_with_the_time(
    before: int, after: int, gap_s: float, continued: bool
) -> None:
    one = Continuity(last_tick=before, first_tick=after, gap_s=gap_s)
    assert one.continued is continued
    assert one.missing_ticks == after - before - 1


def shown(connection: int, tick: int, at: float) -> Picture:
    """A picture with nothing but the tick counter's strip."""
    game = Game(0.0)
    game.advance(tick / 60 + 1e-3)
    bits = strip_bits(game.counter, game.chain)
    picture = np.zeros((720, 1280, 4), np.uint8)
    picture[:32] = np.kron(bits, np.full((16, 40), 206, np.uint8))[:, :, None]
    frame = VideoFrame.from_ndarray(picture, format="bgra")
    return Picture(ConnectionNumber(connection), frame, at, 0, at)


def test_the_last_picture_of_one_connection_is_compared_with_the_first_of_the_next() -> None:
    recorder = PictureRecorder()
    for connection, tick, at in ((1, 60, 1.0), (1, 90, 1.5), (3, 150, 2.5), (3, 170, 2.9)):
        recorder.put(shown(connection, tick, at))
    (one,) = recorder.continuity()
    assert one == Continuity(last_tick=90, first_tick=150, gap_s=1.0)
    assert one.continued


def test_an_unreadable_picture_proves_nothing() -> None:
    recorder = PictureRecorder()
    frame = VideoFrame.from_ndarray(np.zeros((720, 1280, 4), np.uint8), format="bgra")
    recorder.put(Picture(ConnectionNumber(1), frame, 1.0, 0, 1.0))
    recorder.put(shown(2, 60, 2.0))
    assert recorder.continuity() == ()
