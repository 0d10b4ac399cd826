"""A picture as a PNG file: all of it at the host's size, in the colours of the screen."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec import CodecContext

from rejoin.errors import RejoinError
from rejoin.media.video.scaling import rgb_frame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

    from rejoin.media.video.picture import Picture


def png_of(picture: Picture) -> bytes:
    """The whole file, without anything about when or where it was made. Raises RejoinError.

    FFmpeg converts and compresses without the GIL: some 0.1 s at 1080p, for a thread of its own.
    """
    try:
        frame = rgb_frame(picture.frame)
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
