"""H.264 to pictures, on a thread of its own: decode, and into the one slot.

PyAV gives the GIL up while it decodes in software. What nobody looks at is decoded too, since the
frames after it need it. Colours are made where it is painted; a size other than the host's is made
here, if there is time (ADR 0024).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from av.packet import Packet

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.freezes import Freezes
from rejoin.media.video.hardware import SOFTWARE, Hardware
from rejoin.media.video.picture import FailureCount, Picture, PictureSlot
from rejoin.media.video.scaling import Scaler

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

MAX_WAITING = 20
"""Encoded frames that may wait (a third of a second at 60 fps) before all wait for a key frame."""

MAX_SIDE = 8192
"""No frame of more pixels in a row or a column is made a picture."""

SEVERAL = 2
"""Encoded frames that wait: then scaling is left to the window, for those that it comes to."""

INTERVALS = 30
LONGEST_INTERVAL_S = 1.0
"""A longer pause between two frames is an outage, not a frame interval."""

HANGS_S = 1.0
"""A hardware decoder that is at one frame for so long does not come back, as far as we wait."""

EMPTY_LIMIT = 3
"""So many frames in a row that hardware makes no picture of are a failure: the probe saw it make
one of each."""


class Decoder:
    """Decodes one connection's video. `submit` and the rest are for the event loop's thread.

    `on_first_frame` and `on_trouble` (a frame could not be decoded, or too many waited: a key frame
    is needed) are called on the decoder's thread. A hidden decoder goes on decoding and keeps its
    newest picture; `show(True)` puts that one into the slot at once.

    It decodes with what `hardware` knows when the thread starts. At the first failure of that,
    software goes on: with the same frame if that is a key frame, else with the next key frame.
    """

    def __init__(
        self,
        number: ConnectionNumber,
        slot: PictureSlot,
        *,
        clock: Clock,
        on_first_frame: Callable[[], None],
        on_trouble: Callable[[], None],
        hardware: Hardware | None = None,
        open_codec: Callable[[str | None], VideoCodecContext] = open_codec,
    ) -> None:
        self.frames_decoded = 0
        self.frames_undecoded = 0
        """Encoded frames thrown away, because too many waited or a key frame was awaited."""
        self._failed = FailureCount()
        self.key_frames_decoded = 0
        self.hardware_failures = 0
        """How often software took over, 0 or 1."""
        self.decode_s = 0.0
        """Time spent decoding, all frames together (W3C: totalDecodeTime)."""
        self.scale_s = 0.0
        self.freezes = Freezes()
        self.last_frame_at: float | None = None
        self.width = 0
        self.height = 0
        self.profile: str | None = None
        self.decodes_in: str | None = None
        """`SOFTWARE`, or the hardware's name; None before the thread runs."""
        self._number = number
        self._slot = slot
        self._clock = clock
        self._on_first_frame = on_first_frame
        self._on_trouble = on_trouble
        self._hardware = hardware or Hardware()
        self._open_codec = open_codec
        self._waiting: deque[EncodedFrame] = deque()
        self._changed = threading.Condition()
        self._need_key = False
        self._decoding = False
        self._hardware_since: float | None = None
        """Since when the hardware is at the frame that it is at."""
        self._stopping = False
        self._shown = False
        self._held: Picture | None = None
        self._showing = threading.Lock()
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._scaler = Scaler()
        self._thread = self._new_thread()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(
            target=self._run, name=f"rejoin-decoder-{self._number}", daemon=True
        )

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end after the frame it is at; never waits for it."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()

    @property
    def frames_failed(self) -> int:
        """Frames of which FFmpeg made no picture, or swscale no colours."""
        return self._failed.count

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
            if self._hardware_hangs():
                self._leave_the_thread_behind()
                trouble = True
            if self._need_key and not frame.key:
                self.frames_undecoded += 1
            else:
                self._need_key = False
                if len(self._waiting) >= MAX_WAITING:
                    self.frames_undecoded += len(self._waiting)
                    self._waiting.clear()
                    if not frame.key:
                        self.frames_undecoded += 1
                        self._need_key = trouble = True
                if not self._need_key:
                    self._waiting.append(frame)
                    self._changed.notify_all()
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

    def _hardware_hangs(self) -> bool:
        since = self._hardware_since
        return since is not None and self._clock() - since > HANGS_S

    def _leave_the_thread_behind(self) -> None:
        """The thread is in a driver that does not come back: another one goes on, in software.

        Called with the lock held. Should the old one come back, it finds that it is not the thread
        any more, and ends.
        """
        self._hardware_since = None
        self._failed()
        self._hardware_failed("it hangs")
        self._await_key_frame()
        self._thread = self._new_thread()
        self._thread.start()

    def _hardware_failed(self, why: str) -> None:
        self.hardware_failures += 1
        self._hardware.give_up(why)

    def _await_key_frame(self) -> None:
        """What waits cannot be decoded before a key frame. Called with the lock held."""
        while self._waiting and not self._waiting[0].key:
            self._waiting.popleft()
            self.frames_undecoded += 1
        self._need_key = not self._waiting

    # --- on the decoder's thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._decode_until_stopped()
        except _LeftBehindError:
            return  # the held picture and the scaler are the other thread's now
        # A closed connection may wait long for the garbage collector; these, which are big and
        # which it does not see (the frame alone has 1.4 MB at 720p), must not wait with it.
        with self._showing:
            self._held = None
        del self._scaler

    def _decode_until_stopped(self) -> None:
        codec = self._first_codec()
        while True:
            self.decodes_in = codec.hardware or SOFTWARE
            with self._changed:
                self._decoding = False
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                encoded = self._waiting.popleft()
                self._decoding = True
            try:
                self._take(codec, self._decoded(codec, encoded), encoded)
            except _LeftBehindError:
                raise
            except _HardwareFailedError as failure:
                codec = self._software_after(failure, encoded)
            except Exception:
                # Whatever a stream makes of FFmpeg or of us: this thread goes on, and asks for a
                # frame that depends on nothing.
                self._failed()
                self._on_trouble()

    def _first_codec(self) -> _Codec:
        name = self._hardware.name
        if name is not None:
            try:
                return _Codec(self._open_codec(name), name)
            except Exception as error:
                self._hardware_failed(f"it cannot be opened ({type(error).__name__})")
        return _Codec(self._open_codec(None), None)

    def _software_after(self, failure: _HardwareFailedError, encoded: EncodedFrame) -> _Codec:
        """Software from here on; a key frame is decoded again, else one is asked for."""
        self._hardware_failed(str(failure))
        with self._changed:
            if encoded.key:
                self._waiting.appendleft(encoded)
            else:
                self._failed()
                self._await_key_frame()
            ask = self._need_key
        if ask:
            self._on_trouble()
        return _Codec(self._open_codec(None), None)

    def _decoded(self, codec: _Codec, encoded: EncodedFrame) -> list[VideoFrame]:
        """The frames of one access unit. Raises _LeftBehindError when it took far too long."""
        began = self._clock()
        if codec.hardware is not None:
            with self._changed:
                self._hardware_since = began
        try:
            frames = codec.decode(encoded)
        finally:
            with self._changed:
                if self._thread is not threading.current_thread():
                    raise _LeftBehindError
                self._hardware_since = None
        self.decode_s += self._clock() - began
        self.key_frames_decoded += encoded.key and bool(frames)
        return frames

    def _take(self, codec: _Codec, frames: list[VideoFrame], encoded: EncodedFrame) -> None:
        for frame in frames:
            if frame.width <= 0 or frame.height <= 0 or max(frame.width, frame.height) > MAX_SIDE:
                self._failed()
                continue
            now = self._clock()
            if self.last_frame_at is not None and now - self.last_frame_at < LONGEST_INTERVAL_S:
                self._intervals.append(now - self.last_frame_at)
            self.last_frame_at = now
            self.freezes.shown(now)
            self.width, self.height = frame.width, frame.height
            self.frames_decoded += 1
            self._put(self._picture(frame, encoded, now))
            if self.frames_decoded == 1:
                self.profile = codec.profile
                self._on_first_frame()

    def _picture(self, frame: VideoFrame, encoded: EncodedFrame, now: float) -> Picture:
        """Scaled if need be, if it will be painted, and unless several frames wait meanwhile."""
        picture = Picture(
            connection=self._number,
            frame=frame,
            decoded_at=now,
            rtp_timestamp=encoded.rtp_timestamp,
            received_at=encoded.received_at,
            on_failed=self._failed,
        )
        first = self.frames_decoded == 1  # it will be shown, perhaps before the next one is here
        busy = len(self._waiting) >= SEVERAL
        if busy or not self._slot.watched or not (self._shown or first):
            return picture
        picture = self._scaler.ahead(picture, self._slot.target)
        self.scale_s += self._clock() - now
        return picture

    def _put(self, picture: Picture) -> None:
        with self._showing:
            if self._stopping:
                return
            if self._shown:
                self._slot.put(picture)
            else:
                self._held = picture


class _LeftBehindError(Exception):
    """This thread was too long in a driver, and another one took its place."""


class _HardwareFailedError(Exception):
    """What the hardware did, in a few words."""


class _Codec:
    """FFmpeg's decoder, and whose fault it is when nothing comes out. For one thread."""

    def __init__(self, context: VideoCodecContext, hardware: str | None) -> None:
        self.hardware = hardware
        self._context = context
        self._fed = False
        """Whether a key frame went in: before, no decoder could make anything of it."""
        self._empty = 0

    @property
    def profile(self) -> str | None:
        return self._context.profile

    def decode(self, encoded: EncodedFrame) -> list[VideoFrame]:
        """Raises what PyAV raises, and _HardwareFailedError when hardware is to blame."""
        packet = Packet(encoded.data)
        packet.pts = encoded.rtp_timestamp
        self._fed = self._fed or encoded.key
        try:
            frames = self._context.decode(packet)
        except Exception as error:
            if self.hardware is not None and self._fed:
                raise _HardwareFailedError(f"it cannot decode ({type(error).__name__})") from error
            raise
        self._empty = 0 if frames or not self._fed else self._empty + 1
        if self.hardware is not None and self._empty >= EMPTY_LIMIT:
            raise _HardwareFailedError("no pictures come out of it")
        return frames
