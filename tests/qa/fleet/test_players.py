"""A batch: started after all are placed, dropped together, and each player is a result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from helpers.qa_results import PLAYED
from rejoin.qa import client_case
from rejoin.qa.client_case import Job, surroundings_of, utc_now
from rejoin.qa.fleet import players
from rejoin.qa.fleet.messages import AllLive, Batch, Cost, FromBatch, Placed, Result
from rejoin.qa.fleet.players import Gate, Signal, play_batch
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.verify.scenario import ScenarioCase, Service

PASSED = Judgement(Verdict.PASSED, Why.AS_EXPECTED)
PROFILE = StudioProfile("http://127.0.0.1:1", "token")


def a_job(index: int) -> Job:
    case = ScenarioCase("case", Service(), (), 5.0, "live", None, None, None)
    where = surroundings_of(PROFILE)
    return Job("run", "test", case, index + 1, index, 1, PROFILE, where, 60.0, modelled=True)


def a_batch(count: int, *, limit_s: float = 60.0, guarded: bool = False) -> Batch:
    jobs = tuple(a_job(index) for index in range(count))
    return Batch("run", 4, jobs, (0.0,) * count, limit_s, guarded)


class Given:
    """Signals that a test gives."""

    def __init__(self, *given: Signal) -> None:
        self.events: dict[Signal, threading.Event] = {}
        for name in ("start", "begin", "stop"):
            self.events[name] = threading.Event()
            if name in given:
                self.events[name].set()

    def wait(self, signal: Signal, timeout_s: float) -> bool:
        return self.events[signal].wait(timeout_s)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "ASK_EVERY_S", 0.02)


Play = Callable[[Job, Callable[[], Awaitable[None]]], Awaitable[None]]


def playing(monkeypatch: pytest.MonkeyPatch, play: Play) -> None:
    async def fake(
        job: Job, on_session: Callable[[str], None], may_begin: Callable[[], Awaitable[None]]
    ) -> tuple[CaseRecord, list[object]]:
        on_session(f"s-{job.index}")
        await play(job, may_begin)
        return job.record(PASSED, utc_now(), 1.0, PLAYED), []

    monkeypatch.setattr(client_case, "play", fake)


def by_index(said: list[FromBatch]) -> dict[int, CaseRecord]:
    return {each.index: each.record for each in said if isinstance(each, Result)}


async def test_players_wait_for_each_other_and_for_the_signal(
    monkeypatch: pytest.MonkeyPatch, nothing_left_behind: None
) -> None:
    said: list[FromBatch] = []
    began: list[int] = []
    signals = Given()

    async def play(job: Job, may_begin: Callable[[], Awaitable[None]]) -> None:
        await may_begin()
        assert signals.events["begin"].is_set()
        began.append(job.index)

    playing(monkeypatch, play)

    def say(message: FromBatch) -> None:
        said.append(message)
        match message:
            case Placed():
                assert not began
                signals.events["start"].set()
            case AllLive(_, live):
                assert live == 3
                assert not began
                signals.events["begin"].set()
            case _:
                pass

    await play_batch(a_batch(3), say, signals, lambda: 1000)
    assert sorted(began) == [0, 1, 2]
    assert {record.verdict for record in by_index(said).values()} == {Verdict.PASSED}
    cost = said[-1]
    assert isinstance(cost, Cost)
    assert (cost.batch, cost.players, cost.grew_bytes) == (4, 3, 0)


async def test_a_player_that_dies_hangs_or_never_starts_is_a_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[FromBatch] = []

    async def play(job: Job, may_begin: Callable[[], Awaitable[None]]) -> None:
        if job.index == 0:
            raise ZeroDivisionError("a bug")
        if job.index == 1:
            await asyncio.Event().wait()
        if job.index == 2:
            return  # ended before it was live
        await may_begin()

    playing(monkeypatch, play)
    await play_batch(a_batch(4, limit_s=0.5), said.append, Given("start", "begin"), lambda: None)
    found = by_index(said)
    assert [found[index].why for index in range(4)] == [
        Why.CLIENT,
        Why.TIMEOUT,
        Why.AS_EXPECTED,
        Why.AS_EXPECTED,
    ]
    assert found[0].sentences == ("ZeroDivisionError: a bug",)
    assert [each.live for each in said if isinstance(each, AllLive)] == [1]


async def test_a_run_that_stops_ends_the_games(
    monkeypatch: pytest.MonkeyPatch, nothing_left_behind: None
) -> None:
    said: list[FromBatch] = []
    ended: list[int] = []

    async def play(job: Job, may_begin: Callable[[], Awaitable[None]]) -> None:
        try:
            await may_begin()
        finally:
            ended.append(job.index)

    playing(monkeypatch, play)
    signals = Given("start")
    await asyncio.gather(
        play_batch(a_batch(2), said.append, signals, lambda: 5),
        asyncio.to_thread(signals.events["stop"].set),
    )
    assert {each.why for each in by_index(said).values()} == {Why.INTERRUPTED}
    before: list[FromBatch] = []
    await play_batch(a_batch(2), before.append, Given("stop"), lambda: 5)
    assert before == [Placed(4)]


async def test_sessions_at_an_own_backend_are_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    class FakeGuarded:
        def known(self, session_id: str) -> None:
            heard.append(f"known {session_id}")

        def over(self) -> None:
            heard.append("over")

    class FakeGuard:
        def __init__(self, *_: object) -> None: ...

        def begin(self, case: str) -> FakeGuarded:
            heard.append(f"begin {case}")
            return FakeGuarded()

        def close(self) -> None:
            heard.append("close")

    monkeypatch.setattr(players, "SessionGuard", FakeGuard)

    async def play(job: Job, may_begin: Callable[[], Awaitable[None]]) -> None:
        del job
        await may_begin()

    playing(monkeypatch, play)
    await play_batch(
        a_batch(1, guarded=True), lambda message: None, Given("start", "begin"), lambda: None
    )
    assert heard == ["begin case", "known s-0", "over", "close"]


def test_the_gate_counts_who_comes_and_who_does_not() -> None:
    async def run() -> list[int]:
        found: list[int] = []
        gate = Gate(3, found.append)
        waiting = [asyncio.create_task(gate.passed()) for _ in range(2)]
        await asyncio.sleep(0)
        assert found == []
        gate.gone()
        gate.open()
        await asyncio.gather(*waiting)
        return found

    assert asyncio.run(run()) == [2]
