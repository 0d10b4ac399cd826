from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy
import pytest
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.rtc.assembly import EncodedFrame
from rejoin.rtc.decoder import MAX_WAITING, Decoder, fitted
from rejoin.rtc.picture import Picture, PictureSlot

RED_709 = (63, 102, 240)
"""Pure red in BT.709, limited range."""


def encoded(
    count: int,
    size: tuple[int, int] = (320, 180),
    *,
    yuv: tuple[int, int, int] = RED_709,
    matrix: int | None = None,
    full: bool | None = None,
    options: dict[str, str] | None = None,
) -> list[EncodedFrame]:
    codec = CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height = size
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, 30)
    codec.options = {"tune": "zerolatency", "preset": "ultrafast", "g": "300", **(options or {})}
    if matrix is not None:
        codec.colorspace = matrix
    if full is not None:
        codec.color_range = 2 if full else 1
    width, height = size
    planes = [
        numpy.full(width * height // shrink, value, dtype=numpy.uint8)
        for value, shrink in zip(yuv, (1, 4, 4), strict=True)
    ]
    pixels = numpy.concatenate(planes).reshape(height * 3 // 2, width)
    frames = []
    for n in range(count):
        frame = VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts = n
        if matrix is not None:
            frame.colorspace = matrix
        if full is not None:
            frame.color_range = 2 if full else 1
        for packet in codec.encode(frame):
            frames.append(EncodedFrame(bytes(packet), n * 3000, packet.is_keyframe, False))
    return frames


class Bench:
    def __init__(self) -> None:
        self.slot = PictureSlot()
        self.first = threading.Event()
        self.troubles = 0
        self.decoder = Decoder(
            ConnectionNumber(7),
            self.slot,
            clock=boot_s,
            on_first_frame=self.first.set,
            on_trouble=self.trouble,
        )

    def trouble(self) -> None:
        self.troubles += 1

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not true():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.005)

    def picture(self) -> Picture:
        filled = threading.Event()
        self.slot.on_filled = filled.set
        picture = self.slot.take()
        if picture is None:
            assert filled.wait(20)
            picture = self.slot.take()
        assert picture is not None
        return picture


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.decoder.stop()
    if bench.decoder.alive:
        bench.until(lambda: not bench.decoder.alive)


def test_a_frame_becomes_a_picture_in_the_right_colours(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1)[0])
    picture = bench.picture()
    assert bench.first.is_set() or bench.first.wait(5)
    assert (picture.width, picture.height) == (320, 180)
    assert picture.connection == 7
    assert picture.stride >= 320 * 4
    assert len(picture.data) >= picture.stride * 180
    blue, green, red, alpha = picture.data[:4]
    assert red > 245
    assert green < 12
    assert blue < 12
    assert alpha == 255
    assert bench.decoder.profile is not None


def test_pictures_are_scaled_to_the_window_and_keep_their_shape(bench: Bench) -> None:
    bench.slot.target = (200, 400)
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1)[0])
    picture = bench.picture()
    assert (picture.width, picture.height) == (200, 112)
    assert (picture.source_width, picture.source_height) == (320, 180)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ((1280, 720), None, (1280, 720)),
        ((1280, 720), (1920, 1200), (1920, 1080)),
        ((1280, 720), (0, 0), (1280, 720)),
        ((1280, 720), (1, 1), (2, 2)),
        ((1280, 720), (10**6, 10**6), (8192, 4608)),
    ],
)
def test_fitting(
    source: tuple[int, int], target: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert fitted(source, target) == expected


def test_a_hidden_connection_decodes_and_its_newest_picture_is_there_when_it_is_shown(
    bench: Bench,
) -> None:
    bench.decoder.start()
    for frame in encoded(5):
        bench.decoder.submit(frame)
    bench.until(lambda: bench.decoder.frames_decoded == 5)
    assert bench.slot.take() is None
    bench.until(lambda: (held := bench.decoder._held) is not None and held.rtp_timestamp == 12_000)
    bench.decoder.show(True)
    picture = bench.slot.take()
    assert picture is not None
    assert picture.rtp_timestamp == 12_000
    bench.decoder.show(False)
    bench.decoder.show(True)
    assert bench.slot.take() is None


def test_garbage_asks_for_a_key_frame_and_decoding_goes_on(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(EncodedFrame(b"\0\0\0\1\x65" + bytes(range(200)), 0, True, False))
    bench.until(lambda: bench.troubles > 0)
    for frame in encoded(2):
        bench.decoder.submit(frame)
    bench.until(lambda: bench.decoder.frames_decoded == 2)
    assert bench.decoder.frames_failed >= 1


def test_a_decoder_that_falls_behind_drops_until_a_key_frame_and_counts(bench: Bench) -> None:
    frames = encoded(MAX_WAITING + 5)
    for frame in frames:
        bench.decoder.submit(frame)
    assert bench.troubles == 1
    assert bench.decoder.frames_undecoded == len(frames)
    bench.decoder.submit(frames[0])
    bench.decoder.start()
    bench.until(lambda: bench.decoder.frames_decoded == 1)


def test_stopping_ends_the_thread_and_nothing_more_is_taken(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.stop()
    bench.until(lambda: not bench.decoder.alive)
    bench.decoder.submit(encoded(1)[0])
    assert bench.decoder.frames_decoded == 0


def test_a_stopped_decoder_keeps_nothing_big(bench: Bench) -> None:
    bench.decoder.start()
    for frame in encoded(2):
        bench.decoder.submit(frame)
    bench.until(lambda: bench.decoder._held is not None)
    bench.decoder.stop()
    bench.until(lambda: not bench.decoder.alive)
    assert bench.decoder._held is None
    assert not hasattr(bench.decoder, "_reformatter")
    bench.decoder.show(True)
    assert bench.slot.take() is None


def test_the_frame_interval_is_the_mean_of_the_last_frames(bench: Bench) -> None:
    assert bench.decoder.frame_interval_s == 0.0
    bench.decoder.start()
    for frame in encoded(4):
        bench.decoder.submit(frame)
        time.sleep(0.03)
    bench.until(lambda: bench.decoder.frames_decoded == 4)
    assert 0.001 < bench.decoder.frame_interval_s < 1.0


@pytest.mark.parametrize(
    ("yuv", "matrix", "full"),
    [
        (RED_709, None, None),
        (RED_709, 1, False),
        ((81, 90, 240), 6, False),
        ((81, 90, 240), 5, False),
        ((54, 99, 255), 1, True),
        ((76, 85, 255), 6, True),
    ],
    ids=["untagged", "709", "601 NTSC", "601 PAL", "709 full", "601 full"],
)
def test_red_is_red_in_every_matrix_and_range(
    bench: Bench, yuv: tuple[int, int, int], matrix: int | None, full: bool | None
) -> None:
    """The same red is written differently by each; what is not told is BT.709 in limited range."""
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1, yuv=yuv, matrix=matrix, full=full)[0])
    blue, green, red = bench.picture().data[:3]
    assert red > 245
    assert green < 10
    assert blue < 10


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"profile": "baseline"}, "Constrained Baseline"),
        ({"profile": "main", "x264-params": "cabac=1"}, "Main"),
        ({"profile": "high", "x264-params": "cabac=1:8x8dct=1"}, "High"),
    ],
)
def test_every_profile_is_decoded_and_named(
    bench: Bench, options: dict[str, str], named: str
) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(encoded(1, options=options)[0])
    assert bench.picture().source_width == 320
    bench.until(lambda: bench.decoder.profile is not None)
    assert bench.decoder.profile == named


def test_the_size_may_change_in_mid_stream(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    for size in ((320, 180), (640, 360), (192, 108)):
        for frame in encoded(3, size):
            bench.decoder.submit(frame)
            bench.until(lambda: bench.decoder.idle)
        assert (bench.decoder.width, bench.decoder.height) == size
        picture = bench.slot.take()
        assert picture is not None
        assert (picture.source_width, picture.source_height) == size
    assert bench.decoder.frames_failed == 0


def test_a_picture_knows_when_its_last_packet_came(bench: Bench) -> None:
    bench.decoder.start()
    bench.decoder.show(True)
    bench.decoder.submit(replace(encoded(1)[0], received_at=12.5))
    assert bench.picture().received_at == 12.5
