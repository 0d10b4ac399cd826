"""Probes run beside an episode, never before a create call, and stop with it."""

from __future__ import annotations

import asyncio

import pytest

from helpers.running_engine import RunningEngine, play
from helpers.waiting import eventually
from rejoin.core import events
from rejoin.core.events import Event, ProbesFinished
from rejoin.core.model import Stage
from rejoin.core.verdict import BackendState, Findings, InternetState, LinkState, Verdict
from rejoin.runtime import probing
from rejoin.runtime.probing import MAX_ROUNDS, Probing
from rejoin.service_model.status import Status
from rejoin.tasks import alive

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SILENT = Findings(LinkState.UP, backend=BackendState.SILENT, internet=InternetState.REACHED)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "FIRST_AFTER_S", 0.001)
    monkeypatch.setattr(probing, "LONGEST_PAUSE_S", 0.002)


class FakeProbes:
    """Finds what it is given; `rounds`: how many were begun."""

    def __init__(self, found: Findings | Exception | None = SILENT) -> None:
        """`found`: None: a round that hangs."""
        self._found = found
        self.rounds = 0
        self.closed = 0

    async def findings(self) -> Findings:
        self.rounds += 1
        if self._found is None:
            await asyncio.Event().wait()
        if isinstance(self._found, Exception):
            raise self._found
        assert self._found is not None
        return self._found

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.usefixtures("at_once")
async def test_they_run_in_rounds_from_the_drop_to_the_end_of_the_episode() -> None:
    probes, posted = FakeProbes(), list[Event]()
    it = Probing(lambda: probes, posted.append)
    it.follow(Stage.LIVE)
    assert not alive()
    it.follow(Stage.LOST)
    it.follow(Stage.RECONNECTING)
    await eventually(lambda: len(posted) >= 3)
    it.follow(Stage.LIVE)
    rounds = probes.rounds
    await asyncio.sleep(0.05)
    assert probes.rounds == rounds
    assert set(posted) == {ProbesFinished(SILENT)}
    await it.close()
    assert probes.closed == 1


async def test_a_drop_that_is_over_soon_sees_no_probe() -> None:
    made: list[FakeProbes] = []

    def make() -> FakeProbes:
        made.append(FakeProbes())
        return made[-1]

    it = Probing(make, lambda event: None)
    it.follow(Stage.LOST)
    await asyncio.sleep(0)
    it.follow(Stage.LIVE)
    await it.close()
    assert not made


@pytest.mark.usefixtures("at_once")
async def test_a_change_of_the_network_begins_anew_and_the_rounds_of_an_episode_are_bounded() -> (
    None
):
    probes, posted = FakeProbes(), list[Event]()
    it = Probing(lambda: probes, posted.append)
    it.follow(Stage.LIVE)
    it.follow(Stage.LOST)
    for _ in range(5):
        it.follow(Stage.LOST, network_changed=True)
    await eventually(lambda: posted[-1:] == [ProbesFinished(Findings())])
    assert probes.rounds <= MAX_ROUNDS
    it.follow(Stage.LOST, network_changed=True)
    await asyncio.sleep(0.05)
    assert probes.rounds <= MAX_ROUNDS
    await it.close()


@pytest.mark.usefixtures("at_once")
async def test_probes_that_fail_find_nothing(caplog: pytest.LogCaptureFixture) -> None:
    posted: list[Event] = []
    it = Probing(lambda: FakeProbes(ValueError()), posted.append)
    it.follow(Stage.LOST)
    await eventually(lambda: posted != [])
    await it.close()
    assert posted[0] == ProbesFinished(Findings())
    assert "the probes failed" in caplog.text


@pytest.mark.usefixtures("at_once")
def test_no_call_waits_for_probes_that_hang() -> None:
    probes = FakeProbes(None)

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("CONNECTED")
        it.world.silent = True
        await it.until(lambda: probes.rounds > 0)
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        it.engine.post(events.TryNowRequested())
        await it.until(lambda: bool(it.events("Reconnect")))
        it.world.silent = False
        await it.stage(Stage.LIVE, episode=1)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, probes=lambda: probes)
    assert it.events("Reconnect")
    assert not it.events("ProbesFinished")
    assert probes.closed == 1


@pytest.mark.usefixtures("at_once")
def test_the_verdict_reaches_the_snapshot_and_the_trace() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("CONNECTED")
        it.world.silent = True
        await it.until(lambda: it.snapshot.verdict is Verdict.SERVICE_SILENT)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, probes=FakeProbes)
    states = [record.data.get("verdict") for record in it.records if record.kind == "state"]
    assert "service_silent" in states
