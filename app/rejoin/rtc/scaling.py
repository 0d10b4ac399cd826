"""A picture at the window's size and in its colours: BGRA, by swscale, best in a single pass.

`draw` writes into the window's own memory; `pixels` makes a copy, for whoever has none or may only
paint a part. Another size than the host's takes several times as long as colours alone do: that is
done `ahead`, so that the window's thread is not kept from what the player does. The GIL is not held
during any of them.
"""

from __future__ import annotations

from dataclasses import replace

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.rtc.picture import Picture, Pixels
from rejoin.rtc.swscale import BLOCK, Area, Converter

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
        """Draw it over the whole area; False when that cannot be done: then there are `pixels`."""
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
        beyond = -width % BLOCK
        if self._converter.works:
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
            threads=1,
        )
        plane = scaled.planes[0]
        return Pixels(width, height, plane.line_size, memoryview(plane))


def _colorspace(frame: VideoFrame) -> Colorspace:
    return _COLORSPACES.get(frame.colorspace, Colorspace.ITU709)
