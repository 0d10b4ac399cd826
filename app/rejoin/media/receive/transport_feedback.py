"""Transport-wide congestion control feedback: when each numbered packet arrived. Pure.

draft-holmer-rmcat-transport-wide-cc-extensions-01: the sender numbers all packets of a transport,
in a header extension; the receiver reports the arrival of each number in RTCP 205/15; the sender
estimates the bandwidth. `rejoin.rtc.congestion_feedback` sends the reports; `parse` is for the
emulated host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from struct import Struct
from typing import Final

from rejoin.media.receive.rtp import ONE_BYTE, extension_value

TRANSPORT_CC_URI: Final = (
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

TICK_S: Final = 0.000250
"""Unit of the receive deltas (draft, 3.1.5)."""

TICKS_PER_S: Final = 4000

TICKS_PER_REFERENCE: Final = 256
"""The reference time counts 64 ms."""

KEPT_S: Final = 0.500
"""How long an arrival is kept, to be reported again with a late packet before it."""

MAX_SPAN: Final = 8192
"""A number further than this from the newest is a new beginning, not a loss of thousands."""

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
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_MAX_RUN: Final = 8191


class NumberReader:
    """Reads the transport-wide sequence number of packets, from this extension id.

    Thousands of packets a second have the same few layouts, so the headers of the elements up to
    the number are remembered as one mask, by the extension's length.
    """

    def __init__(self, extension_id: int) -> None:
        self.extension_id = extension_id
        self._layouts: dict[int, tuple[int, int, int]] = {}

    def read(self, extension: bytes) -> int | None:
        """The number (0 to 65535) in a header extension, profile included; None if absent."""
        layout = self._layouts.get(len(extension))
        if layout is not None:
            end, mask, headers = layout
            whole = int.from_bytes(extension[:end])
            if whole & mask == headers:
                return whole & 0xFFFF
        value = extension_value(extension, self.extension_id)
        if value is None or len(value) != 2:
            return None
        self._remember(extension)
        return int.from_bytes(value)

    def _remember(self, extension: bytes) -> None:
        if extension[:2] != ONE_BYTE.to_bytes(2):
            return
        if len(self._layouts) >= 16:
            self._layouts.clear()
        mask, at = bytearray(b"\xff\xff\x00\x00"), 4
        while True:
            head = extension[at]
            mask.append(0xFF)
            at += 1
            if head == 0:
                continue
            size = (head & 0x0F) + 1
            mask += bytes(size)
            at += size
            if head >> 4 == self.extension_id:
                break
        bits = int.from_bytes(mask)
        self._layouts[len(extension)] = (at, bits, int.from_bytes(extension[:at]) & bits)


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
        self._ticks: dict[int, int] = {}
        """Arrival of each unwrapped number, in the order of arrival."""
        self._newest: int | None = None
        self._next = 0
        """The first number that no report has covered."""
        self._known_from = 0
        """What arrived with a lower number is no longer kept."""
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

    # --- reports ----------------------------------------------------------------------------------

    def reports(self, now: float, *, sender_ssrc: int, media_ssrc: int) -> list[bytes]:
        """RTCP packets about everything that arrived since the last call; none without arrivals.

        After a late packet they begin there, and repeat what has arrived since.
        """
        self._measure(now)
        lowest = self._take_new()
        if lowest is None or self._newest is None:
            return []
        first, end = min(self._next, lowest), self._newest + 1
        made: list[bytes] = []
        while first < end:
            first, count, reference, statuses, deltas = self._statuses(first, end)
            made.append(
                _packet(
                    (sender_ssrc, media_ssrc, (first - count) & 0xFFFF, count),
                    (reference & 0xFFFFFF) << 8 | self.reports_made & 0xFF,
                    _chunks(statuses) + deltas,
                )
            )
            self.reports_made += 1
        self._next = end
        self._forget(now)
        return made

    def _measure(self, now: float) -> None:
        took_s = INTERVAL_MIN_S if self._reported_at is None else now - self._reported_at
        first, self._reported_at = self._reported_at is None, now
        if took_s > 0.0:
            weight = 1.0 if first else min(1.0, took_s / RATE_OVER_S)
            self._rate_bps += weight * (self._new_bytes * 8 / took_s - self._rate_bps)
        self._new_bytes = 0

    def _take_new(self) -> int | None:
        """Note the new arrivals; returns the lowest number of them, None if there is none."""
        new, self._new = self._new, []
        ticks, newest, known_from = self._ticks, self._newest, self._known_from
        lowest: int | None = None
        for number, at in new:
            if newest is None:
                unwrapped = number
            else:
                moved = ((number - newest + 0x8000) & 0xFFFF) - 0x8000
                unwrapped = newest + moved
                if not -MAX_SPAN <= moved <= MAX_SPAN:
                    newest = None
            if newest is None:
                ticks.clear()
                known_from = unwrapped - MAX_SPAN
                newest = self._next = lowest = unwrapped
            elif unwrapped in ticks or unwrapped < known_from:
                continue
            if unwrapped > newest:
                newest = unwrapped
            if lowest is None or unwrapped < lowest:
                lowest = unwrapped
            ticks[unwrapped] = int(at * TICKS_PER_S)
        self._newest, self._known_from = newest, known_from
        return lowest

    def _statuses(self, first: int, end: int) -> tuple[int, int, int, list[int], bytes]:
        """As much as one report holds: where the next one begins, how many numbers are covered, the
        reference time, their statuses and the receive deltas. It ends with a received packet."""
        ticks = self._ticks
        statuses: list[int] = []
        deltas = bytearray()
        reference = before = None
        received = missing = 0
        for number in range(first, end):
            at = ticks.get(number)
            if at is None:
                missing += 1
                continue
            if reference is None or before is None:
                reference = at // TICKS_PER_REFERENCE
                before = reference * TICKS_PER_REFERENCE
            delta = at - before
            if received == MAX_RECEIVED or not -0x8000 <= delta < 0x8000:
                break
            if missing:
                statuses += [_NOT_RECEIVED] * missing
                missing = 0
            if 0 <= delta < 256:
                statuses.append(_SMALL)
                deltas.append(delta)
            else:
                statuses.append(_LARGE)
                deltas += _DELTA.pack(delta)
            before = at
            received += 1
        assert reference is not None, "the newest number was received"
        return first + len(statuses), len(statuses), reference, statuses, bytes(deltas)

    def _forget(self, now: float) -> None:
        """Drop what is too old to be reported again."""
        ticks, oldest = self._ticks, int((now - KEPT_S) * TICKS_PER_S)
        gone = list(takewhile(lambda number: ticks[number] < oldest, ticks))
        if gone:
            self._known_from = max(self._known_from, max(gone) + 1)
            for number in gone:
                del ticks[number]


def _packet(header: tuple[int, int, int, int], times: int, body: bytes) -> bytes:
    """`header`: SSRCs, base number and count of statuses. `times`: reference time and number of the
    report."""
    padding = -len(body) % 4
    first = _VERSION_AND_FORMAT | (_PADDING_BIT if padding else 0)
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    words = 4 + len(body) // 4
    return _HEADER.pack(first, _RTPFB, words, *header, times) + body


def _chunks(statuses: Sequence[int]) -> bytes:
    """The packet status chunks (draft, 3.1.2 to 3.1.4)."""
    out = bytearray()
    at, size = 0, len(statuses)
    while at < size:
        status, end = statuses[at], at + 1
        last = min(size, at + _MAX_RUN)
        while end < last and statuses[end] == status:
            end += 1
        if end - at >= 14 or end == size:
            out += _CHUNK.pack(status << 13 | end - at)
            at = end
            continue
        vector = 0
        if _LARGE in statuses[at : at + 14]:
            for each in range(at, at + 7):
                vector = vector << 2 | (statuses[each] if each < size else 0)
            out += _CHUNK.pack(0xC000 | vector)
            at += 7
        else:
            for each in range(at, at + 14):
                vector = vector << 1 | (statuses[each] if each < size else 0)
            out += _CHUNK.pack(0x8000 | vector)
            at += 14
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
    found = []
    at = 0
    while at + 4 <= len(rtcp):
        size = 4 + 4 * int.from_bytes(rtcp[at + 2 : at + 4])
        packet = rtcp[at : at + size]
        if len(packet) == size and packet[1] == _RTPFB and packet[0] & 0x1F == 15:
            report = _parse_report(packet)
            if report is not None:
                found.append(report)
        at += size
    return found


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
