"""Receive statistics of one RTP stream:

RFC 3550 A.1 (order), A.3 (loss), A.8 (jitter). Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rejoin.media.receive.rtp import RtpPacket


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """A report block of an RTCP receiver report (RFC 3550, 6.4.1), each value within its bits.

    `fraction_lost` is in 1/256 since the last report, `packets_lost` cumulative (24 bits, signed),
    `highest_sequence` extended, `jitter` in units of media time. `lsr` is the middle 32 bits of the
    last sender report's NTP timestamp and `dlsr` the delay since then in 1/65536 s; both are 0
    before the first sender report.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class _CountedReport:
    """A sender report: when it arrived, how many packets the sender had sent by then (RFC 3550,
    6.4.1, 32 bits), and how many had arrived."""

    at: float
    sent: int
    received: int


REPORTS_REMEMBERED = 40

REPAIRED_REMEMBERED = 512
"""How many repaired packets are remembered: their originals may only have been late."""

MAX_MISORDER = 3000
"""A packet older than this is not late but a new start, as in the jitter buffer."""

HALF_RANGE = 2**31
"""Of media time, which has 32 bits."""


class ReceiveStatistics:
    """Statistics of one stream, for receiver reports and for `StreamStatistics`."""

    def __init__(self, clock_rate_hz: int) -> None:
        self.packets_received = 0
        """Includes retransmissions, as in W3C's statistics."""
        self.bytes_received = 0
        """Payload and padding without headers; includes retransmissions."""
        self.packets_retransmitted = 0
        """Packets of the RTX stream. Without RTX, retransmissions cannot be recognised."""
        self.packets_repaired = 0
        """Packets of this stream that only the RTX stream delivered."""
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
        self._missing_before = 0
        """Of the streams before this one."""
        self._repaired: dict[int, None] = {}
        """Sequence numbers of the last repaired packets, the oldest first."""
        self._restarts_at: tuple[int, int] | None = None
        """A number far behind the others, and the highest number then. If the next packet has the
        number after it, the sequence starts anew."""
        self._reports: deque[_CountedReport] = deque(maxlen=REPORTS_REMEMBERED)
        self._media_clock: tuple[float, int] | None = None

    def add(self, packet: RtpPacket, now: float) -> bool:
        """Count one packet of the stream; returns whether it is newer than all before it."""
        size = len(packet.payload) + packet.padding_size
        self.packets_received += 1
        self.bytes_received += size
        sequence = packet.sequence_number
        new_stream = packet.ssrc != self.ssrc
        if new_stream:
            self._start(sequence)
            self.ssrc = packet.ssrc
            self._sender_report = self._media_clock = None
        ahead = (sequence - self._highest) & 0xFFFF
        newest = 0 < ahead < 0x8000
        if newest:
            self._highest += ahead
        elif not new_stream:
            newest = self._on_older(sequence, -ahead & 0xFFFF)
        self._received_since_base += 1
        transit = now * self._clock_rate_hz - packet.timestamp
        if self._transit is not None and ahead:
            moved = transit - self._transit
            if not -HALF_RANGE <= moved < HALF_RANGE:  # media time wraps at 32 bits
                moved = (moved + HALF_RANGE) % (2 * HALF_RANGE) - HALF_RANGE
            self._jitter += (abs(moved) - self._jitter) / 16
        self._transit = transit
        return newest or new_stream

    def _on_older(self, sequence: int, behind: int) -> bool:
        """A packet that is not newer than all before it; returns whether the numbers begin anew.

        They do where two packets in a row are far behind (RFC 3550, A.1).
        """
        if self._repaired and sequence in self._repaired:
            del self._repaired[sequence]  # the first one was only late
            self.packets_repaired -= 1
        if behind < MAX_MISORDER:
            # the first packet to arrive was not the first that was sent
            self._base = min(self._base, self._highest - behind)
            return False
        restarts = self._restarts_at == (sequence, self._highest)
        self._restarts_at = (sequence + 1) & 0xFFFF, self._highest
        if restarts:
            self._received_since_base -= 1  # the one before belongs to the new numbers
            self._start((sequence - 1) & 0xFFFF)
            self._highest, self._received_since_base = self._base + 1, 1
        return restarts

    def add_retransmitted(self, packet: RtpPacket, *, repaired: int | None) -> None:
        """Count one packet of the RTX stream, which has its own sequence numbers.

        `repaired`: the sequence number of the missing packet that it brought; None if none.
        """
        size = len(packet.payload) + packet.padding_size
        self.packets_received += 1
        self.bytes_received += size
        self.packets_retransmitted += 1
        if repaired is not None:
            self.packets_repaired += 1
            self._repaired[repaired] = None
            if len(self._repaired) > REPAIRED_REMEMBERED:
                del self._repaired[next(iter(self._repaired))]

    def _start(self, sequence: int) -> None:
        self._missing_before = self.packets_missing
        self._base = self._highest = sequence
        self._received_since_base = 0
        self.packets_repaired = 0
        self._repaired.clear()
        self._restarts_at = None
        self._reported = (0, 0)
        self._history.clear()
        self._transit = None
        self._jitter = 0.0
        self._reports.clear()

    @property
    def packets_expected(self) -> int:
        """From the first to the highest sequence number of the stream; 0 before the first."""
        return self._highest - self._base + 1 if self.ssrc is not None else 0

    @property
    def packets_lost(self) -> int:
        """Since the stream started; negative if packets were duplicated (RFC 3550)."""
        return self.packets_expected - self._received_since_base

    @property
    def packets_missing(self) -> int:
        """Packets that were lost and not repaired, with RTX or without, of all streams so far.

        RFC 3550's own count, in receiver reports, knows nothing of RTX (RFC 4588, 6.3).
        """
        return self._missing_before + self.packets_lost - self.packets_repaired

    @property
    def jitter_s(self) -> float:
        return self._jitter / self._clock_rate_hz

    def loss(self, now: float, window_s: float) -> float:
        """Share of packets missing, and not repaired, in the last `window_s` seconds, 0..1.

        Each call adds a point to the window, so call it at regular intervals.
        """
        expected = self.packets_expected
        received = self._received_since_base + self.packets_repaired
        self._history.append((now, expected, received))
        while len(self._history) > 2 and now - self._history[1][0] >= window_s:
            self._history.popleft()
        _, expected_then, received_then = self._history[0]
        due = expected - expected_then
        if due <= 0:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (received - received_then) / due))

    @property
    def sender_report_at(self) -> float | None:
        """When the newest sender report of this stream arrived; None before the first."""
        return None if self._sender_report is None else self._sender_report[1]

    def add_sender_report(self, ntp_timestamp: int, rtp_timestamp: int, now: float) -> None:
        """A sender report relates media time to wall time (RFC 3550, 6.4.1)."""
        self._sender_report = ((ntp_timestamp >> 16) & 0xFFFFFFFF, now)
        self._media_clock = (ntp_timestamp / (1 << 32), rtp_timestamp)

    def count_sent(self, packets: int, now: float) -> None:
        """A sender report of this stream has the number of packets sent since it began."""
        if self.ssrc is not None:
            self._reports.append(_CountedReport(now, packets, self._received_since_base))

    def missing_since(self, since_at: float) -> float | None:
        """Share of the packets sent since then that did not arrive, 0..1, by the sender reports.

        0 if none were sent: that is how a sender that pauses differs from a path that loses all.
        None while no report since then can be compared with an earlier one. From the second report
        on nothing that was sent before `since_at` counts.
        """
        later = [report for report in self._reports if report.at >= since_at]
        earlier = [report for report in self._reports if report.at < since_at]
        if not later or (len(later) == 1 and not earlier):
            return None
        first, newest = later[0] if len(later) > 1 else earlier[-1], later[-1]
        sent = (newest.sent - first.sent) & 0xFFFFFFFF
        if sent >= 1 << 31:
            return None  # the count went back: the sender counts something else
        arrived = newest.received - first.received
        return min(1.0, max(0.0, 1.0 - arrived / sent)) if sent else 0.0

    def captured_at(self, rtp_timestamp: int) -> float | None:
        """When this was captured, in seconds of the host's clock, which its streams share.

        None before the first sender report.
        """
        if self._media_clock is None:
            return None
        wall_s, reported = self._media_clock
        moved = (rtp_timestamp - reported + 2**31) % 2**32 - 2**31
        return wall_s + moved / self._clock_rate_hz

    def report_block(self, now: float) -> ReportBlock | None:
        """The next report block, covering the time since the last; None before any packet."""
        if self.ssrc is None:
            return None
        expected, received = self.packets_expected, self._received_since_base
        due = expected - self._reported[0]
        lost = due - (received - self._reported[1])
        self._reported = (expected, received)
        fraction = min(255, (lost << 8) // due) if due > 0 and lost > 0 else 0
        lsr, dlsr = 0, 0
        if self._sender_report is not None:
            lsr, reported_at = self._sender_report
            dlsr = min(0xFFFFFFFF, int((now - reported_at) * 65536))
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(-(1 << 23), min(self.packets_lost, (1 << 23) - 1)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self._jitter)),
            lsr=lsr,
            dlsr=dlsr,
        )
