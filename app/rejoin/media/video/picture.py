"""A decoded picture and the one-slot mailbox that carries it to the screen: the newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rejoin.core.model import ConnectionNumber

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class FailureCount:
    """How many pictures could not be made, counted on any thread.

    An object of its own, so that a picture on the screen does not keep the decoder and the whole
    connection that it came from.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self) -> None:
        with self._lock:
            self.count += 1


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture in memory of its own: BGRA rows (`QImage.Format_RGB32`), `stride` bytes each."""

    width: int
    height: int
    stride: int
    data: memoryview = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture as the decoder left it; `scaling.Scaler` draws it in the colours of the screen.

    `frame` is in system memory: YUV 4:2:0, planar (software) or NV12 (hardware). `decoded_at` is
    boot time, and so is `received_at`, when the last packet of its frame came; `rtp_timestamp` is
    media time, 90 kHz. `on_failed` is called, on the thread that draws, when it cannot be drawn.
    """

    connection: ConnectionNumber
    frame: VideoFrame = field(repr=False)
    decoded_at: float
    rtp_timestamp: int
    received_at: float
    on_failed: Callable[[], None] = field(repr=False, default_factory=FailureCount)
    pixels: Pixels | None = None
    """Scaled ahead for the window of then; None where that is left to whoever paints."""

    @property
    def width(self) -> int:
        """In pixels of the host."""
        return self.frame.width

    @property
    def height(self) -> int:
        return self.frame.height


@dataclass(slots=True)
class PaintCount:
    """What was painted. Ages are from the last packet of a frame to its painting, in seconds."""

    pictures: int = 0
    took_s: float = 0.0
    """Spent on painting each for the first time, by the window's thread."""
    age_last_s: float = 0.0
    age_max_s: float = 0.0
    last_at: float = 0.0
    last_rtp_timestamp: int = 0
    last_connection: ConnectionNumber | None = None


class PictureSlot:
    """One picture, replaced by every newer one; each replaced unseen picture is counted.

    `put` is called on the decoder thread, `take` on the painting one. `on_filled` is called from
    `put`, outside the lock, only when the slot was empty: one wake-up per picture seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Picture | None = None
        self._replaced = 0
        self._unwatched = 0
        self.watched = True
        """Whether anybody would paint now; False while the window is minimised or hidden."""
        self.painted = PaintCount()
        """Written by the painting thread alone."""
        self.target: tuple[int, int] | None = None
        """Size in device pixels that pictures are painted in; told by the painting thread."""
        self.on_filled: Callable[[], None] | None = None

    def put(self, picture: Picture) -> None:
        with self._lock:
            was_empty = self._newest is None
            if not was_empty and self.watched:
                self._replaced += 1
            elif not was_empty:
                self._unwatched += 1
            self._newest = picture
        if was_empty and self.on_filled is not None:
            self.on_filled()

    def take(self) -> Picture | None:
        """The newest picture not yet taken, or None."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def count_skipped(self) -> None:
        """A picture that was taken is not painted, since a newer one is due."""
        with self._lock:
            self._replaced += 1

    def count_painted(self, picture: Picture, at: float, took_s: float = 0.0) -> None:
        """A picture is on the screen for the first time; painting it took so long."""
        age_s = at - picture.received_at
        self.painted.pictures += 1
        self.painted.took_s += took_s
        self.painted.age_last_s = age_s
        self.painted.last_at = at
        self.painted.last_rtp_timestamp = picture.rtp_timestamp
        self.painted.last_connection = picture.connection
        self.painted.age_max_s = max(self.painted.age_max_s, age_s)

    @property
    def replaced(self) -> int:
        """How many pictures were overtaken by a newer one before anybody took them."""
        with self._lock:
            return self._replaced

    @property
    def unwatched(self) -> int:
        """How many were replaced while the window was minimised or hidden."""
        with self._lock:
            return self._unwatched
