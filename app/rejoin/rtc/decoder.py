"""H.264 to pictures, on a thread of its own: decode, scale to the window, into the one slot.

PyAV gives the GIL up while it decodes and scales. SLICE threading, since FRAME adds a frame of
delay. swscale makes BGRA at the window's size here, so that painting is a copy (media.md).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from av.codec.context import CodecContext, Flags
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.rtc.assembly import EncodedFrame
from rejoin.rtc.picture import Picture, PictureSlot
from rejoin.rtc.stats import Freezes

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

MAX_WAITING = 20
"""Encoded frames that may wait (a third of a second at 60 fps) before all wait for a key frame."""

INTERVALS = 30
LONGEST_INTERVAL_S = 1.0
"""A longer pause between two frames is an outage, not a frame interval."""

MAX_SIDE = 8192
MAX_PIXELS = 4096 * 2304
"""The largest picture of H.264 level 5.2. A stream that claims more is refused before anything of
that size is allocated: a decoder may have to keep sixteen of them."""

_COLORSPACES = {
    1: Colorspace.ITU709,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""H.273 matrix coefficients, as FFmpeg numbers them, to swscale's; all else is BT.709."""


def fitted(source: tuple[int, int], target: tuple[int, int] | None) -> tuple[int, int]:
    """The largest size of the source's shape inside the target, at least 2 x 2."""
    if target is None or target[0] <= 0 or target[1] <= 0:
        return source
    width, height = source
    scale = min(min(target[0], MAX_SIDE) / width, min(target[1], MAX_SIDE) / height)
    return max(2, round(width * scale)), max(2, round(height * scale))


class Decoder:
    """Decodes one connection's video. `submit` and the rest are for the event loop's thread.

    `on_first_frame` and `on_trouble` (a frame could not be decoded, or too many waited: a key frame
    is needed) are called on the decoder's thread. A hidden decoder goes on decoding and keeps its
    newest picture; `show(True)` puts that one into the slot at once.
    """

    def __init__(
        self,
        number: ConnectionNumber,
        slot: PictureSlot,
        *,
        clock: Clock,
        on_first_frame: Callable[[], None],
        on_trouble: Callable[[], None],
    ) -> None:
        self.frames_decoded = 0
        self.frames_undecoded = 0
        """Encoded frames thrown away, because too many waited or a key frame was awaited."""
        self.frames_overtaken = 0
        """Decoded, but the next was there already, so that no picture was made of it."""
        self.frames_failed = 0
        self.key_frames_decoded = 0
        self.decode_s = 0.0
        """Time spent decoding, all frames together (W3C: totalDecodeTime)."""
        self.scale_s = 0.0
        self.freezes = Freezes()
        self.last_frame_at: float | None = None
        self.width = 0
        self.height = 0
        self.profile: str | None = None
        self._number = number
        self._slot = slot
        self._clock = clock
        self._on_first_frame = on_first_frame
        self._on_trouble = on_trouble
        self._waiting: deque[EncodedFrame] = deque()
        self._changed = threading.Condition()
        self._need_key = False
        self._decoding = False
        self._stopping = False
        self._shown = False
        self._held: Picture | None = None
        self._showing = threading.Lock()
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._reformatter = VideoReformatter()
        self._thread = threading.Thread(
            target=self._run, name=f"rejoin-decoder-{number}", daemon=True
        )

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end after the frame it is at; never waits for it."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being decoded."""
        with self._changed:
            return not self._waiting and not self._decoding

    @property
    def frame_interval_s(self) -> float:
        """Mean time between the last 30 decoded frames; 0 before there are two."""
        intervals = list(self._intervals)
        return sum(intervals) / len(intervals) if intervals else 0.0

    def submit(self, frame: EncodedFrame) -> None:
        """Hand over one access unit. Too many waiting: all go, and a key frame is asked for."""
        trouble = False
        with self._changed:
            if self._stopping:
                return
            if self._need_key and not frame.key:
                self.frames_undecoded += 1
                return
            self._need_key = False
            if len(self._waiting) >= MAX_WAITING:
                self.frames_undecoded += len(self._waiting)
                self._waiting.clear()
                if not frame.key:
                    self.frames_undecoded += 1
                    self._need_key = trouble = True
            if not trouble:
                self._waiting.append(frame)
                self._changed.notify()
        if trouble:
            self._on_trouble()

    def show(self, shown: bool) -> None:
        """Whether this connection's pictures go to the screen; the newest goes there at once."""
        with self._showing:
            self._shown = shown
            picture, self._held = self._held, None
            if shown and picture is not None:
                self._slot.put(picture)
            elif not shown:
                self._held = picture

    # --- on the decoder's thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._decode_until_stopped(_codec())
        finally:
            # A closed connection may wait long for the garbage collector; these, which are big
            # (4 MB and 0.2 MB at 720p) and which it does not see, must not wait with it.
            with self._showing:
                self._held = None
            del self._reformatter

    def _decode_until_stopped(self, codec: VideoCodecContext) -> None:
        while True:
            with self._changed:
                self._decoding = False
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                frame = self._waiting.popleft()
                more = bool(self._waiting)
                self._decoding = True
            self._decode(codec, frame, more)

    def _decode(self, codec: VideoCodecContext, encoded: EncodedFrame, more: bool) -> None:
        try:
            packet = Packet(encoded.data)
            packet.pts = encoded.rtp_timestamp
            began = self._clock()
            frames = codec.decode(packet)
            self.decode_s += self._clock() - began
            self.key_frames_decoded += encoded.key and bool(frames)
            self._take(codec, frames, encoded, more)
        except Exception:
            # Whatever a stream makes of FFmpeg or of us: this thread goes on, and asks for a frame
            # that depends on nothing.
            self.frames_failed += 1
            self._on_trouble()

    def _take(
        self,
        codec: VideoCodecContext,
        frames: list[VideoFrame],
        encoded: EncodedFrame,
        more: bool,
    ) -> None:
        for at, frame in enumerate(frames):
            if frame.width <= 0 or frame.height <= 0 or max(frame.width, frame.height) > MAX_SIDE:
                self.frames_failed += 1
                continue
            now = self._clock()
            if self.last_frame_at is not None and now - self.last_frame_at < LONGEST_INTERVAL_S:
                self._intervals.append(now - self.last_frame_at)
            self.last_frame_at = now
            self.freezes.shown(now)
            self.width, self.height = frame.width, frame.height
            self.frames_decoded += 1
            first = self.frames_decoded == 1
            overtaken = more or at + 1 < len(frames)
            if overtaken and not first:
                self.frames_overtaken += 1
            else:
                picture = self._picture(frame, encoded, now)
                self.scale_s += self._clock() - now
                self._put(picture)
            if first:
                self.profile = codec.profile
                self._on_first_frame()

    def _picture(self, frame: VideoFrame, encoded: EncodedFrame, now: float) -> Picture:
        width, height = fitted((frame.width, frame.height), self._slot.target)
        colorspace = int(_COLORSPACES.get(frame.colorspace, Colorspace.ITU709))
        full = frame.color_range == ColorRange.JPEG
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "bgra",
            src_colorspace=colorspace,
            dst_colorspace=colorspace,
            interpolation=Interpolation.BILINEAR,
            src_color_range=int(ColorRange.JPEG if full else ColorRange.MPEG),
            dst_color_range=int(ColorRange.JPEG),
            threads=1,
        )
        plane = scaled.planes[0]
        return Picture(
            connection=self._number,
            width=width,
            height=height,
            stride=plane.line_size,
            source_width=frame.width,
            source_height=frame.height,
            decoded_at=now,
            rtp_timestamp=encoded.rtp_timestamp,
            received_at=encoded.received_at,
            data=memoryview(plane),
        )

    def _put(self, picture: Picture) -> None:
        with self._showing:
            if self._stopping:
                return
            if self._shown:
                self._slot.put(picture)
            else:
                self._held = picture


def _codec() -> VideoCodecContext:
    codec = CodecContext.create("h264", "r")
    codec.thread_type = "SLICE"
    codec.thread_count = 2
    codec.flags |= Flags.low_delay
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    return codec
