"""The packets that a NACK can still ask for: kept by sequence number, bounded in time and bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

HISTORY_S = 1.0
HISTORY_BYTES = 8 << 20


@dataclass(slots=True)
class _Sent:
    packet: bytes
    at: float
    resent_at: float = float("-inf")


class PacketHistory:
    """Sent packets by sequence number. `now` is seconds of any one clock."""

    def __init__(self, keep_s: float = HISTORY_S, keep_bytes: int = HISTORY_BYTES) -> None:
        self._keep_s, self._keep_bytes = keep_s, keep_bytes
        self._packets: dict[int, _Sent] = {}
        self._order: deque[int] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, sequence: int, packet: bytes, now: float) -> None:
        """Keep a packet that was just sent; drops what is too old or too much."""
        self._drop(sequence)
        self._packets[sequence] = _Sent(packet, now)
        self._order.append(sequence)
        self.bytes += len(packet)
        while self._order:
            oldest = self._packets.get(self._order[0])
            if oldest is not None and (
                now - oldest.at <= self._keep_s and self.bytes <= self._keep_bytes
            ):
                return
            self._drop(self._order.popleft())

    def find(self, sequence: int, now: float, *, every_s: float = 0.005) -> bytes | None:
        """The packet to send again; None if dropped, or resent less than `every_s` ago."""
        sent = self._packets.get(sequence)
        if sent is None or now - sent.at > self._keep_s or now - sent.resent_at < every_s:
            return None
        sent.resent_at = now
        return sent.packet

    def clear(self) -> None:
        """Nothing can be sent again any more: give the memory back now (up to `keep_bytes`)."""
        self._packets.clear()
        self._order.clear()
        self.bytes = 0

    def _drop(self, sequence: int) -> None:
        dropped = self._packets.pop(sequence, None)
        if dropped is not None:
            self.bytes -= len(dropped.packet)
