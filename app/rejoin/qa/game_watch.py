"""Records a game's pictures and messages, so that the proof of each drop can be made later.

It keeps small grey pictures and counters of the last minutes in memory, and stores nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import numpy as np

from rejoin.clock import Clock, boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.strip import read_strip
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.scene import EVERY_S, GreyScaler
from rejoin.qa.drop_evidence import Beat, Seen, of_drop, read_beat
from rejoin.qa.game_proof import DropProof

_MOST_SEEN: Final = 7200
"""An hour; 40 MB."""
_MOST_BEATS: Final = 36_000


class GameWatch(PictureSlot):
    """A picture slot that keeps small pictures, two a second and the first of each connection.

    `put` and `on_message` may be called on any thread.
    """

    def __init__(self, clock: Clock = boot_s) -> None:
        super().__init__()
        self._clock = clock
        self._scaler = GreyScaler()
        self._watching = threading.Lock()
        self._seen: deque[Seen] = deque(maxlen=_MOST_SEEN)
        self._beats: deque[Beat] = deque(maxlen=_MOST_BEATS)
        self._connection: ConnectionNumber | None = None

    def put(self, picture: Picture) -> None:
        self._watch(picture)
        super().put(picture)

    def on_message(self, data: bytes) -> None:
        """An application message of the game arrived."""
        beat = read_beat(data, self._clock())
        if beat is not None:
            with self._watching:
                self._beats.append(beat)

    def proof(self, began_at: float, back_at: float) -> DropProof:
        """The proof for a drop that began and was over at these boot times."""
        with self._watching:
            seen, beats = list(self._seen), list(self._beats)
        return of_drop(seen, beats, began_at, back_at)

    def _watch(self, picture: Picture) -> None:
        with self._watching:
            last_at = self._seen[-1].at if self._seen else float("-inf")
            is_new = picture.connection != self._connection
            if not is_new and picture.received_at - last_at < EVERY_S:
                return
            grey = self._scaler.grey(picture.frame)
            if grey is not None:
                self._connection = picture.connection
                self._seen.append(Seen(picture.received_at, grey, _tick(picture)))


def _tick(picture: Picture) -> int | None:
    """The counter that the emulated game painted; None for any other picture."""
    frame = picture.frame
    if frame.format.name not in ("yuv420p", "yuvj420p", "nv12"):
        return None
    luma = frame.planes[0]
    rows = np.frombuffer(memoryview(luma), np.uint8).reshape(-1, luma.line_size)[
        : frame.height, : frame.width
    ]
    strip = read_strip(rows)
    return None if strip is None else strip.counter
