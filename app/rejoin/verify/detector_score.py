"""The detector judged on a trace: how soon it sees a drop, and how often one that is none.

It is the engine's own detector (`health`), fed with the samples of a trace, recorded or made by
`traffic`, and held against the outages that the trace says were put in on purpose.

Rule 1: a detection is LOST while an outage holds; it took from the last packet before it.
Rule 2: LOST without an outage is a mistake, whether it heals or not: the habits of a path (roaming,
        handovers, bursts) are no outages.
Rule 3: a commit is LOST that has not healed when silence alone decides (`commit_uncorroborated_s`);
        without an outage it is a wrong one. What the service says is in no such trace: a service
        that gave us up makes a commit right, whatever the path does.
Rule 4: after a commit, and after an outage, the judging begins anew with the first packet.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rejoin.core import events, health
from rejoin.core.health import Health
from rejoin.core.model import ConnectionSample, HealthLevel, Policy
from rejoin.core.trace import Record, sample_of
from rejoin.core.trace_names import EVENTS
from rejoin.verify.traffic import Sampled


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing from the host reached the client from `began_at` on, until `ended_at` if ever."""

    began_at: float
    ended_at: float | None = None

    def holds(self, since_at: float, until_at: float) -> bool:
        """Whether any of it lies between the two."""
        return self.began_at <= until_at and (self.ended_at is None or since_at <= self.ended_at)


@dataclass(frozen=True, slots=True)
class Score:
    """What came of a trace, or of many: sums, and what can be told from them."""

    judged_s: float = 0.0
    outages: int = 0
    detections_s: tuple[float, ...] = ()
    mistakes: int = 0
    commits: int = 0
    wrong_commits: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.judged_s + other.judged_s,
            self.outages + other.outages,
            self.detections_s + other.detections_s,
            self.mistakes + other.mistakes,
            self.commits + other.commits,
            self.wrong_commits + other.wrong_commits,
        )

    @property
    def mistakes_per_hour(self) -> float:
        return self._per_hour(self.mistakes)

    @property
    def wrong_commits_per_hour(self) -> float:
        return self._per_hour(self.wrong_commits)

    def detection_s(self, percent: int) -> float | None:
        """The percentile (1..99) of the times to detection; None where nothing was detected."""
        if len(self.detections_s) < 2:
            return self.detections_s[0] if self.detections_s else None
        return statistics.quantiles(self.detections_s, n=100, method="inclusive")[percent - 1]

    def _per_hour(self, count: int) -> float:
        return count * 3600.0 / self.judged_s if self.judged_s else 0.0


def score(samples: Iterable[Sampled], outages: Sequence[Outage], policy: Policy) -> Score:
    """Replay the samples of one connection after the other, in order of time."""
    judge = _Judge(tuple(outages), policy)
    for at, sample in samples:
        judge.look(at, sample)
    return judge.score()


class _Judge:
    def __init__(self, outages: tuple[Outage, ...], policy: Policy) -> None:
        self._outages = outages
        self._policy = policy
        self._health: Health | None = None
        self._silent_since_at = 0.0
        self._committed_since_at: float | None = None
        self._seen: set[Outage] = set()
        self._first_at: float | None = None
        self._last_at = 0.0
        self._detections_s: list[float] = []
        self._mistakes = self._commits = self._wrong_commits = 0

    def look(self, at: float, sample: ConnectionSample) -> None:
        if self._first_at is None:
            self._first_at = at
        self._last_at = at
        if self._committed_since_at is not None:
            if sample.last_packet_at <= self._committed_since_at:
                return
            self._committed_since_at = None
            self._health = None
        if self._health is None:
            self._health = health.healthy(at)
        before = self._health.level
        self._health = health.assess(self._health, sample, at, self._policy)
        if self._health.level is not HealthLevel.LOST:
            return
        if before is not HealthLevel.LOST:
            self._silent_since_at = sample.last_packet_at
            self._lost(at)
        if at - sample.last_packet_at >= self._policy.commit_uncorroborated_s:
            self._commits += 1
            if self._outage(at) is None:
                self._wrong_commits += 1
            self._committed_since_at = sample.last_packet_at

    def _lost(self, at: float) -> None:
        outage = self._outage(at)
        if outage is None:
            self._mistakes += 1
        elif outage not in self._seen:
            self._seen.add(outage)
            self._detections_s.append(at - self._silent_since_at)

    def _outage(self, at: float) -> Outage | None:
        return next((one for one in self._outages if one.holds(self._silent_since_at, at)), None)

    def score(self) -> Score:
        judged_s = 0.0 if self._first_at is None else self._last_at - self._first_at
        return Score(
            judged_s,
            len(self._outages),
            tuple(self._detections_s),
            self._mistakes,
            self._commits,
            self._wrong_commits,
        )


# --- traces as records ----------------------------------------------------------------------------

OUTAGE = "outage_s"
"""The field of a fault's record that says for how long nothing reaches the client; null: for good.
A fault without it is none of the path."""


def of_records(records: Iterable[Record], policy: Policy) -> Score:
    """The score of a trace that holds samples (`Recorder(..., samples=True)`).

    Each connection is judged for itself; an outage without an end is over for those that open
    after it. Raises ValueError if a record is not what it says.
    """
    samples: dict[int, list[Sampled]] = {}
    outages: list[Outage] = []
    for record in records:
        if record.kind == "fault" and OUTAGE in record.data:
            outages.append(_outage(record))
        elif record.kind == "event" and record.name == EVENTS[events.Sampled]:
            connection = record.data.get("connection")
            if not isinstance(connection, int):
                raise ValueError("a sample belongs to no connection")
            samples.setdefault(connection, []).append((record.at, sample_of(record)))
    total = Score()
    told: set[Outage] = set()
    for taken in samples.values():
        first_at, last_at = taken[0][0], taken[-1][0]
        mine = [
            one
            for one in outages
            if one.holds(first_at, last_at)
            and (one.ended_at is not None or one.began_at > first_at)
        ]
        total += replace(score(taken, mine, policy), outages=len(set(mine) - told))
        told.update(mine)
    return total


def _outage(record: Record) -> Outage:
    lasts_s = record.data[OUTAGE]
    if lasts_s is None:
        return Outage(record.at)
    if isinstance(lasts_s, bool) or not isinstance(lasts_s, int | float) or not lasts_s >= 0:
        raise ValueError(f"{OUTAGE} of a fault is no length of time")
    return Outage(record.at, record.at + lasts_s)
