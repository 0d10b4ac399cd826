"""What was received of one RTP stream, in numbers: RFC 3550 A.1 order, A.3 loss, A.8 jitter."""

from __future__ import annotations

from collections import deque

from aiortc.rtp import RtcpReceiverInfo

from rejoin.media.receive.rtp import RtpPacket


class ReceiveStatistics:
    """Statistics of one stream, from which its receiver reports and the badge are made."""

    def __init__(self, clock_rate_hz: int) -> None:
        self.packets_received = 0
        """Retransmissions included, as in W3C's statistics."""
        self.bytes_received = 0
        """Payload and padding, without headers; retransmissions included."""
        self.packets_retransmitted = 0
        """Those on the retransmission stream (RTX); without one they cannot be told apart."""
        self.bytes_retransmitted = 0
        self.ssrc: int | None = None
        self._clock_rate_hz = clock_rate_hz
        self._base = 0
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._reported = (0, 0)
        self._history: deque[tuple[float, int, int]] = deque()
        self._sender_report: tuple[int, float] | None = None
        self._received_since_base = 0
        self._media_clock: tuple[float, int] | None = None

    def add(self, packet: RtpPacket, now: float) -> bool:
        """Count one packet of the stream; whether it is newer than all before it."""
        size = len(packet.payload) + packet.padding_size
        self.packets_received += 1
        self.bytes_received += size
        sequence = packet.sequence_number
        fresh = packet.ssrc != self.ssrc
        if fresh:
            self.ssrc = packet.ssrc
            self._start(sequence)
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
        self._received_since_base += 1
        transit = now * self._clock_rate_hz - packet.timestamp
        if self._transit is not None and ahead:
            # media time wraps at 32 bits, and so does the difference
            moved = abs((transit - self._transit + 2**31) % 2**32 - 2**31)
            self._jitter += (moved - self._jitter) / 16
        self._transit = transit
        return fresh or 0 < ahead < 0x8000

    def add_retransmitted(self, packet: RtpPacket) -> None:
        """Count one packet of the retransmission stream, which has numbers of its own."""
        size = len(packet.payload) + packet.padding_size
        self.packets_received += 1
        self.bytes_received += size
        self.packets_retransmitted += 1
        self.bytes_retransmitted += size

    def _start(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._received_since_base = 0
        self._reported = (0, 0)
        self._history.clear()
        self._transit = None
        self._jitter = 0.0
        self._sender_report = None
        self._media_clock = None

    @property
    def packets_expected(self) -> int:
        return self._highest - self._base + 1 if self.ssrc is not None else 0

    @property
    def packets_lost(self) -> int:
        """Cumulative, since the stream began; repetitions can make it negative (RFC 3550)."""
        return self.packets_expected - self._received_since_base

    @property
    def jitter_s(self) -> float:
        return self._jitter / self._clock_rate_hz

    def loss(self, now: float, window_s: float) -> float:
        """Share of packets missing in the last `window_s`, 0..1; call it often."""
        expected, received = self.packets_expected, self._received_since_base
        self._history.append((now, expected, received))
        while len(self._history) > 2 and now - self._history[1][0] >= window_s:
            self._history.popleft()
        _, expected_then, received_then = self._history[0]
        due = expected - expected_then
        if due <= 0:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (received - received_then) / due))

    @property
    def sender_reported_at(self) -> float | None:
        """When the newest sender report of this stream arrived; None before the first."""
        return None if self._sender_report is None else self._sender_report[1]

    def sender_reported(self, ntp_timestamp: int, rtp_timestamp: int, now: float) -> None:
        """The host says which media time its clock showed when (RFC 3550, 6.4.1)."""
        self._sender_report = ((ntp_timestamp >> 16) & 0xFFFFFFFF, now)
        self._media_clock = (ntp_timestamp / (1 << 32), rtp_timestamp)

    def captured_at(self, rtp_timestamp: int) -> float | None:
        """When this was recorded, in seconds by the host's clock, which its streams share.

        None before the host's first report.
        """
        if self._media_clock is None:
            return None
        wall_s, reported = self._media_clock
        moved = (rtp_timestamp - reported + 2**31) % 2**32 - 2**31
        return wall_s + moved / self._clock_rate_hz

    def report(self, now: float) -> RtcpReceiverInfo | None:
        """The next report block; None before the first packet."""
        if self.ssrc is None:
            return None
        expected, received = self.packets_expected, self._received_since_base
        due = expected - self._reported[0]
        lost = due - (received - self._reported[1])
        self._reported = (expected, received)
        fraction = min(255, (lost << 8) // due) if due > 0 and lost > 0 else 0
        lsr, dlsr = 0, 0
        if self._sender_report is not None:
            lsr, heard_at = self._sender_report
            dlsr = min(0xFFFFFFFF, int((now - heard_at) * 65536))
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(-(1 << 23), min(self.packets_lost, (1 << 23) - 1)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self._jitter)),
            lsr=lsr,
            dlsr=dlsr,
        )
