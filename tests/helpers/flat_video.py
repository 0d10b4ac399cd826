"""H.264 video of one colour, encoded with x264."""

from __future__ import annotations

from fractions import Fraction

import numpy
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from rejoin.media.receive.jitter_buffer import EncodedFrame

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
    """This many frames, the first a key frame, at 30 fps. `matrix`: H.273; None is untagged."""
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
