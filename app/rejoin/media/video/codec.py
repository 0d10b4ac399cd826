"""FFmpeg's decoder for one stream; distinguishes hardware failures from bad input.

A picture may come out several packets after its own went in, where the stream reorders pictures.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from av.packet import Packet

from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.hardware import SOFTWARE

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

EMPTY_LIMIT = 3
"""If hardware returns no picture for this many frames in a row, it has failed: the probe saw it
return one for each. Frames that may be held back for reordering, or whose pictures are not whole
yet because decoding began at a recovery point, come on top."""


MAX_DELAYED = 32
"""More encoded frames than a decoder ever holds back: 16 (ITU-T H.264, A.3.1)."""


@dataclass(frozen=True, slots=True)
class FedFrame:
    """The values of an encoded frame that its picture needs."""

    rtp_timestamp: int
    received_at: float
    key: bool
    chroma_location: int = 0


class HardwareFailedError(Exception):
    """The hardware decoder failed. The message says how, in a few words."""


class H264Codec:
    """Decodes one access unit after the other; for one thread."""

    def __init__(self, context: VideoCodecContext, hardware: str | None) -> None:
        """`hardware`: FFmpeg's name of the hardware that `context` decodes on; None is software."""
        self.hardware = hardware
        self._context = context
        self._had_key_frame = False
        """Before a key frame no decoder can decode anything, so nothing counts as a failure."""
        self._empty = 0
        self._fed: OrderedDict[int, FedFrame] = OrderedDict()
        """By presentation time, which is the RTP timestamp."""

    @property
    def decodes_in(self) -> str:
        """`SOFTWARE`, or the hardware's name."""
        return self.hardware or SOFTWARE

    @property
    def profile(self) -> str | None:
        """The H.264 profile of the stream; None before a frame was decoded."""
        return self._context.profile

    def decode(self, encoded: EncodedFrame) -> list[VideoFrame]:
        """Raises HardwareFailedError if the hardware failed, else what PyAV raises."""
        packet = Packet(encoded.data)
        packet.pts = encoded.rtp_timestamp
        self._fed[encoded.rtp_timestamp] = FedFrame(
            encoded.rtp_timestamp, encoded.received_at, encoded.key, encoded.chroma_location
        )
        if encoded.flush:
            self._context.flush_buffers()
        if len(self._fed) > MAX_DELAYED:
            self._fed.popitem(last=False)
        if encoded.key and not self._had_key_frame:
            self._had_key_frame = True
            self._empty = -encoded.recovers_after
        try:
            frames = self._context.decode(packet)
        except Exception as error:
            if self.hardware is not None and self._had_key_frame:
                raise HardwareFailedError(f"it cannot decode ({type(error).__name__})") from error
            raise
        self._empty = 0 if frames or not self._had_key_frame else self._empty + 1
        if self.hardware is not None and self._empty >= EMPTY_LIMIT + encoded.reorder_frames:
            raise HardwareFailedError("it returns no pictures")
        return frames

    def fed_as(self, frame: VideoFrame) -> FedFrame | None:
        """The encoded frame that this picture was decoded from; None if the decoder lost track."""
        return None if frame.pts is None else self._fed.get(frame.pts)
