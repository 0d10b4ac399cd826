"""The game: a pure function of time and input, and a strip that survives the way to the screen."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from rejoin.emulator.host.game import (
    COIN_SCORE,
    HEIGHT,
    TICKS_PER_S,
    WIDTH,
    Game,
    Painter,
    Plane,
    StripReading,
    read_strip,
)
from rejoin.emulator.host.sender import VideoEncoder
from rejoin.input_protocol.controls import Controls

RIGHT, UP = 0x4F, 0x1A


def planes() -> tuple[Plane, Plane, Plane]:
    return (
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
    )


def test_the_counter_is_right_however_seldom_it_is_looked_at() -> None:
    often, seldom = Game(100.0), Game(100.0)
    for step in range(1, 1001):
        often.advance(100.0 + step * 0.01)
    assert seldom.advance(110.0) == often.counter == 10 * TICKS_PER_S
    assert seldom.chain == often.chain
    assert seldom.advance(105.0) == 600  # time never goes back


def test_an_hour_later_it_has_not_drifted() -> None:
    game = Game(12345.678)
    game.advance(12345.678 + 1800.5)
    assert game.advance(12345.678 + 3600) == 3600 * TICKS_PER_S


def test_the_chain_tells_of_every_input_and_when() -> None:
    def play(pressed_at: float, key: int) -> bytes:
        game = Game(0.0)
        game.hold(Controls(frozenset({key})), pressed_at)
        game.release(pressed_at + 0.5)
        game.advance(3.0)
        return game.chain

    assert play(1.0, RIGHT) == play(1.0, RIGHT)
    assert play(1.0, RIGHT) != play(1.0, UP)
    assert play(1.0, RIGHT) != play(1.1, RIGHT)
    assert Game(0.0, seed=1).chain != Game(0.0, seed=2).chain


def test_keys_move_the_player_until_they_are_let_go() -> None:
    game = Game(0.0)
    start = game.scene().player
    game.hold(Controls(frozenset({RIGHT, UP})), 1.0)
    game.release(1.5)
    moved = game.advance(2.0)
    assert moved == 120
    x, y = game.scene().player
    assert (x - start[0], start[1] - y) == (180, 180)
    assert (game.key_presses, game.score) == (2, 2)
    game.hold(Controls(buttons=1), 2.0, travel=(-40, 12))
    game.advance(2.1)
    assert game.scene().player == (x - 40, y + 12)
    assert game.key_presses == 3


def test_a_coin_is_worth_points_and_comes_back_elsewhere() -> None:
    game = Game(0.0)
    coin = game.scene().coins[0]
    x, y = game.scene().player
    game.hold(Controls(), 0.0, travel=(coin[0] - x, coin[1] - y))
    game.advance(0.1)
    assert game.score >= COIN_SCORE
    assert coin not in game.scene().coins
    assert game.scene().won_at is not None


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (1920, 1080), (853, 480)])
def test_the_strip_survives_two_megabits_and_scaling(size: tuple[int, int]) -> None:
    game = Game(0.0)
    encoder = VideoEncoder(
        width=WIDTH, height=HEIGHT, fps=30, profile="high", bitrate_bps=2_000_000
    )
    decoder = av.CodecContext.create("h264", "r")
    read = 0
    for step in range(20):
        game.hold(Controls(frozenset({RIGHT})), 40 + step / 30)
        scene = game.scene()
        units = encoder.encode(scene, key=step == 0, bitrate_bps=2_000_000)
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        packet.pts, packet.time_base = step, Fraction(1, 30)
        for frame in decoder.decode(packet):
            picture = frame.reformat(*size, format="bgra").to_ndarray()
            expected = game if frame.pts == step else None
            reading = read_strip(picture)
            assert reading is not None
            if expected is not None:
                assert reading.counter == scene.counter
                assert reading.chain_head == int.from_bytes(scene.chain[:2])
            assert read_strip(frame.to_ndarray(format="gray")) == reading
            read += 1
    assert read >= 18


def test_what_is_no_strip_reads_as_none() -> None:
    for value in (0, 16, 128, 255):
        assert read_strip(np.full((HEIGHT, WIDTH, 4), value, np.uint8)) is None
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    assert read_strip(noise) is None
    assert read_strip(np.zeros((4, 4), np.uint8)) is None
    y, u, v = planes()
    game = Game(0.0)
    game.advance(2.0)
    Painter(y, u, v).paint(game.scene())
    assert read_strip(y) == StripReading(120, int.from_bytes(game.chain[:2]))
    y[:32, 600:800] = 16  # damaged
    assert read_strip(y) is None


def test_painting_only_what_changed_gives_the_whole_picture() -> None:
    """A painter that has painted a long story shows the same as a new one."""
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
