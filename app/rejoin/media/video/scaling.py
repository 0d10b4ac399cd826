"""Converts a picture to the colours of the window (BGRA) and to its size, with swscale.

At the host's size this is one pass: `draw`, straight into the window's memory. `pixels` converts
into new memory, at any size, for painting only a part of the picture. Scaling takes several times
as long as converting colours, so `prescaled` does it in advance and on several threads: the
window's own thread stays free for input. None of them holds the GIL.
"""

from __future__ import annotations

import os
from dataclasses import replace

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.media.video.picture import Picture, Pixels
from rejoin.media.video.planes import Matrix
from rejoin.media.video.scale_filter import Aspect, ScaleFilter, fitted
from rejoin.media.video.swscale import BLOCK, Area, Converter

_COLORSPACES = {
    Matrix.BT709: Colorspace.ITU709,
    Matrix.BT601: Colorspace.ITU601,
    Matrix.SMPTE240M: Colorspace.SMPTE240M,
    Matrix.BT2020: Colorspace.BT2020,
}
"""By swscale's names."""

_INTERPOLATIONS = {
    ScaleFilter.SMOOTH: Interpolation.BILINEAR,
    ScaleFilter.SHARP: Interpolation.BICUBIC,
    ScaleFilter.PIXEL: Interpolation.POINT,
}

_FULL = int(ColorRange.JPEG)
_THREADS = min(4, os.cpu_count() or 1)
"""Threads that scale one picture."""


class Scaler:
    """Converts one picture after another; for one thread at a time."""

    def __init__(self) -> None:
        self._converter = Converter()
        self._reformatter = VideoReformatter()

    def draw(self, picture: Picture, area: Area) -> bool:
        """Draw into an area of the picture's size; False if not possible: then use `pixels`."""
        try:
            return self._draw(picture.frame, area)
        except Exception:  # must not end the painting thread
            return False

    def pixels(
        self,
        picture: Picture,
        size: tuple[int, int],
        scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
    ) -> Pixels | None:
        """Convert into new memory at this size. On failure calls `on_failed`, returns None."""
        try:
            return self._pixels(picture.frame, *size, scale_filter)
        except Exception:  # any error of FFmpeg
            picture.on_failed()
            return None

    def prescaled(
        self,
        picture: Picture,
        view: tuple[int, int] | None,
        scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
        aspect: Aspect = Aspect.SENT,
    ) -> Picture:
        """The picture, with pixels for a view of this size if it has to be scaled for that."""
        own = (picture.width, picture.height)
        if view is None or (size := fitted(own, view, scale_filter, aspect)) == own:
            return picture
        try:
            return replace(picture, pixels=self._pixels(picture.frame, *size, scale_filter))
        except Exception:  # painting it will fail too, and report that
            return picture

    def _draw(self, frame: VideoFrame, area: Area) -> bool:
        return self._converter.draw(
            frame,
            area,
            colorspace=_colorspace(frame),
            full_range=frame.color_range == _FULL,
        )

    def _pixels(
        self,
        frame: VideoFrame,
        width: int,
        height: int,
        scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
    ) -> Pixels:
        beyond, own = -width % BLOCK, (frame.width, frame.height)
        if self._converter.available and (width, height) == own:
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
            interpolation=_INTERPOLATIONS[scale_filter],
            src_color_range=ColorRange.JPEG if frame.color_range == _FULL else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=_THREADS,
        )
        plane = scaled.planes[0]
        return Pixels(width, height, plane.line_size, memoryview(plane))


def rgb_frame(frame: VideoFrame, size: tuple[int, int] | None = None) -> VideoFrame:
    """A frame as packed RGB, full range. `size`: in pixels; None: its own. Raises any error of
    FFmpeg."""
    colorspace = _colorspace(frame)
    width, height = size or (frame.width, frame.height)
    return VideoReformatter().reformat(
        frame,
        width,
        height,
        "rgb24",
        src_colorspace=colorspace,
        dst_colorspace=colorspace,
        src_color_range=ColorRange.JPEG if frame.color_range == _FULL else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )


def _colorspace(frame: VideoFrame) -> Colorspace:
    return _COLORSPACES[Matrix.of(int(frame.colorspace))]
