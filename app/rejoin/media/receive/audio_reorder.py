"""The jitter buffer for sound: packets in order, none held back for longer than 60 ms. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MAX_HELD_PACKETS = 3
"""With this many packets waiting, the missing one before them is given up."""

MAX_WAIT_S = 0.060


@dataclass(frozen=True, slots=True)
class OrderedAudio:
    """One sound packet, in order. `lost_before`: how many packets directly before it are lost.

    `payload` is empty for padding and for silence that the host does not encode (DTX).
    """

    payload: bytes
    lost_before: int
    rtp_timestamp: int = 0


class AudioReorder:
    """Puts sound packets in order; holds two or three packets at most, for 60 ms at most."""

    def __init__(self) -> None:
        self.packets_late = 0
        self._next: int | None = None
        self._held: dict[int, tuple[float, bytes, int]] = {}

    @property
    def waiting(self) -> bool:
        """Whether packets are held back for a missing one, so that `poll` has to be called."""
        return bool(self._held)

    def add(
        self, sequence: int, payload: bytes, now: float, *, timestamp: int = 0
    ) -> list[OrderedAudio]:
        """Add one packet; returns the packets that can be played now."""
        if self._next is None:
            self._next = sequence
        number = self._next + ((sequence - self._next + 0x8000) & 0xFFFF) - 0x8000
        if number < self._next:
            self.packets_late += 1
            if self._next - number < 100:
                return []
            self._held.clear()
            self._next = number
        self._held[number] = (now, payload, timestamp)
        return self.poll(now)

    def poll(self, now: float) -> list[OrderedAudio]:
        """The packets that can be played now."""
        ready = []
        while self._held and self._next is not None:
            first = min(self._held)
            arrived_at, payload, timestamp = self._held[first]
            keep_waiting = len(self._held) < MAX_HELD_PACKETS and now - arrived_at < MAX_WAIT_S
            if first != self._next and keep_waiting:
                break
            del self._held[first]
            ready.append(OrderedAudio(payload, first - self._next, timestamp))
            self._next = first + 1
        return ready
