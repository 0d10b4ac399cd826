"""A decoded picture as plain memory: its planes, and the meaning of their samples.

A surface of the graphics card uploads them. YUV of 8 bits (4:2:0, 4:2:2, 4:4:4, NV12) is passed on
as the decoder left it, without a copy; anything else is converted to 4:2:0.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from rejoin.media.video.picture import Picture

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Matrix(enum.Enum):
    """How RGB became YCbCr: the weights of red and blue in luma (ITU-T H.273, 8.3)."""

    BT709 = (0.2126, 0.0722)
    BT601 = (0.299, 0.114)
    SMPTE240M = (0.212, 0.087)
    BT2020 = (0.2627, 0.0593)

    @classmethod
    def of(cls, coefficients: int) -> Matrix:
        """By MatrixCoefficients of H.273; BT.709 for a value that says nothing or is unknown."""
        return _MATRICES.get(coefficients, cls.BT709)


_MATRICES = {
    1: Matrix.BT709,
    5: Matrix.BT601,
    6: Matrix.BT601,
    7: Matrix.SMPTE240M,
    9: Matrix.BT2020,
    10: Matrix.BT2020,
}


class Siting(enum.Enum):
    """Where the first chroma sample is: right of and below the first luma sample, in luma samples.

    In the order of chroma_sample_loc_type (ITU-T H.264, E.2.1 and figure E-1).
    """

    LEFT = (0.0, 0.5)
    CENTRE = (0.5, 0.5)
    TOP_LEFT = (0.0, 0.0)
    TOP = (0.5, 0.0)
    BOTTOM_LEFT = (0.0, 1.0)
    BOTTOM = (0.5, 1.0)

    @classmethod
    def of(cls, location: int) -> Siting:
        """By chroma_sample_loc_type; LEFT, which H.264 infers, for a value that is not defined."""
        sitings = tuple(cls)
        return sitings[location] if 0 <= location < len(sitings) else cls.LEFT


@dataclass(frozen=True, slots=True)
class Plane:
    """Rows of `stride` bytes each, in which `width` samples of `channels` bytes are used."""

    data: memoryview = field(repr=False)
    width: int
    height: int
    stride: int
    channels: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A picture in YUV, 8 bits. `chroma`: Cb and Cr, or one plane of both (NV12). `subsampled`: how
    many luma samples there are for a chroma sample, across and down; 1 or 2.

    The memory belongs to the decoder; it stays as it is for as long as this object lives.
    """

    width: int
    height: int
    luma: Plane
    chroma: tuple[Plane, ...]
    matrix: Matrix = Matrix.BT709
    full_range: bool = False
    siting: Siting = Siting.LEFT
    subsampled: tuple[int, int] = (2, 2)

    @property
    def interleaved(self) -> bool:
        """Whether one plane has both chroma samples (NV12)."""
        return len(self.chroma) == 1

    def cropped(self, left: int, top: int, width: int, height: int) -> Planes:
        """A part of it, in luma samples, in the same memory.

        `left` and `top` are at chroma samples, as H.264 crops (7.4.2.1.1). Raises ValueError
        otherwise, or where the part is not inside the picture.
        """
        across, down = self.subsampled
        inside = left >= 0 and left + width <= self.width and top >= 0
        if left % across or top % down or not inside or top + height > self.height:
            raise ValueError("not a part of the picture")
        return Planes(
            width,
            height,
            _part(self.luma, left, top, width, height),
            tuple(
                _part(plane, left // across, top // down, -(-width // across), -(-height // down))
                for plane in self.chroma
            ),
            self.matrix,
            self.full_range,
            self.siting,
            self.subsampled,
        )


def _part(plane: Plane, left: int, top: int, width: int, height: int) -> Plane:
    start = top * plane.stride + left * plane.channels
    return Plane(plane.data[start:], width, height, plane.stride, plane.channels)


_SUBSAMPLED = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "nv12": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
}
"""FFmpeg's names of the formats that are taken as they are."""


class PlaneReader:
    """Reads the planes of one picture after another; for one thread at a time."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def planes(self, picture: Picture) -> Planes | None:
        """The planes of a picture. On failure calls its `on_failed`, returns None."""
        try:
            return self._read(picture)
        except Exception:  # any error of FFmpeg
            picture.on_failed()
            return None

    def _read(self, picture: Picture) -> Planes:
        frame, siting = picture.frame, Siting.of(picture.chroma_location)
        matrix = Matrix.of(int(frame.colorspace))
        full_range = frame.color_range == int(ColorRange.JPEG)
        if frame.format.name not in _SUBSAMPLED:
            frame = self._reformatter.reformat(
                frame,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            matrix, full_range = Matrix.BT709, False
        elif frame.format.name.startswith("yuvj"):
            full_range = True
        return planes_of(frame, matrix, full_range=full_range, siting=siting)


def planes_of(
    frame: VideoFrame,
    matrix: Matrix = Matrix.BT709,
    *,
    full_range: bool = False,
    siting: Siting = Siting.LEFT,
) -> Planes:
    """The planes of a frame in one of the formats that need no conversion."""
    width, height = frame.width, frame.height
    across, down = _SUBSAMPLED[frame.format.name]
    size = (-(-width // across), -(-height // down))
    interleaved = len(frame.planes) == 2
    first, *others = frame.planes
    return Planes(
        width,
        height,
        Plane(memoryview(first), width, height, first.line_size),
        tuple(
            Plane(memoryview(each), *size, each.line_size, 2 if interleaved else 1)
            for each in others
        ),
        matrix,
        full_range,
        siting,
        (across, down),
    )
