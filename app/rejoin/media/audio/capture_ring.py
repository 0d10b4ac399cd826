"""The ring between the microphone's callback and the encoder's thread: bounded, and never waits.

PortAudio calls back on a thread with a deadline: what it does there may not block, so there is no
lock that the encoder could hold. `SimpleQueue.put` is one call of C that takes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

MOST_BLOCKS: Final = 50
"""The most blocks that wait: of 10 ms each, half a second. Older sound is of no use."""


@dataclass(frozen=True, slots=True)
class Block:
    """Recorded sound. `position`: the number of its first sample since the device was opened,
    dropped blocks included. `taken_at`: boot time at which the device delivered it."""

    samples: bytes
    position: int
    taken_at: float


class CaptureRing:
    """For one thread that puts and one that gets."""

    def __init__(self, most: int = MOST_BLOCKS) -> None:
        self.dropped = 0
        """Blocks for which there was no room."""
        self._most = most
        self._position = 0
        self._blocks: SimpleQueue[Block] = SimpleQueue()

    def put(self, samples: bytes, taken_at: float) -> None:
        """Add 16-bit mono sound; dropped if too much waits. Never waits."""
        position = self._position
        self._position += len(samples) // 2
        if self._blocks.qsize() >= self._most:
            self.dropped += 1
            return
        self._blocks.put(Block(samples, position, taken_at))

    def get(self, within_s: float) -> Block | None:
        """The oldest block; None if none arrives within that time."""
        try:
            return self._blocks.get(timeout=within_s)
        except Empty:
            return None
