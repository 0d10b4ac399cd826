"""The decoder's thread: encoded frames from a queue, pictures into the slot.

PyAV releases the GIL while it decodes in software. Pictures are decoded even while the connection
is hidden, because later frames depend on them; while the window is minimised, `unwatched` decides.
Colours are converted where a picture is painted; only a picture that needs another size is scaled
here, if there is time (ADR 0024).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.h264_parameters import MAX_SIDE
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.codec import FedFrame, H264Codec, HardwareFailedError
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.decode_queue import DecodeQueue
from rejoin.media.video.freezes import Freezes
from rejoin.media.video.hardware import Hardware
from rejoin.media.video.picture import FailureCount, Picture, PictureSlot
from rejoin.media.video.picture_gate import PictureGate
from rejoin.media.video.scaling import Scaler
from rejoin.media.video.unwatched import Seen, State, Verdict, step

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

BUSY_FRAMES = 2
"""With this many encoded frames waiting, scaling is left to the window, which skips pictures."""

INTERVALS = 30
MAX_INTERVAL_S = 1.0
"""A longer pause between two frames is an outage, not a frame interval."""

HANGS_S = 1.0
"""A hardware decoder that works on one frame for longer than this is taken to hang forever."""


class Decoder:
    """Decodes the video of one connection. Its methods are called on the event loop's thread.

    `on_first_frame` and `on_key_frame_needed` (a frame could not be decoded, or too many waited)
    are called on the decoder's thread, the latter also by `submit`. A hidden decoder keeps
    decoding; `show(True)` puts its newest picture into the slot at once.

    It decodes on the hardware that `hardware` has found when the thread starts. When that fails,
    decoding continues in software: from the same frame if it is a key frame, else from the next key
    frame.
    """

    def __init__(
        self,
        number: ConnectionNumber,
        slot: PictureSlot,
        *,
        clock: Clock,
        on_first_frame: Callable[[], None],
        on_key_frame_needed: Callable[[], None],
        hardware: Hardware | None = None,
        open_codec: Callable[[str | None], VideoCodecContext] = open_codec,
    ) -> None:
        self.frames_decoded = 0
        self.key_frames_decoded = 0
        self.hardware_failures = 0
        """How often decoding switched to software, 0 or 1."""
        self.decode_s = 0.0
        """Total time spent decoding (W3C: totalDecodeTime)."""
        self.scale_s = 0.0
        self.freezes = Freezes()
        self.last_frame_at: float | None = None
        """When the newest frame was decoded, or would have been if somebody saw the picture."""
        self.frames_unwatched = 0
        """Frames that were not decoded because nobody sees the picture."""
        self._watched: State = Seen()
        self.width = 0
        self.height = 0
        self.profile: str | None = None
        self.decodes_in: str | None = None
        """`SOFTWARE`, or the hardware's name; None before the thread runs."""
        self._number = number
        self._slot = slot
        self._clock = clock
        self._on_first_frame = on_first_frame
        self._on_key_frame_needed = on_key_frame_needed
        self._hardware = hardware or Hardware()
        self._open_codec = open_codec
        self._failed = FailureCount()
        self._queue = DecodeQueue()
        self._gate = PictureGate(slot)
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._scaler = Scaler()
        self._lock = threading.Lock()
        """For the next two, which a hung thread and its successor both use."""
        self._hardware_since: float | None = None
        """Since when the hardware has been working on its current frame; None if it is not."""
        self._thread = self._new_thread()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(
            target=self._run, name=f"rejoin-decoder-{self._number}", daemon=True
        )

    def start(self) -> None:
        """Start the thread; to be called once."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end after its current frame; does not wait for it."""
        self._gate.close()
        self._queue.close()

    @property
    def frames_undecoded(self) -> int:
        """Encoded frames dropped because too many waited, or while waiting for a key frame."""
        return self._queue.frames_dropped

    @property
    def frames_failed(self) -> int:
        """Frames that FFmpeg could not decode or swscale could not convert."""
        return self._failed.count

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether no frame waits or is being decoded."""
        return self._queue.idle

    @property
    def frame_interval_s(self) -> float:
        """Mean time between the last 30 decoded frames; 0 before there are two."""
        intervals = list(self._intervals)
        return sum(intervals) / len(intervals) if intervals else 0.0

    def submit(self, frame: EncodedFrame) -> None:
        """Queue one access unit; never blocks. If too many wait, all are dropped."""
        if self._queue.closed:
            return
        replaced = self._hardware_hangs() and self._replace_hung_thread()
        verdict = self._verdict(frame)
        if verdict is Verdict.SKIP:
            self.frames_unwatched += 1
            self.last_frame_at = self._clock()
            self.freezes.resume()
            return
        if verdict is Verdict.RETURN:
            self.freezes.resume()
            self._queue.expect_key_frame()
        overflowed = self._queue.put(frame)
        asks = verdict is Verdict.REQUEST or (verdict is Verdict.RETURN and not frame.key)
        if replaced or overflowed or asks:
            self._on_key_frame_needed()

    def _verdict(self, frame: EncodedFrame) -> Verdict:
        """The first frame of a connection is decoded in any case: the engine waits for it."""
        if self.frames_decoded == 0:
            return Verdict.DECODE
        visible = self._slot.hints.visible
        self._watched, verdict = step(self._watched, self._clock(), visible=visible, key=frame.key)
        return verdict

    def show(self, shown: bool) -> None:
        """Whether pictures go to the screen; if so, the newest one goes there at once."""
        self._gate.show(shown)

    def _hardware_hangs(self) -> bool:
        since = self._hardware_since
        return since is not None and self._clock() - since > HANGS_S

    def _replace_hung_thread(self) -> bool:
        """Continue in software on a new thread, as the old one is stuck in a driver.

        If the old thread ever returns, it finds that it was replaced, and ends.
        """
        with self._lock:
            if not self._hardware_hangs():
                return False
            self._hardware_since = None
            self._failed()
            self._hardware_failed("it hangs")
            self._queue.skip_to_key_frame()
            self._thread = self._new_thread()
            self._thread.start()
        return True

    def _hardware_failed(self, why: str) -> None:
        self.hardware_failures += 1
        self._hardware.give_up(why)

    # --- on the decoder's thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._decode_until_closed()
        except _ReplacedError:
            return  # the scaler belongs to the new thread
        # The garbage collector may take long to free a closed connection and does not know how
        # big this is (a frame alone has 1.4 MB at 720p), so it is freed now.
        del self._scaler

    def _decode_until_closed(self) -> None:
        codec = self._first_codec()
        while (encoded := self._queue.take()) is not None:
            try:
                self._hand_on(codec, self._decoded(codec, encoded), encoded)
            except _ReplacedError:
                raise
            except HardwareFailedError as failure:
                codec = self._software_after(failure, encoded)
            except Exception:
                # No stream may end this thread. It continues with a key frame, which does not
                # depend on the frame that failed.
                self._failed()
                self._on_key_frame_needed()

    def _first_codec(self) -> H264Codec:
        name = self._hardware.name
        if name is not None:
            try:
                return self._codec(name)
            except Exception as error:
                self._hardware_failed(f"it cannot be opened ({type(error).__name__})")
        return self._codec(None)

    def _codec(self, hardware: str | None) -> H264Codec:
        codec = H264Codec(self._open_codec(hardware), hardware)
        self.decodes_in = codec.decodes_in
        return codec

    def _software_after(self, failure: HardwareFailedError, encoded: EncodedFrame) -> H264Codec:
        """Decode the same frame again if it is a key frame; else a key frame is needed."""
        self._hardware_failed(str(failure))
        if encoded.key:
            self._queue.put_back(encoded)
        else:
            self._failed()
            self._queue.skip_to_key_frame()
        if self._queue.needs_key_frame:
            self._on_key_frame_needed()
        return self._codec(None)

    def _decoded(self, codec: H264Codec, encoded: EncodedFrame) -> list[VideoFrame]:
        """The frames of one access unit. Raises _ReplacedError if it took far too long."""
        began = self._clock()
        if codec.hardware is not None:
            with self._lock:
                self._hardware_since = began
        try:
            frames = codec.decode(encoded)
        finally:
            with self._lock:
                if self._thread is not threading.current_thread():
                    raise _ReplacedError
                self._hardware_since = None
        self.decode_s += self._clock() - began
        return frames

    def _hand_on(self, codec: H264Codec, frames: list[VideoFrame], encoded: EncodedFrame) -> None:
        for frame in frames:
            if frame.width <= 0 or frame.height <= 0 or max(frame.width, frame.height) > MAX_SIDE:
                self._failed()
                continue
            now = self._clock()
            if self.last_frame_at is not None and now - self.last_frame_at < MAX_INTERVAL_S:
                self._intervals.append(now - self.last_frame_at)
            self.last_frame_at = now
            self.freezes.shown(now)
            self.width, self.height = frame.width, frame.height
            self.frames_decoded += 1
            fed = codec.fed_as(frame) or FedFrame(
                encoded.rtp_timestamp, encoded.received_at, encoded.key, encoded.chroma_location
            )
            self.key_frames_decoded += fed.key
            self._gate.put(self._picture(frame, fed, now))
            if self.frames_decoded == 1:
                self.profile = codec.profile
                self._on_first_frame()

    def _picture(self, frame: VideoFrame, fed: FedFrame, now: float) -> Picture:
        """Prescaled if the window needs another size and will paint it, and if there is time."""
        picture = Picture(
            connection=self._number,
            frame=frame,
            decoded_at=now,
            rtp_timestamp=fed.rtp_timestamp,
            received_at=fed.received_at,
            chroma_location=fed.chroma_location,
            on_failed=self._failed,
        )
        first = (
            self.frames_decoded == 1
        )  # the first picture may be shown before there is a second one
        busy = len(self._queue) >= BUSY_FRAMES
        hints = self._slot.hints
        if busy or not hints.visible or not (self._gate.shown or first):
            return picture
        picture = self._scaler.prescaled(picture, hints.size, hints.scale_filter, hints.aspect)
        self.scale_s += self._clock() - now
        return picture


class _ReplacedError(Exception):
    """This thread was stuck in a driver for too long, and another one took its place."""
