"""A picture in the window's colours (BGRA) and at its size, by swscale.

In the host's size it is a single pass: `draw`, into the window's own memory. `pixels` makes a copy,
for whoever may paint a part alone, and in any size. Another size takes several times as long as
colours alone do: that is done `ahead` and on several threads, so that the window's own is not kept
from what the player does. The GIL is not held during any of them.
"""

from __future__ import annotations

import os
from dataclasses import replace

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.media.video.picture import Picture, Pixels
from rejoin.media.video.swscale import BLOCK, Area, Converter

_COLORSPACES = {
    1: Colorspace.ITU709,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""H.273 matrix coefficients, as FFmpeg numbers them, to swscale's; all else is BT.709."""

_FULL = int(ColorRange.JPEG)
_THREADS = min(4, os.cpu_count() or 1)
"""That make a picture of another size."""


def fitted(size: tuple[int, int], into: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the shape of `size` that fits `into`; at least 1 x 1."""
    width, height = size
    scale = min(into[0] / width, into[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


class Scaler:
    """Scales one picture after the other; for one thread at a time."""

    def __init__(self) -> None:
        self._converter = Converter()
        self._reformatter = VideoReformatter()

    def draw(self, picture: Picture, area: Area) -> bool:
        """Draw it over an area of its size; False when that cannot be done: `pixels` may be."""
        try:
            return self._draw(picture.frame, area)
        except Exception:  # the painting thread must not end with it
            return False

    def pixels(self, picture: Picture, size: tuple[int, int]) -> Pixels | None:
        """It in memory of its own, at this size. None, and it is told, when that cannot be done."""
        try:
            return self._pixels(picture.frame, *size)
        except Exception:  # whatever FFmpeg says
            picture.on_failed()
            return None

    def ahead(self, picture: Picture, target: tuple[int, int] | None) -> Picture:
        """The picture, with the pixels for a window of this size if it has to be scaled for it."""
        own = (picture.width, picture.height)
        if target is None or (size := fitted(own, target)) == own:
            return picture
        try:
            return replace(picture, pixels=self._pixels(picture.frame, *size))
        except Exception:  # it will be told by whoever tries to paint it
            return picture

    def _draw(self, frame: VideoFrame, area: Area) -> bool:
        return self._converter.draw(
            frame,
            area,
            colorspace=_colorspace(frame),
            full_range=frame.color_range == _FULL,
        )

    def _pixels(self, frame: VideoFrame, width: int, height: int) -> Pixels:
        beyond, own = -width % BLOCK, (frame.width, frame.height)
        if self._converter.works and (width, height) == own:
            plane = VideoFrame(width + beyond, height, "bgra").planes[0]  # memory, not zeroed
            data, stride = memoryview(plane), plane.line_size
            if self._draw(frame, Area(data, 0, stride, width, height, beyond)):
                return Pixels(width, height, stride, data)
        colorspace = _colorspace(frame)
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "bgra",
            src_colorspace=colorspace,
            dst_colorspace=colorspace,
            interpolation=Interpolation.BILINEAR,
            src_color_range=ColorRange.JPEG if frame.color_range == _FULL else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=_THREADS,
        )
        plane = scaled.planes[0]
        return Pixels(width, height, plane.line_size, memoryview(plane))


def _colorspace(frame: VideoFrame) -> Colorspace:
    return _COLORSPACES.get(frame.colorspace, Colorspace.ITU709)
