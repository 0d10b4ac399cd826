"""The pictures of the hardware probe, painted and encoded: makes resources/selftest/moving-*.h264.

`PYTHONPATH=tests .venv/bin/python tests/helpers/moving_pattern.py`, after a change here. The player
has no encoder (docs/adr/0088), so the probe decodes what was made once.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from rejoin.media.video.hardware_probe import PICTURES, SIZES, name_of

RESOURCES: Final = Path(__file__).resolve().parents[2] / "resources"


def painted(width: int, height: int, number: int) -> VideoFrame:
    """Slanted, moving stripes, with a different texture in each plane."""
    frame = VideoFrame(width, height, "yuv420p")
    for index, plane in enumerate(frame.planes):
        texture = bytes(40 + abs(128 - step) + (9 + index) * (step // 5 % 3) for step in range(256))
        endless = texture * (plane.line_size // 256 + 2)
        starts = ((row * (3 - index) + number * 5) % 256 for row in range(plane.height))
        plane.update(b"".join(endless[start : start + plane.line_size] for start in starts))
    frame.pts = number
    return frame


def encoded(width: int, height: int) -> bytes:
    """Access units by x264, each with a delimiter; one key frame, several slices a picture."""
    codec = CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height = width, height
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, 60)
    codec.options = {
        "tune": "zerolatency",
        "preset": "superfast",
        "profile": "high",
        "x264-params": "aud=1:threads=4:sliced-threads=1:qp=36",
    }
    packets = [
        packet
        for number in range(PICTURES)
        for packet in codec.encode(painted(width, height, number))
    ]
    return b"".join(bytes(packet) for packet in [*packets, *codec.encode(None)])


if __name__ == "__main__":
    for size in SIZES:
        (RESOURCES / name_of(size)).write_bytes(encoded(*size))
