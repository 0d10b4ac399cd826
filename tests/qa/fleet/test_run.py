"""A fleet on a cluster of threads: signals in order, and a result of every player."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from helpers.qa_results import PLAYED
from rejoin.errors import ServiceError
from rejoin.qa.client_case import Job, surroundings_of, utc_now
from rejoin.qa.fleet import run as fleet_run
from rejoin.qa.fleet.cluster import Placement, State
from rejoin.qa.fleet.messages import AllLive, Batch, Cost, FromBatch, Placed, Result
from rejoin.qa.fleet.players import Signal
from rejoin.qa.fleet.run import Fleet, Plan, batches_of, cost_lines
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.verify.scenario import ScenarioCase, Service

PROFILE = StudioProfile("http://127.0.0.1:1", "token")
CASE = ScenarioCase("case", Service(), (), 5.0, "live", None, None, None)
PASSED = Judgement(Verdict.PASSED, Why.AS_EXPECTED)


def a_plan(players: int) -> Plan:
    where = surroundings_of(PROFILE)
    jobs = tuple(
        Job("run", "test", CASE, number + 1, number, 1, PROFILE, where, 60.0)
        for number in range(players)
    )
    return Plan("run", jobs, 10.0, guarded=False)


def result(batch: Batch, job: Job) -> Result:
    return Result(batch.number, job.index, job.record(PASSED, utc_now(), 1.0, PLAYED))


class FakePlacement:
    def __init__(self) -> None:
        self.now: State = "playing"

    def state(self) -> State:
        return self.now


class FakeCluster:
    """Batches that play as soon as they may. `dying`: their process ends after one result.
    `silent`: they never say a thing. `quits`: their task is over without all results."""

    def __init__(self, places: int, *, dying: int = -1, silent: int = -1, quits: int = -1) -> None:
        self.places = tuple(f"place-{number}" for number in range(places))
        self.dying, self.silent, self.quits = dying, silent, quits
        self.hear: Callable[[FromBatch], None] = lambda message: None
        self.batches: dict[int, tuple[Batch, FakePlacement]] = {}
        self.given: list[Signal] = []

    def listen(self, run: str, hear: Callable[[FromBatch], None]) -> None:
        assert run == "run"
        self.hear = hear

    def submit(self, batch: Batch, place: str) -> Placement:
        assert place == self.places[batch.number]
        placement = FakePlacement()
        self.batches[batch.number] = (batch, placement)
        if batch.number != self.silent:
            self.hear(Placed(batch.number))
        return placement

    def give(self, run: str, signal: Signal) -> None:
        self.given.append(signal)
        for number, (batch, placement) in self.batches.items():
            if number == self.silent:
                continue
            if signal == "start":
                self.hear(AllLive(number, len(batch.jobs)))
            elif signal == "begin":
                few = number in (self.dying, self.quits)
                for job in batch.jobs[:1] if few else batch.jobs:
                    self.hear(result(batch, job))
                placement.now = "lost" if number == self.dying else "over"
                if not few:
                    self.hear(Cost(number, len(batch.jobs), 10.0, 1.0, 1_000_000))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_run, "_INSPECT_EVERY_S", 0.01)
    monkeypatch.setattr(fleet_run, "SAID_WITHIN_S", 0.05)


def test_a_cluster_that_is_gone_ends_the_run_with_the_results_so_far() -> None:
    class Gone(FakeCluster):
        def give(self, run: str, signal: Signal) -> None:
            if signal != "start":
                self.given.append(signal)
                raise ServiceError("It is gone.")
            batch, _ = self.batches[0]
            self.hear(AllLive(0, len(batch.jobs)))
            self.hear(result(batch, batch.jobs[0]))

    cluster = Gone(1)
    kept: list[Result] = []
    with pytest.raises(ServiceError, match="It is gone"):
        Fleet(a_plan(2), cluster, kept.append).play()
    assert cluster.given == ["begin", "stop"]
    assert [each.index for each in kept] == [0]


def test_players_are_dealt_to_the_places() -> None:
    batches = batches_of(a_plan(5), 2)
    assert [[job.index for job in batch.jobs] for batch in batches] == [[0, 2, 4], [1, 3]]
    assert batches[1].starts_after_s == (0.1, 0.3)
    assert len(batches_of(a_plan(2), 8)) == 2


def test_all_are_placed_then_live_then_dropped() -> None:
    cluster = FakeCluster(2)
    kept: list[Result] = []
    outcome = Fleet(a_plan(5), cluster, kept.append).play()
    assert cluster.given == ["start", "begin"]
    assert [each.index for each in outcome.in_order()] == [0, 1, 2, 3, 4]
    assert {each.record.verdict for each in outcome.in_order()} == {Verdict.PASSED}
    assert len(kept) == 5
    assert outcome.began_s is not None
    assert cost_lines(outcome.costs) == ("cost of a player: 4.0% of a processor, 0.4 MB",)


@pytest.mark.parametrize("which", ["dying", "quits"])
def test_the_players_of_a_batch_that_dies_are_results(which: str) -> None:
    cluster = FakeCluster(2, **{which: 1})
    found = Fleet(a_plan(6), cluster, lambda result: None).play().in_order()
    assert [each.record.why for each in found] == [
        Why.AS_EXPECTED,
        Why.AS_EXPECTED,
        Why.AS_EXPECTED,
        Why.CLIENT,
        Why.AS_EXPECTED,
        Why.CLIENT,
    ]
    assert found[3].record.sentences == ("the process of its batch ended",)


def test_a_batch_that_says_nothing_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_run, "PLACED_WITHIN_S", 0.1)
    monkeypatch.setattr(fleet_run, "SPARE_S", -60.0)
    monkeypatch.setattr(fleet_run, "END_WITHIN_S", 0.1)
    plan = a_plan(2)
    plan = replace(plan, jobs=tuple(replace(job, start_within_s=55.5) for job in plan.jobs))
    cluster = FakeCluster(2, silent=1)
    found = Fleet(plan, cluster, lambda result: None).play().in_order()
    assert [each.record.why for each in found] == [Why.AS_EXPECTED, Why.TIMEOUT]
    assert cluster.given == ["start", "begin", "stop"], "its games do not go on"


def test_an_interrupted_fleet_stops_its_batches() -> None:
    class Interrupted(FakeCluster):
        def give(self, run: str, signal: Signal) -> None:
            if signal == "start":
                raise KeyboardInterrupt
            for _, placement in self.batches.values():
                placement.now = "lost"
            self.given.append(signal)

    cluster = Interrupted(2)
    with pytest.raises(KeyboardInterrupt):
        Fleet(a_plan(2), cluster, lambda result: None).play()
    assert cluster.given == ["stop"]


def test_without_a_batch_that_ended_there_is_no_cost() -> None:
    assert cost_lines(()) == ()
    assert cost_lines((Cost(0, 2, 10.0, 1.0, None),)) == ("cost of a player: 5.0% of a processor",)
