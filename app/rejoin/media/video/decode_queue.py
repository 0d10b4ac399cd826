"""The queue in front of the decoder's thread: bounded, and after a drop it skips to a key frame."""

from __future__ import annotations

import threading
from collections import deque
from enum import Enum, auto

from rejoin.media.receive.jitter_buffer import EncodedFrame

MAX_WAITING = 20
"""Encoded frames that may wait: a third of a second at 60 fps."""


class _Accepts(Enum):
    ALL = auto()
    KEY_FRAMES = auto()
    """A frame was dropped: only a key frame can be decoded next."""
    NOTHING = auto()
    """Closed."""


class DecodeQueue:
    """A queue with one consumer, the decoder's thread. When it overflows, all waiting frames are
    dropped, and then every frame until the next key frame, because none can be decoded.
    """

    def __init__(self) -> None:
        self.frames_dropped = 0
        self._changed = threading.Condition()
        self._waiting: deque[EncodedFrame] = deque()
        self._accepts = _Accepts.ALL
        self._decoding = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        return self._accepts is _Accepts.NOTHING

    @property
    def idle(self) -> bool:
        """Whether no frame waits and the last one taken has been decoded."""
        with self._changed:
            return not self._waiting and not self._decoding

    @property
    def needs_key_frame(self) -> bool:
        return self._accepts is _Accepts.KEY_FRAMES

    def put(self, frame: EncodedFrame) -> bool:
        """Add a frame; returns whether a key frame has to be requested, because of an overflow."""
        with self._changed:
            if self._accepts is _Accepts.NOTHING:
                return False
            if self._accepts is _Accepts.KEY_FRAMES and not frame.key:
                self.frames_dropped += 1
                return False
            self._accepts = _Accepts.ALL
            if len(self._waiting) >= MAX_WAITING:
                self.frames_dropped += len(self._waiting)
                self._waiting.clear()
                if not frame.key:
                    self.frames_dropped += 1
                    self._accepts = _Accepts.KEY_FRAMES
                    return True
            self._waiting.append(frame)
            self._changed.notify_all()
            return False

    def take(self) -> EncodedFrame | None:
        """Wait for the next frame; None once closed. The frame taken before counts as decoded."""
        with self._changed:
            self._decoding = False
            while not self._waiting and self._accepts is not _Accepts.NOTHING:
                self._changed.wait()
            if self._accepts is _Accepts.NOTHING:
                return None
            self._decoding = True
            return self._waiting.popleft()

    def put_back(self, frame: EncodedFrame) -> None:
        """Put the frame that was taken last back, in front of the others."""
        with self._changed:
            if self._accepts is not _Accepts.NOTHING:
                self._waiting.appendleft(frame)

    def skip_to_key_frame(self) -> None:
        """Drop the frames that depend on the one taken last, which could not be decoded."""
        with self._changed:
            if self._accepts is _Accepts.NOTHING:
                return
            while self._waiting and not self._waiting[0].key:
                self._waiting.popleft()
                self.frames_dropped += 1
            self._accepts = _Accepts.ALL if self._waiting else _Accepts.KEY_FRAMES

    def expect_key_frame(self) -> None:
        """Frames are missing before the next one: none is accepted until a key frame."""
        with self._changed:
            if self._accepts is not _Accepts.NOTHING:
                self._accepts = _Accepts.KEY_FRAMES

    def close(self) -> None:
        """Drop everything and end the wait of `take`."""
        with self._changed:
            self._accepts = _Accepts.NOTHING
            self._waiting.clear()
            self._changed.notify_all()
