"""A decoded picture, and the slot through which the decoder hands it to the window: newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.scale_filter import Aspect, ScaleFilter

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class FailureCount:
    """Counts pictures that could not be drawn; may be called on any thread.

    It is a separate object so that a picture on the screen does not keep its decoder, and with it
    the whole connection, in memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self) -> None:
        with self._lock:
            self.count += 1


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture in its own memory: BGRA rows (`QImage.Format_RGB32`) of `stride` bytes each."""

    width: int
    height: int
    stride: int
    data: memoryview = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture as it was decoded; `scaling.Scaler` converts it to the colours of the screen.

    `frame` is in system memory: YUV 4:2:0, planar (software) or NV12 (hardware). `received_at` is
    the boot time at which the last packet of the frame arrived, and `decoded_at` that of decoding.
    `rtp_timestamp` is media time, 90 kHz. `on_failed` is called, on the thread that draws, when the
    picture cannot be drawn.
    """

    connection: ConnectionNumber
    frame: VideoFrame = field(repr=False)
    decoded_at: float
    rtp_timestamp: int
    received_at: float
    on_failed: Callable[[], None] = field(repr=False, default_factory=FailureCount)
    chroma_location: int = 0
    """chroma_sample_loc_type of the stream's VUI (ITU-T H.264, E.2.1); 0, left, without one."""
    pixels: Pixels | None = None
    """Prescaled for the window as it was then; None where the window itself scales."""

    @property
    def width(self) -> int:
        """In pixels, as the host sent it."""
        return self.frame.width

    @property
    def height(self) -> int:
        return self.frame.height


@dataclass(frozen=True, slots=True)
class ViewHints:
    """The window as the decoder needs to know it. A new record replaces the old one."""

    size: tuple[int, int] | None = None
    """In device pixels: the area in which pictures are painted. None before it is known, and where
    the graphics card scales."""
    visible: bool = True
    """False while the window is minimised or hidden, so that no picture would be painted."""
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH
    aspect: Aspect = Aspect.SENT


@dataclass(frozen=True, slots=True)
class PaintTelemetry:
    """Numbers about painted pictures. Each painted picture replaces the record by the next one.

    Ages are in seconds, from the last packet of a frame to its painting.
    """

    pictures: int = 0
    took_s: float = 0.0
    """Time that the window's thread spent painting each picture for the first time."""
    age_last_s: float = 0.0
    age_max_s: float = 0.0
    last_at: float = 0.0
    last_rtp_timestamp: int = 0
    last_connection: ConnectionNumber | None = None

    def with_painted(self, picture: Picture, at: float, took_s: float) -> PaintTelemetry:
        """The record after this picture was painted for the first time."""
        age_s = at - picture.received_at
        return PaintTelemetry(
            pictures=self.pictures + 1,
            took_s=self.took_s + took_s,
            age_last_s=age_s,
            age_max_s=max(self.age_max_s, age_s),
            last_at=at,
            last_rtp_timestamp=picture.rtp_timestamp,
            last_connection=picture.connection,
        )


class PictureSlot:
    """Holds one picture, which every newer one replaces; replaced pictures are counted.

    The window's thread takes and counts pictures. `put` may be called on any thread: the decoder's,
    or the stream thread when a connection is shown. `hints` and `painted` are frozen records which
    the window's thread replaces as a whole, so that any thread reads a consistent one without a
    lock. `on_filled` is called by `put`, outside the slot's lock, when the slot was empty: once per
    picture that is taken. `on_shown` is called with each picture that was painted for the first
    time; where nobody listens for filled slots, as without a window, with each that was put.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Picture | None = None
        self._replaced = 0
        self._unwatched = 0
        self.hints = ViewHints()
        self.painted = PaintTelemetry()
        self.on_filled: Callable[[], None] | None = None
        self.on_shown: Callable[[Picture], None] | None = None

    def put(self, picture: Picture) -> None:
        """Replace the picture in the slot."""
        with self._lock:
            was_empty = self._newest is None
            if not was_empty and self.hints.visible:
                self._replaced += 1
            elif not was_empty:
                self._unwatched += 1
            self._newest = picture
        on_filled = self.on_filled
        if on_filled is None:
            self._shown(picture)
        elif was_empty:
            on_filled()

    def take(self) -> Picture | None:
        """The newest picture not yet taken, or None."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def count_skipped(self) -> None:
        """A picture was taken but is not painted, because a newer one is due."""
        with self._lock:
            self._replaced += 1

    def count_painted(self, picture: Picture, at: float, took_s: float = 0.0) -> None:
        """A picture was painted for the first time, in `took_s` seconds."""
        self.painted = self.painted.with_painted(picture, at, took_s)
        self._shown(picture)

    def _shown(self, picture: Picture) -> None:
        if self.on_shown is not None:
            self.on_shown(picture)

    @property
    def replaced(self) -> int:
        """How many pictures were replaced by a newer one before they were painted."""
        with self._lock:
            return self._replaced

    @property
    def unwatched(self) -> int:
        """How many were replaced while the window was minimised or hidden."""
        with self._lock:
            return self._unwatched
