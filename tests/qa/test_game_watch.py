"""What is remembered of a game while it is played: few pictures, its ticks and its heartbeats."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from helpers.fake_port import FakeClock
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.strip import DARK_LUMA, LIGHT_LUMA, STRIP_ROW_PX, strip_bits
from rejoin.media.video.picture import Picture
from rejoin.qa.drop_evidence import TICKS_PER_S
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.game_watch import GameWatch

WIDTH, HEIGHT = 640, 360
ROW = STRIP_ROW_PX // 2


def a_picture(at: float, connection: int = 1, *, tick_s: float | None = None) -> Picture:
    """Always of the same scene; with a strip if `tick_s` is given."""
    blocks = np.random.default_rng(1).integers(40, 230, (18, 32), dtype=np.uint8)
    luma = np.kron(blocks, np.ones((20, 20), np.uint8))
    if tick_s is not None:
        bits = strip_bits(round(tick_s * TICKS_PER_S), b"ab")
        wide = np.kron(bits, np.ones((ROW, WIDTH // 32), np.uint8))
        luma[: 2 * ROW] = np.where(wide, LIGHT_LUMA, DARK_LUMA)
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
    frame.planes[0].update(luma.astype(np.uint8).tobytes())
    for plane in list(frame.planes)[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    return Picture(ConnectionNumber(connection), frame, at, round(at * 90_000), at)


def watched(*pictures: Picture) -> GameWatch:
    watch = GameWatch()
    for each in pictures:
        watch.put(each)
    return watch


def test_the_picture_is_still_in_the_slot() -> None:
    shown = a_picture(1.0)
    watch = watched(shown)
    assert watch.take() is shown


def test_the_counter_in_the_picture_is_read() -> None:
    watch = watched(a_picture(100.0, tick_s=30.0), a_picture(105.0, 2, tick_s=35.0))
    found = watch.proof(100.0, 105.0)
    assert (found.rests_on, found.says) == (Rests.STRIP, Says.WENT_ON)
    assert found.detail == "tick 1800 before, 2100 after 5.00 s"


def test_a_game_without_a_counter_rests_on_its_picture() -> None:
    watch = watched(a_picture(100.0), a_picture(105.0, 2))
    assert watch.proof(100.0, 105.0) == DropProof(Rests.PICTURE, Says.SAME_SCENE, 1.0)


@pytest.mark.parametrize("connection", [1, 2])
def test_two_pictures_a_second_are_looked_at_and_the_first_of_a_connection(connection: int) -> None:
    """The second one comes too soon, unless it is of another connection."""
    watch = watched(a_picture(100.0), a_picture(100.3, connection))
    is_known = watch.proof(100.0, 100.2).rests_on is Rests.PICTURE
    assert is_known == (connection == 2)


def test_heartbeats_are_read_and_other_messages_are_none() -> None:
    clock = FakeClock(99.0)
    watch = GameWatch(clock)
    for data in (b'{"heartbeat": 4, "game": "a"}', b"hello"):
        watch.on_message(data)
    clock.now = 106.0
    watch.on_message(b'{"heartbeat": 9, "game": "a"}')
    found = watch.proof(100.0, 105.0)
    assert (found.rests_on, found.says) == (Rests.HEARTBEAT, Says.WENT_ON)
    assert found.detail == "heartbeat 4 before, 9 after"
