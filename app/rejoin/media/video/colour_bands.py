"""A picture of flat colours, as a decoder would return it: for the probe of a graphics card."""

from __future__ import annotations

from collections.abc import Sequence

from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.picture import Picture

BAND_PX = 64


def colour_bands(colours: Sequence[tuple[int, int, int]], height: int) -> Picture:
    """Upright bands, each `BAND_PX` wide, of these levels of luma, Cb and Cr (0..255)."""
    frame = VideoFrame(BAND_PX * len(colours), height, "yuv420p")
    for plane, levels in zip(frame.planes, zip(*colours, strict=True), strict=True):
        wide = plane.width // len(colours)
        row = b"".join(bytes([level]) * wide for level in levels)
        plane.update(row.ljust(plane.line_size, b"\0") * plane.height)
    return Picture(ConnectionNumber(0), frame, 0.0, 0, 0.0)
