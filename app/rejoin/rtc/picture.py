"""A decoded picture and the one-slot mailbox that carries it to the screen: the newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rejoin.core.model import ConnectionNumber


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture ready to paint: BGRA rows (`QImage.Format_RGB32`), `stride` bytes each.

    `source_width` x `source_height` is what the host sent; `width` x `height` is what swscale made
    of it for the window. `decoded_at` is boot time, and so is `received_at`, when the last packet
    of its frame came; `rtp_timestamp` is media time, 90 kHz.
    """

    connection: ConnectionNumber
    width: int
    height: int
    stride: int
    source_width: int
    source_height: int
    decoded_at: float
    rtp_timestamp: int
    data: memoryview = field(repr=False)
    received_at: float = 0.0


class Unscaled(Protocol):
    """A decoded frame that becomes a picture only once somebody looks; `scaling.DecodedFrame`."""

    @property
    def connection(self) -> ConnectionNumber: ...

    def scaled(self, target: tuple[int, int] | None) -> Picture | None:
        """Its picture for a window of this size; None when none can be made. On any thread."""


@dataclass(slots=True)
class PaintCount:
    """What was painted. Ages are from the last packet of a frame to its painting, in seconds."""

    pictures: int = 0
    age_last_s: float = 0.0
    age_max_s: float = 0.0
    last_at: float = 0.0
    last_rtp_timestamp: int = 0
    last_connection: ConnectionNumber | None = None


class PictureSlot:
    """One picture, replaced by every newer one; each replaced unseen picture is counted.

    `put` is called on the decoder thread, `take` on the painting one. `on_filled` is called from
    `put`, outside the lock, only when the slot was empty: one wake-up per picture seen. What comes
    while nobody looks may be put in unscaled; then `take` scales it, to the target of that moment.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Picture | Unscaled | None = None
        self._replaced = 0
        self._unwatched = 0
        self.watched = True
        """Whether anybody would paint now; False while the window is minimised or hidden."""
        self.painted = PaintCount()
        """Written by the painting thread alone."""
        self._target: tuple[int, int] | None = None
        self.on_filled: Callable[[], None] | None = None

    def put(self, picture: Picture | Unscaled) -> None:
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
        if newest is None or isinstance(newest, Picture):
            return newest
        return newest.scaled(self.target)

    def count_skipped(self) -> None:
        """A picture that was taken is not painted, since a newer one is due."""
        with self._lock:
            self._replaced += 1

    def count_painted(self, picture: Picture, at: float) -> None:
        """A picture is on the screen for the first time."""
        age_s = at - picture.received_at
        self.painted.pictures += 1
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

    @property
    def target(self) -> tuple[int, int] | None:
        """Size in device pixels that pictures should be scaled into (keeping their shape)."""
        return self._target

    @target.setter
    def target(self, size: tuple[int, int] | None) -> None:
        self._target = size
