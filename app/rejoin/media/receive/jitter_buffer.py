"""Packets of one video stream in any order to whole frames in order: order, loss, what to ask for.

Pure, and told the time. What is missing is noticed with the first packet behind it, asked for at
once and then in each round trip, and given up at a deadline; a frame is whole at its marker bit.
What waits is bounded in bytes, in missing packets and, by the deadline, in time.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from rejoin.media.receive.h264 import begins_inside_unit, depacketize

DEADLINE_MIN_S = 0.150
DEADLINE_MAX_S = 0.500
DEADLINE_SLACK_S = 0.050
"""A missing packet is waited for this long, longer with the round trip: so that four askings (at 0,
at one round trip twice, at two) can be answered, their margins included."""

REORDER_S = 0.030
"""As long as this it is waited for at a host that does not answer NACK: it may only be late."""

UNANSWERED = 16
"""So many packets asked for in vain, none in between that came: the host does not answer NACK."""

NACK_EVERY_MIN_S = 0.050

NACK_MARGIN_S = 0.010
"""An answer may take so much longer than the round trip before it counts as not coming."""

TWICE_S = 0.015
"""What was asked for in vain is asked for twice from then on, so far apart: packets that are lost
three times are what a lossy network freezes a picture with, and they are few. Not where a queue
stands before a bottleneck: there answers are late, and more of them make it worse."""

IN_VAIN = 64
"""So many of the newest given-up packets are remembered, to know their answers when they come."""

ASKS_PER_S = 2000
ASKS_AT_ONCE = 1000
"""No loss that can be repaired needs more asking; a stream made of gaps must not make us shout."""

JUMP_PACKETS = 500
"""More packets missing at once than this: an outage; nothing of it is asked for again."""

MISSING_PACKETS = 1000
"""More than this missing in all: what is there cannot be put together any more."""

START_PACKETS = 64
"""How far before the first packet that arrived the stream may really have begun."""

MISORDER_PACKETS = 3000
"""Further back than this is not late but a new start (RFC 3550, MAX_MISORDER, wider)."""

BUFFER_BYTES = 8 * 1024 * 1024
PACKET_BYTES = 128
"""What a stored packet costs beside its payload, roughly: empty ones must be bounded as well."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit. `after_loss`: something before it is missing.

    `began_at` and `received_at`: boot time of its first and last packet, `released_at` when it was
    its turn.
    """

    data: bytes
    rtp_timestamp: int
    key: bool
    after_loss: bool
    began_at: float = 0.0
    received_at: float = 0.0
    released_at: float = 0.0


@dataclass(slots=True)
class _Stored:
    timestamp: int
    marker: bool
    payload: bytes
    at: float


@dataclass(slots=True)
class _Gap:
    noticed_at: float
    ask_at: float
    asked: int = 0


class JitterBuffer:
    """Packets of one video stream in any order; whole frames in order, loss by deadline."""

    def __init__(self, *, asks: bool = True) -> None:
        """`asks`: whether the host agreed to be asked for packets again."""
        self.packets_late = 0
        """Came when their turn was over, or once more."""
        self.packets_repeated = 0
        """Came again while the first was still waiting."""
        self.frames_broken = 0
        """How often frames were given up because of what was missing."""
        self.packets_asked = 0
        """Each asking counted."""
        self.packets_recovered = 0
        """Packets that came after they had been asked for."""
        self.packets_given_up = 0
        self._stored: dict[int, _Stored] = {}
        self._bytes = 0
        self._next: int | None = None
        self._highest = 0
        self._gaps: dict[int, _Gap] = {}
        self._unanswered = 0 if asks else UNANSWERED
        self._in_vain: deque[int] = deque(maxlen=IN_VAIN)
        self._ask_at = -math.inf
        self._asked_at = -math.inf
        self._may_ask = float(ASKS_AT_ONCE)
        self._after_loss = False
        self._began = False
        self._seen_from = 0
        self._seen = 0

    @property
    def waiting(self) -> bool:
        """Whether something is missing, so that `poll` and `to_nack` have work as time goes on."""
        return bool(self._gaps)

    @property
    def buffered_bytes(self) -> int:
        """What waits, as it is counted against the bound."""
        return self._bytes

    @property
    def host_answers(self) -> bool:
        """Whether waiting for what was asked for makes sense; believed until shown otherwise."""
        return self._unanswered < UNANSWERED

    def add(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[EncodedFrame]:
        """Take one packet; the frames that are whole now."""
        number = self._unwrap(sequence, now)
        if number is None:
            self.packets_late += 1
            return []
        if number in self._stored:
            self.packets_repeated += 1
            return []
        gap = self._gaps.pop(number, None)
        if gap is not None and gap.asked:
            self.packets_recovered += 1
            self._unanswered = 0
        if number > self._highest:
            missing = number - self._highest - 1
            if missing > JUMP_PACKETS or missing + len(self._gaps) > MISSING_PACKETS:
                self._start_again(number)
            else:
                self._miss(range(self._highest + 1, number), now)
            self._highest = number
        self._stored[number] = _Stored(timestamp, marker, payload, now)
        self._bytes += len(payload) + PACKET_BYTES
        if self._bytes > BUFFER_BYTES:
            self._start_again(self._highest + 1)
        return self._whole_frames(now)

    def poll(self, now: float, rtt_s: float | None) -> list[EncodedFrame]:
        """Give up what has been missing for too long; the frames that come free by it."""
        noticed_before = now - self._deadline_s(rtt_s)
        late = [n for n, gap in self._gaps.items() if gap.noticed_at <= noticed_before]
        frames = []
        for number in sorted(late):
            if number in self._gaps:
                self._skip_past(number)
                frames += self._whole_frames(now)
        return frames

    def to_nack(self, now: float, rtt_s: float | None, *, twice: bool = True) -> list[int]:
        """Sequence numbers to ask for again now: at once, then in each round trip, once or twice.

        Where there is no room for all, those that were asked for least often go first.
        """
        if now < self._ask_at:
            return []
        every_s = max(NACK_EVERY_MIN_S, (rtt_s or 0.0) + NACK_MARGIN_S)
        self._may_ask = min(
            float(ASKS_AT_ONCE), self._may_ask + (now - self._asked_at) * ASKS_PER_S
        )
        self._asked_at = now
        due = [number for number, gap in self._gaps.items() if now >= gap.ask_at]
        room = int(self._may_ask)
        crowded = len(due) > room
        if crowded:
            due.sort(key=lambda number: self._gaps[number].asked)
            del due[room:]
        for number in due:
            gap = self._gaps[number]
            gap.asked += 1
            first_of_two = twice and gap.asked % 2 == 0
            gap.ask_at = now + (TWICE_S if first_of_two else every_s)
        if crowded:
            self._ask_at = now + NACK_EVERY_MIN_S
        else:
            self._ask_at = min((gap.ask_at for gap in self._gaps.values()), default=math.inf)
        self._may_ask -= len(due)
        self.packets_asked += len(due)
        # By the number in the packet: aiortc cannot write a NACK in which they go down.
        return sorted(number & 0xFFFF for number in due)

    def _deadline_s(self, rtt_s: float | None) -> float:
        if not self.host_answers:
            return REORDER_S
        if rtt_s is None:
            return DEADLINE_MIN_S
        return min(DEADLINE_MAX_S, max(DEADLINE_MIN_S, 3 * rtt_s + DEADLINE_SLACK_S))

    def _unwrap(self, sequence: int, now: float) -> int | None:
        """The 16-bit number on an endless scale; None when it is late or a repetition."""
        if self._next is None:
            self._next = sequence
            self._highest = sequence - 1
            return sequence
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            return self._highest + ahead
        number = self._highest + ahead - 0x10000
        if number >= self._next:
            return number
        if not self._began and number >= self._next - START_PACKETS:
            self._miss(range(number + 1, self._next), now)
            self._next = number
            return number
        if number >= self._next - MISORDER_PACKETS:
            if self._unanswered and number in self._in_vain:
                self._unanswered = 0  # too late for its frame, but the host does answer
            return None
        return self._highest + ahead

    def _miss(self, numbers: range, now: float) -> None:
        for number in numbers:
            self._gaps[number] = _Gap(now, now)
        if numbers:
            self._ask_at = -math.inf

    def _start_again(self, number: int) -> None:
        """Forget everything before `number`."""
        self.frames_broken += 1
        self.packets_given_up += len(self._gaps)
        self._stored.clear()
        self._bytes = 0
        self._gaps.clear()
        self._next = number
        self._after_loss = True

    def _skip_past(self, lost: int) -> None:
        """Give up every frame that a packet up to `lost` belonged to."""
        assert self._next is not None
        self.frames_broken += 1
        self._after_loss = True
        self._began = True
        broken = set()
        # Between the next packet and the newest each is either here or missing.
        for number in range(self._next, lost + 1):
            gap = self._gaps.pop(number, None)
            if gap is None:
                broken.add(self._stored[number].timestamp)
                self._remove(number)
                continue
            self.packets_given_up += 1
            if gap.asked:
                self._unanswered += 1
                self._in_vain.append(number)
        at = lost + 1
        first = self._stored.get(at)
        if first is not None and begins_inside_unit(first.payload):
            broken.add(first.timestamp)
        while (packet := self._stored.get(at)) is not None and packet.timestamp in broken:
            self._remove(at)
            at += 1
        self._next = at

    def _remove(self, number: int) -> None:
        self._bytes -= len(self._stored.pop(number).payload) + PACKET_BYTES

    def _whole_frames(self, now: float) -> list[EncodedFrame]:
        frames = []
        while (end := self._end_of_next_frame()) is not None:
            assert self._next is not None
            packets = [self._stored[number] for number in range(self._next, end)]
            for number in range(self._next, end):
                self._remove(number)
            self._next = end
            self._began = True
            data, key = depacketize(packet.payload for packet in packets)
            if data:
                arrivals = [packet.at for packet in packets]
                frames.append(
                    EncodedFrame(
                        data=data,
                        rtp_timestamp=packets[-1].timestamp,
                        key=key,
                        after_loss=self._after_loss,
                        began_at=min(arrivals),
                        received_at=max(arrivals),
                        released_at=now,
                    )
                )
                self._after_loss = False
        return frames

    def _end_of_next_frame(self) -> int | None:
        """Number after the next whole frame, or after one empty packet (padding between frames).

        What was looked at once is not looked at again: `_seen` is where the look ended.
        """
        assert self._next is not None
        at = self._seen if self._seen > self._next and self._next == self._seen_from else self._next
        self._seen_from = self._next
        while (packet := self._stored.get(at)) is not None:
            if at > self._next and packet.timestamp != self._stored[self._next].timestamp:
                return at
            at += 1
            if packet.marker or (not packet.payload and at == self._next + 1):
                return at
        self._seen = at
        return None
