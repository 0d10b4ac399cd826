"""The strip survives the way to the screen, and nothing else reads as one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from rejoin.emulator.host.encoders import VideoEncoder
from rejoin.emulator.host.game import HEIGHT, WIDTH, Game
from rejoin.emulator.host.painter import Painter
from rejoin.emulator.host.scenery import Plane
from rejoin.emulator.host.strip import StripReading, read_strip, read_voice
from rejoin.emulator.host.x264 import VideoFormat
from rejoin.input_protocol.controls import Controls


def planes() -> tuple[Plane, Plane, Plane]:
    return (
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
        np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
    )


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (1920, 1080), (853, 480)])
def test_the_strip_survives_two_megabits_and_scaling(size: tuple[int, int]) -> None:
    game = Game(0.0)
    encoder = VideoEncoder(
        VideoFormat(width=WIDTH, height=HEIGHT, fps=30, profile="high", max_bitrate_bps=2_000_000)
    )
    decoder = av.CodecContext.create("h264", "r")
    read = 0
    for step in range(20):
        game.hold(Controls(frozenset({0x4F})), 40 + step / 30)
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


def test_a_picture_without_a_strip_reads_as_none() -> None:
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


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (1920, 1080)])
def test_the_level_of_the_microphone_survives_two_megabits_and_scaling(
    size: tuple[int, int],
) -> None:
    game = Game(0.0)
    encoder = VideoEncoder(
        VideoFormat(width=WIDTH, height=HEIGHT, fps=30, profile="high", max_bitrate_bps=2_000_000)
    )
    decoder = av.CodecContext.create("h264", "r")
    levels = [None, 0.0, 8 / 31, 1.0, 16 / 31, 0.0, None] * 3
    read = []
    for step, voice in enumerate(levels):
        game.advance(step / 30)
        scene = replace(game.scene(), voice=voice)
        units = encoder.encode(scene, key=step == 0, bitrate_bps=2_000_000)
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        packet.pts, packet.time_base = step, Fraction(1, 30)
        for frame in decoder.decode(packet):
            read.append(read_voice(frame.reformat(*size, format="bgra").to_ndarray()))
            assert read_strip(frame.to_ndarray(format="gray")) is not None
    assert len(read) >= 18
    assert read == levels[: len(read)]


def test_the_row_of_the_microphone_goes_with_it() -> None:
    y, u, v = planes()
    painter, game = Painter(y, u, v), Game(0.0)
    painter.paint(game.scene())
    without = y.copy(), u.copy()
    painter.paint(replace(game.scene(), voice=16 / 31))
    assert read_voice(y) == 16 / 31
    painter.paint(game.scene())
    assert read_voice(y) is None
    assert np.array_equal(y, without[0])
    assert np.array_equal(u, without[1])
    assert read_voice(np.zeros((HEIGHT, WIDTH), np.uint8)) is None
