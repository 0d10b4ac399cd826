"""Puts the fragments of one inbound SCTP stream together, in bounded memory and time.

In place of aiortc's `InboundStream`, which keeps whatever comes and walks through all of it for
each chunk. Here the fragments that follow each other are one run, found by its first and its last
number (TSN), so a chunk costs the same however many are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    DataChunk,
    InboundStream,
    tsn_minus_one,
    tsn_plus_one,
)
from aiortc.utils import uint16_add, uint16_gt, uint32_gt, uint32_gte

MESSAGE_MAX_BYTES = 64 * 1024
"""Announced as `max-message-size` (RFC 8841). A longer message is acknowledged and dropped."""

FRAGMENTS_MAX = 256
"""A message in more pieces counts as too long: 64 KiB are 60 chunks in packets of usual size."""

CHUNK_OVERHEAD_BYTES = 1024
"""Added to the payload of each kept chunk, so that tiny fragments are bounded too. In memory a
chunk costs about half of that."""


@dataclass(slots=True)
class _Run:
    """Fragments of one message that follow each other; `chunks` is None if it is too long."""

    first: int
    last: int
    begun: bool
    ended: bool
    ordered: bool
    number: int
    protocol: int
    size: int
    chunks: list[bytes] | None

    @property
    def cost(self) -> int:
        pieces = 1 if self.chunks is None else len(self.chunks)
        return self.size + CHUNK_OVERHEAD_BYTES * pieces

    def followed_by(self, other: _Run) -> None:
        self.last, self.ended = other.last, other.ended
        if self.chunks is None or other.chunks is None:
            self._drop()
            return
        self.chunks += other.chunks
        self.size += other.size
        if self.size > MESSAGE_MAX_BYTES or len(self.chunks) > FRAGMENTS_MAX:
            self._drop()

    def _drop(self) -> None:
        self.chunks, self.size = None, 0


class BoundedStream(InboundStream):
    """An inbound stream that keeps no more of a message than its longest allowed length.

    `cost`: how many bytes of the receive window the kept chunks take.
    """

    def __init__(self, stream_id: int, on_refused: Callable[[], None]) -> None:
        """`on_refused()`: a message was too long and is dropped."""
        super().__init__()
        self.cost = 0
        self._id = stream_id
        self._on_refused = on_refused
        self._by_first: dict[int, _Run] = {}
        self._by_last: dict[int, _Run] = {}
        self._in_turn: dict[int, _Run] = {}
        """Whole messages that wait for those before them, by their numbers."""
        self._ready: deque[_Run] = deque()

    def add_chunk(self, chunk: DataChunk) -> None:
        run = _Run(
            chunk.tsn,
            chunk.tsn,
            bool(chunk.flags & SCTP_DATA_FIRST_FRAG),
            bool(chunk.flags & SCTP_DATA_LAST_FRAG),
            not chunk.flags & SCTP_DATA_UNORDERED,
            chunk.stream_seq,
            chunk.protocol,
            len(chunk.user_data),
            [chunk.user_data],
        )
        parts = [run]
        before = self._by_last.get(tsn_minus_one(chunk.tsn))
        if not run.begun and before is not None and not before.ended:
            parts.insert(0, before)
        after = self._by_first.get(tsn_plus_one(chunk.tsn))
        if not run.ended and after is not None and not after.begun:
            parts.append(after)
        known_as_too_long = any(part.chunks is None for part in parts)
        for part in parts:
            if part is not run:
                self._forget(part)
        whole = parts[0]
        for part in parts[1:]:
            whole.followed_by(part)
        if whole.chunks is None and not known_as_too_long:
            self._on_refused()
        if whole.begun and whole.ended:
            self._complete(whole)
        else:
            self._keep(whole)

    def _keep(self, run: _Run) -> None:
        self._by_first[run.first] = self._by_last[run.last] = run
        self.cost += run.cost

    def _forget(self, run: _Run) -> None:
        del self._by_first[run.first], self._by_last[run.last]
        self.cost -= run.cost

    def _complete(self, run: _Run) -> None:
        if not run.ordered or not uint16_gt(run.number, self.sequence_number):
            self._deliver(run)
            self._deliver_what_is_next()
        elif run.number in self._in_turn:
            self._on_refused()
        else:
            self._in_turn[run.number] = run
            self.cost += run.cost

    def _deliver(self, run: _Run) -> None:
        self._ready.append(run)
        if run.ordered and run.number == self.sequence_number:
            self.sequence_number = uint16_add(self.sequence_number, 1)

    def _deliver_what_is_next(self) -> None:
        while (run := self._in_turn.pop(self.sequence_number, None)) is not None:
            self.cost -= run.cost
            self._deliver(run)

    def skip_to(self, number: int) -> None:
        """The other side gave up the ordered messages before this number (RFC 3758, 3.6)."""
        if not uint16_gt(number, self.sequence_number):
            return
        skipped = [each for each in self._in_turn if uint16_gt(number, each)]
        for each in sorted(skipped, key=lambda each: (each - self.sequence_number) % 2**16):
            run = self._in_turn.pop(each)
            self.cost -= run.cost
            self._ready.append(run)
        self.sequence_number = number
        self._deliver_what_is_next()

    def pop_messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Stream, protocol and content of each message that is whole and whose turn it is."""
        while self._ready:  # a message that its reader fails on does not hold up those behind it
            run = self._ready.popleft()
            if run.chunks is not None:
                yield self._id, run.protocol, b"".join(run.chunks)

    def prune_chunks(self, tsn: int) -> int:
        """Drop messages that can no longer become whole: no chunk up to this number will come.

        Returns the payload bytes that were dropped.
        """
        if not self.cost:
            return 0
        gone = [run for run in self._by_first.values() if _is_lost(run, tsn)]
        for run in gone:
            self._forget(run)
        return sum(run.size for run in gone)


def _is_lost(run: _Run, tsn: int) -> bool:
    """Whether it lacks a fragment up to this number."""
    if not run.begun:
        return uint32_gte(tsn, run.first)
    return uint32_gt(tsn, run.last)
