"""Audio packets in their order and in time: a jitter buffer that never waits long.

Pure, and told the time.
"""

from __future__ import annotations

from dataclasses import dataclass

AUDIO_DEPTH = 3
AUDIO_WAIT_S = 0.060


@dataclass(frozen=True, slots=True)
class OrderedAudio:
    """One audio packet in its turn; `lost_before`: how many before it never came."""

    payload: bytes
    lost_before: int
    rtp_timestamp: int = 0


class AudioReorder:
    """A two-to-three-packet jitter buffer: in order, never waiting longer than 60 ms."""

    def __init__(self) -> None:
        self.packets_late = 0
        self._next: int | None = None
        self._stored: dict[int, tuple[float, bytes, int]] = {}

    @property
    def waiting(self) -> bool:
        """Whether packets are held back for one before them, so that `poll` has work to do."""
        return bool(self._stored)

    def add(
        self, sequence: int, payload: bytes, now: float, *, timestamp: int = 0
    ) -> list[OrderedAudio]:
        if self._next is None:
            self._next = sequence
        number = self._next + ((sequence - self._next + 0x8000) & 0xFFFF) - 0x8000
        if number < self._next:
            self.packets_late += 1
            if self._next - number < 100:
                return []
            self._stored.clear()
            self._next = number
        self._stored[number] = (now, payload, timestamp)
        return self.poll(now)

    def poll(self, now: float) -> list[OrderedAudio]:
        """The packets whose turn it is by now."""
        ready = []
        while self._stored and self._next is not None:
            first = min(self._stored)
            arrived_at, payload, timestamp = self._stored[first]
            patient = len(self._stored) < AUDIO_DEPTH and now - arrived_at < AUDIO_WAIT_S
            if first != self._next and patient:
                break
            del self._stored[first]
            ready.append(OrderedAudio(payload, first - self._next, timestamp))
            self._next = first + 1
        return ready
