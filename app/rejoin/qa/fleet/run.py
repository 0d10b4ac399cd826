"""One fleet: places its batches, gives the signals, and has a result of every player."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rejoin.errors import ServiceError
from rejoin.qa.client_case import Job, utc_now
from rejoin.qa.fleet.cluster import Cluster, Placement
from rejoin.qa.fleet.messages import AllLive, Batch, Cost, FromBatch, Placed, Result
from rejoin.qa.verdicts import Judgement, Verdict, Why

PLACED_WITHIN_S: Final = 120.0
SPARE_S: Final = 90.0
"""How long a player may take beyond its start and duration, including the end of its batch."""
END_WITHIN_S: Final = 60.0
"""How long batches may take to end their games after an interruption."""
SAID_WITHIN_S: Final = 5.0
"""How long the last message of a batch may take to arrive once its task is over."""
_INSPECT_EVERY_S: Final = 0.5
_LOST: Final = "the process of its batch ended"
_SILENT: Final = "its batch did not say what became of it"


@dataclass(frozen=True, slots=True)
class Plan:
    """`jobs`: one for each player. `starts_per_s`: how many games are started in a second, all
    batches together. `on_done` gets how many players are done."""

    run: str
    jobs: tuple[Job, ...]
    starts_per_s: float
    guarded: bool

    @property
    def limit_s(self) -> float:
        """How long one player may take: it waits until the last one is live."""
        job = self.jobs[0]
        return self.ramp_s + job.start_within_s + job.case.duration_s + SPARE_S

    @property
    def ramp_s(self) -> float:
        """From the first start to the last."""
        return (len(self.jobs) - 1) / self.starts_per_s

    @property
    def takes_s(self) -> float:
        """An estimate of how long the plan takes, from experience."""
        return self.ramp_s + self.jobs[0].case.duration_s + 6.0


@dataclass(slots=True)
class Outcome:
    """The result of the fleet. `began_s`: from the start of the first game to the faults; None:
    they did not begin."""

    results: dict[int, Result] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    began_s: float | None = None

    def in_order(self) -> tuple[Result, ...]:
        return tuple(self.results[index] for index in sorted(self.results))


def batches_of(plan: Plan, places: int) -> tuple[Batch, ...]:
    """One batch for each place, as long as there are players; players take turns."""
    count = min(places, len(plan.jobs))
    found = []
    for number in range(count):
        indexes = range(number, len(plan.jobs), count)
        found.append(
            Batch(
                plan.run,
                number,
                tuple(plan.jobs[index] for index in indexes),
                tuple(index / plan.starts_per_s for index in indexes),
                plan.limit_s,
                plan.guarded,
            )
        )
    return tuple(found)


class Fleet:
    """Plays a plan on a cluster. `play` blocks; when it is interrupted, all games are ended. Raises
    ServiceError if the cluster is gone; the results so far have been passed on."""

    def __init__(self, plan: Plan, cluster: Cluster, on_result: Callable[[Result], None]) -> None:
        """Raises ServiceError if the cluster is gone, or has no places."""
        self._plan = plan
        self._cluster = cluster
        self._on_result = on_result
        self._heard: queue.SimpleQueue[FromBatch] = queue.SimpleQueue()
        self._places = cluster.places
        self._batches = batches_of(plan, len(self._places))
        self._placements: dict[int, Placement] = {}
        self._placed: set[int] = set()
        self._live: set[int] = set()
        self._over: set[int] = set()
        self._ended_at: dict[int, float] = {}
        self._outcome = Outcome()

    def play(self) -> Outcome:
        """A result of every player."""
        self._cluster.listen(self._plan.run, self._heard.put)
        for batch, place in zip(self._batches, self._places, strict=False):
            self._placements[batch.number] = self._cluster.submit(batch, place)
        try:
            self._play()
            for batch in self._batches:
                self._end(batch, Why.TIMEOUT, _SILENT)
            if not self._is_over():
                # What hangs has failed. On a scheduler that goes on without us so would its games.
                self._cluster.give(self._plan.run, "stop")
                self._until(self._is_over, END_WITHIN_S)
        except BaseException:
            # A second interrupt does not wait; a cluster that is gone cannot be asked.
            with contextlib.suppress(KeyboardInterrupt, ServiceError):
                self._cluster.give(self._plan.run, "stop")
                self._until(self._is_over, END_WITHIN_S)
            self._hear_all()
            raise
        return self._outcome

    def _play(self) -> None:
        count = len(self._batches)
        self._until(lambda: len(self._placed | self._over) == count, PLACED_WITHIN_S)
        started_at = time.monotonic()
        self._cluster.give(self._plan.run, "start")
        start_s = self._plan.ramp_s + self._plan.jobs[0].start_within_s + SPARE_S
        self._until(lambda: len(self._live | self._over) == count, start_s)
        self._cluster.give(self._plan.run, "begin")
        self._outcome.began_s = time.monotonic() - started_at
        self._until(self._is_over, self._plan.limit_s)

    def _is_over(self) -> bool:
        return len(self._over) == len(self._batches)

    def _until(self, reached: Callable[[], bool], within_s: float) -> bool:
        """Hear the batches and look after their processes; False when the time is up."""
        until_at = time.monotonic() + within_s
        inspected_at = float("-inf")
        while not reached():
            now = time.monotonic()
            if now >= until_at:
                return False
            if now - inspected_at >= _INSPECT_EVERY_S:
                inspected_at = now
                self._inspect()
            with contextlib.suppress(queue.Empty):
                self._hear(self._heard.get(timeout=_INSPECT_EVERY_S / 5))
        return True

    def _hear(self, message: FromBatch) -> None:
        match message:
            case Placed(number):
                self._placed.add(number)
            case AllLive(number):
                self._live.add(number)
            case Result():
                self._keep(message)
            case Cost():
                self._outcome.costs.append(message)

    def _hear_all(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._hear(self._heard.get_nowait())

    def _inspect(self) -> None:
        states = {number: each.state() for number, each in self._placements.items()}
        self._hear_all()  # what they said before they ended
        for batch in self._batches:
            if batch.number in self._over or states[batch.number] == "playing":
                continue
            if self._is_complete(batch):
                self._over.add(batch.number)
            elif states[batch.number] == "lost" or self._is_overdue(batch):
                self._over.add(batch.number)
                self._end(batch, Why.CLIENT, _LOST)

    def _is_complete(self, batch: Batch) -> bool:
        """Whether everything has arrived from a batch: a result of each player, and the cost."""
        results = all(job.index in self._outcome.results for job in batch.jobs)
        return results and any(each.batch == batch.number for each in self._outcome.costs)

    def _is_overdue(self, batch: Batch) -> bool:
        """Whether its task has been over for so long that every message must have arrived."""
        since = self._ended_at.setdefault(batch.number, time.monotonic())
        return time.monotonic() - since > SAID_WITHIN_S

    def _end(self, batch: Batch, why: Why, sentence: str) -> None:
        """Make a result for each player without one."""
        for job in batch.jobs:
            if job.index not in self._outcome.results:
                judgement = Judgement(Verdict.FAILED, why, (sentence,))
                self._keep(Result(batch.number, job.index, job.record(judgement, utc_now(), 0.0)))

    def _keep(self, result: Result) -> None:
        if result.index not in self._outcome.results:
            self._outcome.results[result.index] = result
            self._on_result(result)


def cost_lines(costs: Sequence[Cost]) -> tuple[str, ...]:
    """The cost of a player in the processes of players, without the emulator's share."""
    players = sum(cost.players for cost in costs)
    if not players:
        return ()
    share = sum(cost.cpu_s / cost.took_s for cost in costs if cost.took_s > 0) / players
    lines = [f"cost of a player: {share:.1%} of a processor"]
    grown = [cost for cost in costs if cost.grew_bytes is not None]
    if grown:
        size = sum(cost.grew_bytes or 0 for cost in grown) / sum(each.players for each in grown)
        lines[0] += f", {size / 1e6:.1f} MB"
    return tuple(lines)
