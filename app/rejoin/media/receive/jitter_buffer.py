"""The jitter buffer for video: packets in any order to whole frames in order. Pure.

A missing packet is noticed when a later one arrives. It is put into a NACK at once and again after
each round trip, and given up at a deadline, together with its frame. A frame is whole when its
packet with the marker bit and all packets before it are there. The buffer is bounded in bytes, in
missing packets and, by the deadline, in time.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from rejoin.media.receive.access_units import AccessUnits
from rejoin.media.receive.h264 import may_lack_its_start, nal_units, starts_mid_nal_unit

DEADLINE_MIN_S = 0.150
DEADLINE_MAX_S = 0.500
DEADLINE_SLACK_S = 0.050
"""How long to wait for a missing packet. It grows with the round trip, so that four NACKs (one at
once, two after one round trip, one after two) can be answered, margins included."""

REORDER_WAIT_S = 0.030
"""The same for a host that does not answer NACK: the packet may only be reordered. At the start of
the stream, and after an outage, the wait for packets before the first arrived one is this long
too."""

UNANSWERED_LIMIT = 16
"""After this many NACKed packets in a row were given up, the host counts as ignoring NACK."""

NACK_INTERVAL_MIN_S = 0.050

NACK_MARGIN_S = 0.010
"""How much longer than a round trip an answer may take before the packet is NACKed again."""

SECOND_NACK_AFTER_S = 0.015
"""From the second round trip on each NACK is sent twice, this far apart: on a lossy network it is
the few packets that are lost three times that freeze the picture. Not done while a queue stands in
front of a bottleneck: there answers are late, and more of them make it worse."""

GIVEN_UP_REMEMBERED = 64
"""How many of the newest given-up packets are remembered, to recognise late answers to NACK."""

NACKS_PER_S = 2000
NACK_BURST = 1000
"""Limits for NACKed packets. No loss that can be repaired needs more, and a hostile stream full of
gaps must not make us flood the host."""

JUMP_PACKETS = 500
"""A larger gap is an outage: none of its packets is NACKed."""

OUTAGE_PACKETS = 16
OUTAGE_PAUSE_S = DEADLINE_MAX_S
"""A gap of more than this many packets after a pause longer than any packet's deadline is an outage
too: the missing packets are from the pause, and waiting would delay the next key frame."""

MISSING_PACKETS = 1000
"""With more packets missing in all, everything in the buffer is dropped."""

START_PACKETS = 500
"""How many packets before the first one that arrived may still belong to the stream's start: a
large key frame, all of whose packets arrived after its last one."""

MISORDER_PACKETS = 3000
"""A packet older than this is not late but a new start (RFC 3550, MAX_MISORDER, but wider)."""

BUFFER_BYTES = 8 * 1024 * 1024
PACKET_OVERHEAD_BYTES = 128
"""Roughly what a stored packet costs beside its payload: empty packets must be bounded too."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit. `after_loss`: something directly before it is missing.

    `key` and what follows `released_at` are those of `access_units.AccessUnit`.
    `first_packet_at` and `received_at`: boot time at which its first and last packet arrived;
    `released_at`: when it left the jitter buffer.
    """

    data: bytes
    rtp_timestamp: int
    key: bool
    after_loss: bool
    first_packet_at: float = 0.0
    received_at: float = 0.0
    released_at: float = 0.0
    recovers_after: int = 0
    reference: bool = True
    reorder_frames: int = 0
    chroma_location: int = 0
    flush: bool = False
    unsupported: str | None = None


@dataclass(slots=True)
class JitterBufferCounters:
    """Totals of one or more jitter buffers, which share this object when a stream changes SSRC."""

    packets_late: int = 0
    """Arrived after they were given up, or again after their frame was released."""
    packets_duplicate: int = 0
    """Arrived again while the first was still in the buffer."""
    packets_nacked: int = 0
    """Each NACK counts."""
    packets_recovered: int = 0
    """Arrived after a NACK had asked for them."""
    frames_broken: int = 0
    """Frames that were dropped because packets of them were missing."""


@dataclass(slots=True)
class _Stored:
    timestamp: int
    marker: bool
    payload: bytes
    at: float


@dataclass(slots=True)
class _Missing:
    noticed_at: float
    nack_at: float
    nacks_sent: int = 0


class JitterBuffer:
    """Packets of one video stream in any order to whole frames in order."""

    def __init__(
        self,
        *,
        nack: bool = True,
        counters: JitterBufferCounters | None = None,
        access_units: AccessUnits | None = None,
    ) -> None:
        """`nack`: whether the host agreed to NACK."""
        self.counters = counters or JitterBufferCounters()
        self.newest_at = -math.inf
        """When the packet with the highest number arrived."""
        self._access_units = access_units or AccessUnits()
        self._stored: dict[int, _Stored] = {}
        self._bytes = 0
        self._next: int | None = None
        self._highest = 0
        self._missing: dict[int, _Missing] = {}
        self._unanswered = 0 if nack else UNANSWERED_LIMIT
        self._nacked_and_given_up: deque[int] = deque(maxlen=GIVEN_UP_REMEMBERED)
        self._nack_at = -math.inf
        self._nacked_at = -math.inf
        self._nack_allowance = float(NACK_BURST)
        self._after_loss = False
        self._start_at: float | None = None
        """Arrival of the first packet of the stream or after an outage: packets before it may still
        come. None once frames are released."""
        self._start_floor: float = -math.inf
        """The lowest number that may still be the start."""
        self._broken: set[int] = set()
        """Media times of the frames that were broken last."""
        self._broken_until: int | None = None
        self._scanned_from = 0
        self._scanned_to = 0
        self._scanned_timestamp: int | None = None
        """Media time of the unfinished frame at the end of the last scan; None if there was
        none."""

    @property
    def has_missing(self) -> bool:
        """Whether packets are or may be missing: `poll` and `due_nacks` have to be called."""
        return bool(self._missing) or (self._start_at is not None and bool(self._stored))

    @property
    def buffered_bytes(self) -> int:
        """Size of the stored packets, overhead included, as it counts against `BUFFER_BYTES`."""
        return self._bytes

    @property
    def host_answers_nack(self) -> bool:
        """Whether to wait for answers to NACK; assumed until `UNANSWERED_LIMIT` is reached."""
        return self._unanswered < UNANSWERED_LIMIT

    def awaits(self, sequence: int) -> bool:
        """Whether this packet is missing and not given up."""
        behind = (self._highest - sequence) & 0xFFFF
        return behind < 0x8000 and self._highest - behind in self._missing

    def add(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[EncodedFrame]:
        """Add one packet; returns the frames that are whole now."""
        number = self._highest + 1
        if sequence == number & 0xFFFF and self._next is not None:
            self._highest = number
            self.newest_at = now
        else:
            unwrapped = self._add_out_of_order(sequence, now)
            if unwrapped is None:
                return []
            number = unwrapped
        self._stored[number] = _Stored(timestamp, marker, payload, now)
        self._bytes += len(payload) + PACKET_OVERHEAD_BYTES
        if self._bytes > BUFFER_BYTES:
            self._start_over_at(self._highest + 1)
        elif (
            not marker
            and timestamp == self._scanned_timestamp
            and number == self._scanned_to == self._highest
        ):
            # most packets continue the unfinished frame of the last scan
            self._scanned_to = number + 1
            return []
        return self._release_frames(now)

    def _add_out_of_order(self, sequence: int, now: float) -> int | None:
        """The number of a packet that is not the next one; None if it is late or a duplicate."""
        number = self._unwrap(sequence, now)
        if number is None:
            self.counters.packets_late += 1
            return None
        if number in self._stored:
            self.counters.packets_duplicate += 1
            return None
        missing = self._missing.pop(number, None)
        if missing is not None and missing.nacks_sent:
            self.counters.packets_recovered += 1
            self._unanswered = 0
        if number > self._highest:
            gap = number - self._highest - 1
            if self._is_outage(gap, now) or gap + len(self._missing) > MISSING_PACKETS:
                self._start_floor = self._highest + 1
                self._start_over_at(number)
                self._start_at = now
            else:
                self._note_missing(range(self._highest + 1, number), now)
            self._highest = number
            self.newest_at = now
        return number

    def poll(self, now: float, rtt_s: float | None) -> list[EncodedFrame]:
        """Give up packets that are past their deadline; returns the frames behind them."""
        noticed_before = now - self._deadline_s(rtt_s)
        overdue = [
            n for n, missing in self._missing.items() if missing.noticed_at <= noticed_before
        ]
        frames = []
        for number in sorted(overdue):
            if number in self._missing:
                self._give_up_through(number)
                frames += self._release_frames(now)
        if self._start_at is not None:
            frames += self._release_frames(now)
        return frames

    def due_nacks(self, now: float, rtt_s: float | None, *, twice: bool = True) -> list[int]:
        """The sequence numbers to NACK now: at once, then after each round trip, once or twice.

        Where the limits do not allow all of them, those with the fewest NACKs so far go first.
        """
        if now < self._nack_at:
            return []
        interval_s = max(NACK_INTERVAL_MIN_S, (rtt_s or 0.0) + NACK_MARGIN_S)
        self._nack_allowance = min(
            float(NACK_BURST), self._nack_allowance + (now - self._nacked_at) * NACKS_PER_S
        )
        self._nacked_at = now
        due = [number for number, missing in self._missing.items() if now >= missing.nack_at]
        room = int(self._nack_allowance)
        crowded = len(due) > room
        if crowded:
            due.sort(key=lambda number: self._missing[number].nacks_sent)
            del due[room:]
        for number in due:
            missing = self._missing[number]
            missing.nacks_sent += 1
            first_of_two = twice and missing.nacks_sent % 2 == 0
            missing.nack_at = now + (SECOND_NACK_AFTER_S if first_of_two else interval_s)
        if crowded:
            self._nack_at = now + NACK_INTERVAL_MIN_S
        else:
            self._nack_at = min(
                (missing.nack_at for missing in self._missing.values()), default=math.inf
            )
        self._nack_allowance -= len(due)
        self.counters.packets_nacked += len(due)
        # Sorted by the 16-bit number: aiortc cannot write a NACK in which the numbers decrease.
        return sorted(number & 0xFFFF for number in due)

    def _deadline_s(self, rtt_s: float | None) -> float:
        if not self.host_answers_nack:
            return REORDER_WAIT_S
        if rtt_s is None:
            return DEADLINE_MIN_S
        return min(DEADLINE_MAX_S, max(DEADLINE_MIN_S, 3 * rtt_s + DEADLINE_SLACK_S))

    def _unwrap(self, sequence: int, now: float) -> int | None:
        """Extend the 16-bit number to one that never wraps; None if it is late or a duplicate."""
        if self._next is None:
            self._next = sequence
            self._highest = sequence - 1
            self._start_at = now
            return sequence
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            return self._highest + ahead
        number = self._highest + ahead - 0x10000
        if number >= self._next:
            return number
        earliest = max(self._next - START_PACKETS, self._start_floor)
        if self._start_at is not None and number >= earliest:
            self._note_missing(range(number + 1, self._next), now)
            self._next = number
            return number
        if number >= self._next - MISORDER_PACKETS:
            if self._unanswered and number in self._nacked_and_given_up:
                self._unanswered = 0  # too late for its frame, but the host does answer
            return None
        return self._highest + ahead

    def _is_outage(self, gap: int, now: float) -> bool:
        paused = now - self.newest_at >= OUTAGE_PAUSE_S
        return gap > JUMP_PACKETS or (gap > OUTAGE_PACKETS and paused)

    def _note_missing(self, numbers: range, now: float) -> None:
        for number in numbers:
            self._missing[number] = _Missing(now, now)
        if numbers:
            self._nack_at = -math.inf

    def _start_over_at(self, number: int) -> None:
        """Drop everything before `number`."""
        times = {packet.timestamp for packet in self._stored.values()} - self._broken
        self.counters.frames_broken += max(1, len(times))
        self._stored.clear()
        self._bytes = 0
        self._missing.clear()
        self._next = number
        self._after_loss = True
        self._start_at = None
        self._scanned_timestamp = None

    def _give_up_through(self, lost: int) -> None:
        """Give up every missing packet up to `lost` and drop the frames that they belong to."""
        assert self._next is not None
        self._after_loss = True
        self._start_at = None
        self._scanned_timestamp = None
        broken: set[int] = set()
        goes_on = self._broken_until == self._next
        # Each number from the next to the highest is either stored or missing.
        for number in range(self._next, lost + 1):
            missing = self._missing.pop(number, None)
            if missing is None:
                broken.add(self._stored[number].timestamp)
                self._remove(number)
            elif missing.nacks_sent:
                self._unanswered += 1
                self._nacked_and_given_up.append(number)
        at = lost + 1
        first = self._stored.get(at)
        if first is not None and starts_mid_nal_unit(first.payload):
            broken.add(first.timestamp)
        while (packet := self._stored.get(at)) is not None and packet.timestamp in broken:
            self._remove(at)
            at += 1
        self._next = self._broken_until = at
        self._count_broken(broken, goes_on=goes_on)

    def _count_broken(self, broken: set[int], *, goes_on: bool) -> None:
        """Count frames by their media time, each once however many of its packets are given up.

        Missing packets between two frames count as one frame, as no packet tells their time;
        directly behind a broken frame (`goes_on`) they are its rest.
        """
        new = broken - self._broken
        if new or not (broken or goes_on):
            self.counters.frames_broken += max(1, len(new))
        if broken:
            self._broken = broken

    def _remove(self, number: int) -> None:
        self._bytes -= len(self._stored.pop(number).payload) + PACKET_OVERHEAD_BYTES

    def _awaits_start(self, start_at: float, now: float) -> bool:
        """Whether earlier packets of the first frame may still arrive, and are waited for."""
        first = None if self._next is None else self._stored.get(self._next)
        if first is None:
            return True
        if now - start_at < REORDER_WAIT_S:
            return may_lack_its_start(first.payload)
        self._start_at = None
        if starts_mid_nal_unit(first.payload):
            self.counters.frames_broken += 1
            self._after_loss = True
        return False

    def _release_frames(self, now: float) -> list[EncodedFrame]:
        frames: list[EncodedFrame] = []
        if self._start_at is not None and self._awaits_start(self._start_at, now):
            return frames
        while (end := self._end_of_next_frame()) is not None:
            assert self._next is not None
            packets = list(map(self._stored.pop, range(self._next, end)))
            payloads = [packet.payload for packet in packets]
            self._bytes -= sum(map(len, payloads)) + len(packets) * PACKET_OVERHEAD_BYTES
            self._next = end
            self._start_at = None
            unit = self._access_units.add(nal_units(payloads), after_loss=self._after_loss)
            if unit is not None:
                arrivals = [packet.at for packet in packets]
                frames.append(
                    EncodedFrame(
                        data=unit.data,
                        rtp_timestamp=packets[-1].timestamp,
                        key=unit.key,
                        after_loss=self._after_loss or unit.damaged,
                        first_packet_at=min(arrivals),
                        received_at=max(arrivals),
                        released_at=now,
                        recovers_after=unit.recovers_after,
                        reference=unit.reference,
                        reorder_frames=unit.reorder_frames,
                        chroma_location=unit.chroma_location,
                        flush=unit.flush,
                        unsupported=unit.unsupported,
                    )
                )
                self._after_loss = False
        return frames

    def _end_of_next_frame(self) -> int | None:
        """The number after the next whole frame, or after one empty packet (padding).

        No packet is scanned twice: `_scanned_to` is where the last call stopped.
        """
        assert self._next is not None
        first, at = self._next, self._next
        if self._scanned_to > at and self._scanned_from == at:
            at = self._scanned_to
        self._scanned_from, self._scanned_timestamp = first, None
        stored = self._stored
        begin = stored.get(first)
        if begin is None:
            self._scanned_to = first
            return None
        timestamp = begin.timestamp
        while (packet := stored.get(at)) is not None:
            if packet.timestamp != timestamp:
                return at
            at += 1
            if packet.marker or (at == first + 1 and not packet.payload):
                return at
        self._scanned_to, self._scanned_timestamp = at, timestamp
        return None
