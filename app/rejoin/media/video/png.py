"""A picture as a PNG file, in the colours of the screen: at the host's size, or small."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec import CodecContext

from rejoin.errors import RejoinError
from rejoin.media.video.scaling import rgb_frame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

    from rejoin.media.video.picture import Picture


def size_within(width: int, height: int, most: int) -> tuple[int, int]:
    """The largest size of the same shape with no side longer than `most`; never a larger one."""
    longest = max(width, height)
    if longest <= most:
        return width, height
    return max(1, round(width * most / longest)), max(1, round(height * most / longest))


def png_of(picture: Picture, most: int | None = None) -> bytes:
    """The whole file, without anything about when or where it was made. Raises RejoinError.

    `most`: pixels of its longer side; None: as many as the host sent. FFmpeg converts and
    compresses without the GIL: some 0.1 s at 1080p, for a thread of its own.
    """
    try:
        own = picture.frame.width, picture.frame.height
        frame = rgb_frame(picture.frame, own if most is None else size_within(*own, most))
        frame.pts = 0
        encoder: VideoCodecContext = CodecContext.create("png", "w")
        encoder.width, encoder.height = frame.width, frame.height
        encoder.pix_fmt, encoder.time_base = frame.format.name, Fraction(1, 1)
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        content = b"".join(bytes(packet) for packet in packets)
    except Exception as error:  # any error of FFmpeg
        raise RejoinError("The picture could not be converted.") from error
    if not content:
        raise RejoinError("The picture could not be converted.")
    return content
