"""A decoded frame to a picture of the window's size: BGRA, in the right colours, by swscale.

PyAV gives the GIL up while it scales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.core.model import ConnectionNumber
from rejoin.rtc.picture import Picture

MAX_SIDE = 8192
"""No picture is made larger than this, whatever the window asks for."""

_BT709 = int(Colorspace.ITU709)
_COLORSPACES = {
    1: _BT709,
    5: int(Colorspace.ITU601),
    6: int(Colorspace.ITU601),
    7: int(Colorspace.SMPTE240M),
    9: int(Colorspace.BT2020),
    10: int(Colorspace.BT2020),
}
"""H.273 matrix coefficients, as FFmpeg numbers them, to swscale's; all else is BT.709."""

_LIMITED, _FULL = int(ColorRange.MPEG), int(ColorRange.JPEG)


def fitted(source: tuple[int, int], target: tuple[int, int] | None) -> tuple[int, int]:
    """The largest size of the source's shape inside the target, at least 2 x 2."""
    if target is None or target[0] <= 0 or target[1] <= 0:
        return source
    width, height = source
    scale = min(min(target[0], MAX_SIDE) / width, min(target[1], MAX_SIDE) / height)
    return max(2, round(width * scale)), max(2, round(height * scale))


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame in system memory (YUV 4:2:0, planar or NV12) and what its picture has to know.

    `on_failed` is called, on the thread that scales, when `scaled` cannot make its picture.
    """

    connection: ConnectionNumber
    frame: VideoFrame = field(repr=False)
    decoded_at: float
    rtp_timestamp: int
    received_at: float
    on_failed: Callable[[], None] = field(repr=False)

    def scaled(self, target: tuple[int, int] | None) -> Picture | None:
        """Its picture, by a scaler of its own: the decoder's thread may be using the other."""
        try:
            return Scaler().picture(self, target)
        except Exception:  # whatever swscale says: the painting thread must not end with it
            self.on_failed()
            return None


class Scaler:
    """Scales one frame after the other; for one thread at a time."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def picture(self, decoded: DecodedFrame, target: tuple[int, int] | None) -> Picture:
        """A picture of the frame's shape inside the target. Raises what PyAV raises."""
        frame = decoded.frame
        width, height = fitted((frame.width, frame.height), target)
        colorspace = _COLORSPACES.get(frame.colorspace, _BT709)
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "bgra",
            src_colorspace=colorspace,
            dst_colorspace=colorspace,
            interpolation=Interpolation.BILINEAR,
            src_color_range=_FULL if frame.color_range == _FULL else _LIMITED,
            dst_color_range=_FULL,
            threads=1,
        )
        plane = scaled.planes[0]
        return Picture(
            connection=decoded.connection,
            width=width,
            height=height,
            stride=plane.line_size,
            source_width=frame.width,
            source_height=frame.height,
            decoded_at=decoded.decoded_at,
            rtp_timestamp=decoded.rtp_timestamp,
            received_at=decoded.received_at,
            data=memoryview(plane),
        )
