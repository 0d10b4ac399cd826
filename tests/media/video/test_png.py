"""A picture as a PNG file, in its colours and its size."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from helpers.fake_port import picture
from rejoin.errors import RejoinError
from rejoin.media.video.png import png_of, size_within


def decoded(content: bytes) -> VideoFrame:
    with av.open(BytesIO(content), mode="r", format="png_pipe") as container:
        return next(container.decode(video=0))


def yuv(luma: int, blue: int, red: int, *, full_range: bool) -> VideoFrame:
    """One colour, BT.709."""
    frame = VideoFrame(64, 36, "yuv420p")
    for plane, value in zip(frame.planes, (luma, blue, red), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = 1, 2 if full_range else 1
    return frame


@pytest.mark.parametrize(
    ("frame", "rgb"),
    [
        (yuv(63, 102, 240, full_range=False), (255, 0, 0)),
        (yuv(54, 99, 255, full_range=True), (255, 0, 0)),
        (yuv(235, 128, 128, full_range=False), (255, 255, 255)),
        (yuv(16, 128, 128, full_range=False), (0, 0, 0)),
    ],
)
def test_red_is_red_and_white_is_white(frame: VideoFrame, rgb: tuple[int, ...]) -> None:
    content = png_of(replace(picture(4, 4), frame=frame))
    pixels = decoded(content).to_ndarray(format="rgb24")
    assert pixels.shape == (36, 64, 3)
    assert np.abs(pixels.astype(int) - np.array(rgb)).max() <= 4


def test_it_says_nothing_about_when_or_where_it_was_made() -> None:
    content = png_of(picture(64, 36, bgr=(1, 2, 3)))
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    for chunk in (b"tIME", b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
        assert chunk not in content
    assert content == png_of(picture(64, 36, bgr=(1, 2, 3)))


@pytest.mark.parametrize(
    ("own", "small"),
    [
        ((1920, 1080), (640, 360)),
        ((1080, 1920), (360, 640)),
        ((640, 640), (640, 640)),
        ((320, 180), (320, 180)),
        ((8192, 2), (640, 1)),
    ],
)
def test_a_small_one_has_the_same_shape(own: tuple[int, int], small: tuple[int, int]) -> None:
    assert size_within(*own, 640) == small


def test_a_small_file_has_the_small_size_and_the_same_colour() -> None:
    frame = decoded(png_of(picture(64, 36, bgr=(10, 20, 200)), 32))
    pixels = frame.to_ndarray(format="rgb24")
    assert pixels.shape == (18, 32, 3)
    assert np.abs(pixels.astype(int) - np.array((200, 20, 10))).max() <= 4


def test_what_cannot_be_converted_is_a_sentence() -> None:
    broken = replace(picture(4, 4), frame=None)  # type: ignore[arg-type]
    with pytest.raises(RejoinError, match="could not be converted"):
        png_of(broken)
