"""Transport-wide congestion control feedback: when each numbered packet arrived. Pure.

draft-holmer-rmcat-transport-wide-cc-extensions-01: the sender numbers all packets of a transport,
in a header extension; the receiver reports the arrival of each number in RTCP 205/15; the sender
estimates the bandwidth. `rejoin.rtc.congestion_feedback` sends the reports; `parse` is for the
emulated host.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from struct import Struct
from typing import Final

from rejoin.media.receive.rtp import rtcp_packets

TRANSPORT_CC_URI: Final = (
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

NUMBER_BYTES: Final = 2
"""The header extension with the number (draft, 2)."""

TICK_S: Final = 0.000250
"""Unit of the receive deltas (draft, 3.1.5)."""

TICKS_PER_S: Final = 4000

TICKS_PER_REFERENCE: Final = 256
"""The reference time counts 64 ms."""

KEPT_S: Final = 0.500
"""How long an arrival is kept, to be reported again with a late packet before it."""

MAX_SPAN: Final = 8192
"""A number further than this from the newest is a new beginning, not a loss of thousands."""

MAX_COVERED: Final = 0xFFFF
"""Numbers in one report, received or not: their count has 16 bits (draft, 3.1)."""

MAX_RECEIVED: Final = 190
"""Arrivals in one report. In the worst case (single arrivals, each with a delta of two bytes and a
gap) it takes 6 bytes each, and a report has to fit into a datagram."""

INTERVAL_MIN_S: Final = 0.050
INTERVAL_MAX_S: Final = 0.250
REPORT_SHARE: Final = 0.05
REPORT_BYTES: Final = 68
"""As in libwebrtc: reports of about 68 bytes with IP, UDP and SRTCP take 5 % of what comes in."""

UNNUMBERED_S: Final = 1.0
"""After media without numbers for this long the sender counts as one that does not number."""

RATE_OVER_S: Final = 0.5

_HEADER = Struct("!BBHLLHHL")
_CHUNK = Struct("!H")
_DELTA = Struct("!h")
_VERSION_AND_FORMAT: Final = 0x8F
_PADDING_BIT: Final = 0x20
_RTPFB: Final = 205
_SMALL, _LARGE = 1, 2
_MAX_RUN: Final = 8191
_LONG_RUN: Final = 14
"""From this many equal statuses on a run is shorter than vectors."""
_RUN: Final = re.compile(rb"\x00+|\x01+|\x02+")


@dataclass(frozen=True, slots=True)
class _Batch:
    """The arrivals between two reports: `ticks` has the arrival of each unwrapped number."""

    ticks: dict[int, int]
    highest: int
    newest_at: float


class TransportFeedback:
    """The arrivals of one transport, and the reports of them. `now` is boot time in seconds."""

    def __init__(self) -> None:
        self.numbering = False
        """Whether the sender numbers its packets: from the first number until media came without
        numbers for a second."""
        self.reports_made = 0
        self._new: list[tuple[int, float]] = []
        self._new_bytes = 0
        self._unnumbered_since: float | None = None
        self._batches: deque[_Batch] = deque()
        """Batches that may be reported again, the oldest first."""
        self._newest: int | None = None
        self._next = 0
        """The first number that no report has covered."""
        self._known_from = 0
        """Arrivals with lower numbers are no longer kept."""
        self._rate_bps = 0.0
        self._reported_at: float | None = None

    # --- what arrives -----------------------------------------------------------------------------

    def add(self, number: int, size_bytes: int, now: float) -> None:
        """A packet with this number (0 to 65535) arrived, of whatever stream."""
        self._new.append((number, now))
        self._new_bytes += size_bytes
        if not self.numbering or self._unnumbered_since is not None:
            self.numbering, self._unnumbered_since = True, None

    def add_unnumbered(self, now: float) -> None:
        """A packet without a number arrived."""
        if self._unnumbered_since is None:
            self._unnumbered_since = now
        elif now - self._unnumbered_since >= UNNUMBERED_S:
            self.numbering = False

    @property
    def interval_s(self) -> float:
        """How long after a report the next one is due, at the rate at which packets arrive."""
        share_bps = REPORT_SHARE * self._rate_bps
        if share_bps <= 0.0:
            return INTERVAL_MIN_S
        return min(INTERVAL_MAX_S, max(INTERVAL_MIN_S, REPORT_BYTES * 8 / share_bps))

    @property
    def has_new(self) -> bool:
        """Whether something arrived since the last report."""
        return bool(self._new)

    # --- reports ----------------------------------------------------------------------------------

    def reports(self, now: float, *, sender_ssrc: int, media_ssrc: int) -> list[bytes]:
        """RTCP packets about everything that arrived since the last call; none without arrivals.

        After a late packet they begin there, and repeat what has arrived since.
        """
        self._measure(now)
        batch = self._take_new()
        if batch is None:
            return []
        self._batches.append(batch)
        first, end = min(self._next, *batch.ticks), batch.highest + 1
        arrivals = self._arrivals_from(first)
        made: list[bytes] = []
        at = 0
        while at < len(arrivals):
            at_next, count, reference, body = _report(first, arrivals, at)
            header = (sender_ssrc, media_ssrc, first & 0xFFFF, count)
            times = (reference & 0xFFFFFF) << 8 | self.reports_made & 0xFF
            made.append(_packet(header, times, body))
            self.reports_made += 1
            first, at = first + count, at_next
        self._next = max(self._next, end)
        self._forget(now)
        return made

    def _measure(self, now: float) -> None:
        took_s = INTERVAL_MIN_S if self._reported_at is None else now - self._reported_at
        first, self._reported_at = self._reported_at is None, now
        if took_s > 0.0:
            weight = 1.0 if first else min(1.0, took_s / RATE_OVER_S)
            self._rate_bps += weight * (self._new_bytes * 8 / took_s - self._rate_bps)
        self._new_bytes = 0

    def _take_new(self) -> _Batch | None:
        """The new arrivals; None if there is none."""
        new, self._new = self._new, []
        newest = self._newest
        ticks: dict[int, int] = {}
        for number, at in new:
            if newest is not None:
                ahead = (number - newest) & 0xFFFF
                if 0 < ahead <= MAX_SPAN:
                    newest += ahead
                    ticks[newest] = int(at * TICKS_PER_S)
                    continue
                if ahead == 0:
                    continue
                if ahead >= 0x10000 - MAX_SPAN:
                    late = newest + ahead - 0x10000
                    if late >= self._known_from and late not in ticks and not self._has(late):
                        ticks[late] = int(at * TICKS_PER_S)
                    continue
            newest = number if newest is None else newest + ahead  # a new beginning
            ticks.clear()
            self._batches.clear()
            self._next, self._known_from = newest, newest - MAX_SPAN
            ticks[newest] = int(at * TICKS_PER_S)
        self._newest = newest
        if newest is None or not ticks:
            return None
        return _Batch(ticks, newest, new[-1][1])

    def _has(self, number: int) -> bool:
        return any(number in batch.ticks for batch in self._batches)

    def _arrivals_from(self, first: int) -> list[tuple[int, int]]:
        """All known (number, arrival) from this number on, sorted by number."""
        known = [
            (number, at)
            for batch in self._batches
            if batch.highest >= first
            for number, at in batch.ticks.items()
            if number >= first
        ]
        known.sort()
        return known

    def _forget(self, now: float) -> None:
        """Drop batches that are too old to be reported again."""
        while self._batches and self._batches[0].newest_at < now - KEPT_S:
            self._known_from = max(self._known_from, self._batches.popleft().highest + 1)


def _report(first: int, arrivals: list[tuple[int, int]], start: int) -> tuple[int, int, int, bytes]:
    """The content of one report, from the number `first` and the arrival at `start` on.

    Returns the index of the next arrival, how many numbers are covered, the reference time, and the
    status chunks with the receive deltas. It ends with a received packet.
    """
    reference = arrivals[start][1] // TICKS_PER_REFERENCE
    before, expected = reference * TICKS_PER_REFERENCE, first
    statuses, deltas = bytearray(), bytearray()
    index = start
    for index in range(start, min(len(arrivals), start + MAX_RECEIVED)):
        number, at = arrivals[index]
        delta = at - before
        if not -0x8000 <= delta < 0x8000 or number - first >= MAX_COVERED:
            break
        if number != expected:
            statuses += bytes(number - expected)  # not received
        if 0 <= delta < 256:
            statuses.append(_SMALL)
            deltas.append(delta)
        else:
            statuses.append(_LARGE)
            deltas += _DELTA.pack(delta)
        before, expected = at, number + 1
    else:
        index += 1
    return index, expected - first, reference, _chunks(statuses) + deltas


def _packet(header: tuple[int, int, int, int], times: int, body: bytes) -> bytes:
    """`header`: SSRCs, base number and count of statuses. `times`: reference time and number of the
    report."""
    padding = -len(body) % 4
    first = _VERSION_AND_FORMAT | (_PADDING_BIT if padding else 0)
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    words = 4 + len(body) // 4
    return _HEADER.pack(first, _RTPFB, words, *header, times) + body


def _chunks(statuses: bytearray) -> bytes:
    """The packet status chunks (draft, 3.1.2 to 3.1.4)."""
    out = bytearray()
    at, size = 0, len(statuses)
    while at < size:
        run = _RUN.match(statuses, at, at + _MAX_RUN)
        assert run is not None
        end = run.end()
        if end - at >= _LONG_RUN or end == size:
            out += _CHUNK.pack(statuses[at] << 13 | end - at)
            at = end
            continue
        large = _LARGE in statuses[at : at + 14]
        count, width, kind = (7, 2, 0xC000) if large else (14, 1, 0x8000)
        vector = 0
        for status in statuses[at : at + count].ljust(count, b"\0"):
            vector = vector << width | status
        out += _CHUNK.pack(kind | vector)
        at += count
    return bytes(out)


# --- the sender's side ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """One received report. `arrivals`: each number from the first on, with the time of its arrival
    in seconds of the receiver's clock (modulo 2^24 * 64 ms), None if it was not received."""

    report: int
    arrivals: tuple[tuple[int, float | None], ...]


def parse(rtcp: bytes) -> list[FeedbackReport]:
    """The transport-wide reports in a compound RTCP packet; what is malformed is left out."""
    reports = (
        _parse_report(packet)
        for packet in rtcp_packets(rtcp)
        if packet[1] == _RTPFB and packet[0] & 0x1F == 15
    )
    return [report for report in reports if report is not None]


def _parse_report(packet: bytes) -> FeedbackReport | None:
    end = len(packet) - (packet[-1] if packet[0] & _PADDING_BIT else 0)
    if end < _HEADER.size:
        return None
    _, _, _, _, _, base, count, times = _HEADER.unpack_from(packet)
    statuses: list[int] = []
    at = _HEADER.size
    while len(statuses) < count:
        if at + 2 > end:
            return None
        chunk = _CHUNK.unpack_from(packet, at)[0]
        at += 2
        if not chunk & 0x8000:
            statuses += [chunk >> 13 & 3] * (chunk & _MAX_RUN)
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    ticks = (times >> 8) * TICKS_PER_REFERENCE
    arrivals: list[tuple[int, float | None]] = []
    for index, status in enumerate(statuses[:count]):
        number = (base + index) & 0xFFFF
        if status not in (_SMALL, _LARGE):
            arrivals.append((number, None))
            continue
        if at + status > end:
            return None
        ticks += packet[at] if status == _SMALL else _DELTA.unpack_from(packet, at)[0]
        at += status
        arrivals.append((number, ticks * TICK_S))
    return FeedbackReport(times & 0xFF, tuple(arrivals))
