"""The picture that comes with Rejoin, decoded: proof that this installation decodes H.264.

`resources/selftest/picture.h264` is one access unit of six upright bands, encoded with x264.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from av.packet import Packet

from rejoin import assets
from rejoin.media.video.codec_context import open_codec

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

NAME: Final = "selftest/picture.h264"
SIZE: Final = (384, 180)
BANDS: Final = (
    (16, 128, 128),
    (235, 128, 128),
    (126, 128, 128),
    (63, 102, 240),
    (173, 42, 26),
    (32, 240, 118),
)
"""Luma, Cb and Cr of each band, from left to right."""
TOLERANCE: Final = 4
"""How much a sample may be off: the encoder is not lossless."""


def why_wrong(data: bytes | None = None) -> str | None:
    """What is wrong with the decoded picture, in a few words; None if it is right.

    `data`: in place of the picture that comes with Rejoin. Raises AssetMissingError.
    """
    packet = Packet(assets.path(NAME).read_bytes() if data is None else data)
    try:
        context = open_codec()
        frames = [*context.decode(packet), *context.decode(None)]
    except Exception as error:  # PyAV's errors are of many types
        return f"it cannot be decoded ({type(error).__name__})"
    if len(frames) != 1:
        return f"{len(frames)} pictures came out in place of one"
    return _difference(frames[0])


def _difference(frame: VideoFrame) -> str | None:
    if (frame.width, frame.height) != SIZE:
        return f"it is {frame.width}x{frame.height} in place of {SIZE[0]}x{SIZE[1]}"
    planar = frame.reformat(format="yuv420p")
    for plane, expected in zip(planar.planes, zip(*BANDS, strict=True), strict=True):
        samples = bytes(plane)
        row = samples[(plane.height // 2) * plane.line_size :][: plane.width]
        wide = plane.width // len(BANDS)
        for number, level in enumerate(expected):
            if abs(row[number * wide + wide // 2] - level) > TOLERANCE:
                return "its colours are wrong"
    return None
