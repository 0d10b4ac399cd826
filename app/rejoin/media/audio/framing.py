"""Cuts recorded blocks into frames of 20 ms with their positions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.media.audio.capture_ring import Block
from rejoin.media.audio.opus_encoder import FRAME_BYTES, SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of 16-bit mono. `position`: the number of its first sample since the device was opened.
    `taken_at`: boot time at which the device delivered its last sample."""

    samples: bytes
    position: int
    taken_at: float


class Framing:
    """Blocks of any size in, frames out. Sound around a dropped block is not joined."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._position = 0
        """Position of the first waiting sample."""

    def add(self, block: Block) -> list[Frame]:
        """The frames that are complete with this block."""
        if block.position != self._position + len(self._bytes) // 2:
            self._bytes.clear()
            self._position = block.position
        self._bytes += block.samples
        frames = []
        while len(self._bytes) >= FRAME_BYTES:
            after = len(self._bytes) - FRAME_BYTES
            taken_at = block.taken_at - after / 2 / SAMPLE_RATE_HZ
            frames.append(Frame(bytes(self._bytes[:FRAME_BYTES]), self._position, taken_at))
            del self._bytes[:FRAME_BYTES]
            self._position += FRAME_BYTES // 2
        return frames
