"""The create calls of each episode of a trace: tries, lost answers, refusals.

An answer is lost if its request was written, but neither an answer nor a failure with a status
came: reading failed, or the client stopped waiting and then tried again or looked for the answer in
the session's status. A request that was still open at the end of an episode does not count as lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rejoin.core import commands, events
from rejoin.core.retry import UNREACHED, FailureKind
from rejoin.core.trace import Record, Timeline
from rejoin.core.trace_names import COMMANDS, EVENTS
from rejoin.qa.results import CallCounts

_TRY: Final = COMMANDS[commands.Reconnect]
_WRITTEN: Final = EVENTS[events.RequestWritten]
_ANSWERED: Final = EVENTS[events.AnswerArrived]
_FAILED: Final = EVENTS[events.ReconnectFailed]
_UNREACHED: Final = frozenset(kind.value for kind in UNREACHED)
_UNKNOWN: Final = FailureKind.OUTCOME_UNKNOWN.value
_QUEUED: Final = FailureKind.QUEUED.value


@dataclass(slots=True)
class _Tries:
    """The tries of one episode. A try is identified by its attempt and its number."""

    begun: set[tuple[object, object]] = field(default_factory=set)
    written: dict[tuple[object, object], None] = field(default_factory=dict)
    over: set[tuple[object, object]] = field(default_factory=set)
    lost: set[tuple[object, object]] = field(default_factory=set)
    refusals: int = 0

    def read(self, record: Record) -> None:
        which = (record.data.get("attempt"), record.data.get("try_number"))
        if record.kind == "command" and record.name == _TRY:
            self.begun.add(which)
        elif record.kind == "event" and record.name == _WRITTEN:
            self.written[which] = None
        elif record.kind == "event" and record.name == _ANSWERED:
            self.over.add(which)
        elif record.kind == "event" and record.name == _FAILED:
            self.over.add(which)
            failure = record.data.get("failure")
            if isinstance(failure, dict):
                self._failed(which, failure)

    def _failed(self, which: tuple[object, object], failure: dict[str, object]) -> None:
        kind, has_status = failure.get("kind"), failure.get("http_status") is not None
        if kind == _UNKNOWN and not has_status:
            if which in self.written:
                self.lost.add(which)
        elif kind != _QUEUED and (kind not in _UNREACHED or kind == _UNKNOWN):
            self.refusals += 1

    def counts(self, *, is_open: bool) -> CallCounts:
        unanswered = [which for which in self.written if which not in self.over]
        if is_open and unanswered:
            del unanswered[-1]  # its answer may still come
        lost = self.lost.union(unanswered)
        return CallCounts(len(self.begun), len(lost), self.refusals)


def of_episodes(records: Iterable[Record], timelines: Sequence[Timeline]) -> tuple[CallCounts, ...]:
    """The counts for each timeline of these records, which are in order of time."""
    tries = [_Tries() for _ in timelines]
    begins = [_begin(timeline) for timeline in timelines]
    current = -1
    for record in records:
        while current + 1 < len(begins) and begins[current + 1] <= record.at:
            current += 1
        if current >= 0:
            tries[current].read(record)
    return tuple(
        each.counts(is_open=timeline.outcome == "open")
        for each, timeline in zip(tries, timelines, strict=True)
    )


def _begin(timeline: Timeline) -> float:
    lost_at = timeline.at("lost")
    return timeline.began_at if lost_at is None else lost_at
