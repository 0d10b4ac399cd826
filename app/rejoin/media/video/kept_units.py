"""Keeps received access units around each drop, for clips that need no encoder.

For testers. Memory is bounded in bytes; when it is full the oldest units are dropped.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.jitter_buffer import EncodedFrame

BEFORE_S: Final = 12.0
"""Ten seconds before a drop are wanted, and it is noticed a second or two after it began."""
AFTER_S: Final = 10.0
MOST_BYTES: Final = 256 << 20
"""Limit of all kept units: 100 s at 20 Mbit/s."""


@dataclass(frozen=True, slots=True)
class KeptUnit:
    """One access unit in Annex B. `received_at`: boot time. `source`: number of its connection; RTP
    times of two connections are unrelated."""

    source: int
    received_at: float
    rtp_timestamp: int
    key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Clip:
    """What was received around a drop, from a key frame on. `noticed_at`, `over_at`: boot time;
    `over_at` None: it was not over."""

    noticed_at: float
    over_at: float | None
    units: tuple[KeptUnit, ...]


@dataclass(slots=True)
class _Mark:
    """A drop whose clip is not complete."""

    noticed_at: float
    over_at: float | None = None


@dataclass(slots=True)
class _Group:
    """A key frame and what follows it."""

    units: list[KeptUnit] = field(default_factory=list)
    size: int = 0


class KeptUnits:
    """Keeps the last seconds, and cuts out a clip for each drop. For one event loop.

    Units of a new connection are kept from its first key frame on. From then on units of the
    earlier connection are ignored, even if that connection is shown again.
    """

    def __init__(
        self,
        *,
        before_s: float = BEFORE_S,
        after_s: float = AFTER_S,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.without_clip = 0
        """Drops without a clip: nothing was received around them, or it did not fit."""
        self._before_s = before_s
        self._after_s = after_s
        self._most_bytes = most_bytes
        self._groups: deque[_Group] = deque()
        self._size = 0
        self._source = 0
        self._connection: ConnectionNumber | None = None
        self._marks: list[_Mark] = []
        self._clips: list[Clip] = []
        self._clips_size = 0

    def add(self, connection: ConnectionNumber, frame: EncodedFrame) -> None:
        """A frame goes to the decoder."""
        self._cut_until(frame.received_at)
        if self._connection is None or connection > self._connection:
            if not frame.key:
                return
            self._connection = connection
            self._source += 1
        elif connection < self._connection:
            return
        if frame.key:
            self._groups.append(_Group())
        elif not self._groups:
            return  # a frame that it depends on did not fit
        unit = KeptUnit(self._source, frame.received_at, frame.rtp_timestamp, frame.key, frame.data)
        self._groups[-1].units.append(unit)
        self._groups[-1].size += len(unit.data)
        self._size += len(unit.data)
        self._trim(frame.received_at)

    def client_replaced(self) -> None:
        """Another client takes over, which numbers its connections from the start."""
        self._connection = None

    def drop_noticed(self, at: float) -> None:
        """A drop began: the game is no longer live."""
        self._cut_until(at)
        if not any(mark.over_at is None for mark in self._marks):
            self._marks.append(_Mark(at))

    def drop_over(self, at: float) -> None:
        """The player plays again."""
        for mark in self._marks:
            if mark.over_at is None:
                mark.over_at = at

    def finish(self) -> tuple[Clip, ...]:
        """Return the clips of all drops, in their order, and keep nothing more."""
        while self._marks:
            self._cut(self._marks.pop(0))
        self._groups.clear()
        self._size = 0
        return tuple(self._clips)

    def _cut_until(self, now: float) -> None:
        """Cut out the clips that are complete."""
        while (
            self._marks
            and (over_at := self._marks[0].over_at) is not None
            and now > over_at + self._after_s
        ):
            self._cut(self._marks.pop(0))

    def _cut(self, mark: _Mark) -> None:
        from_at = mark.noticed_at - self._before_s
        groups = list(self._groups)
        while len(groups) > 1 and groups[1].units[0].received_at <= from_at:
            groups.pop(0)
        units = tuple(unit for group in groups for unit in group.units)
        if not units:
            self.without_clip += 1
            return
        self._clips_size += sum(group.size for group in groups)
        self._clips.append(Clip(mark.noticed_at, mark.over_at, units))

    def _trim(self, now: float) -> None:
        """Forget units that no clip needs, and units that do not fit."""
        earliest = min([now, *(mark.noticed_at for mark in self._marks)]) - self._before_s
        while len(self._groups) > 1 and self._groups[1].units[0].received_at <= earliest:
            self._forget_oldest()
        while self._groups and self._size + self._clips_size > self._most_bytes:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._size -= self._groups.popleft().size
