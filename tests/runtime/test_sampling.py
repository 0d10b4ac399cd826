"""Sampling: silence and sleep are noticed, statistics are collected, failures are logged."""

from __future__ import annotations

import asyncio
import time

import pytest

from helpers.running_engine import RunningEngine, play
from rejoin.core import events
from rejoin.core.model import EndingKind, Snapshot, Stage
from rejoin.media.statistics import StreamStatistics
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_silence_is_noticed_by_the_samples_alone() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("CONNECTED")
        it.world.silent = True
        await it.stage(Stage.LOST)
        it.world.silent = False
        await it.stage(Stage.LIVE)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert len(it.world.peers) == 1, "the connection healed"
    assert "unmute" in it.world.peers[0].actions


def test_the_statistics_are_those_of_the_connection_that_is_shown() -> None:
    async def script(it: RunningEngine) -> None:
        def newest() -> StreamStatistics | None:
            return it.engine.sampling.newest_statistics

        assert newest() is None
        await it.stage(Stage.LIVE)
        await it.until(lambda: newest() is not None)
        statistics = newest()
        assert statistics is not None
        assert statistics.connection == it.world.peers[-1].number
        assert statistics.connected
        it.engine.post(events.CloseForNowRequested())

    play(script)


def test_a_listener_and_a_peer_that_fail_do_not_stop_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(it: RunningEngine) -> None:
        def fail(_: Snapshot) -> None:
            raise RuntimeError("a listener")

        it.engine.snapshots.subscribe(fail)
        await it.stage(Stage.LIVE)
        it.world.sample_error = RuntimeError("a sample")
        await asyncio.sleep(0.2)
        it.world.sample_error = None
        it.world.status_now = Status("CONNECTED")
        it.world.silent = True
        await it.stage(Stage.LOST)
        it.engine.post(events.CloseForNowRequested())

    _, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert "a snapshot listener failed" in caplog.text
    assert "could not be sampled" in caplog.text


def test_sleep_is_noticed_once_with_its_length_and_the_deadline_is_checked_afterwards() -> None:
    seen: list[bool] = []

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("CONNECTED")
        it.world.silent = True
        it.world.answers.clear()
        it.slept_s += 3600.0
        await it.until(lambda: bool(it.events("Woke")))
        await it.stage(Stage.LOST)
        await asyncio.sleep(0.2)
        seen.append(it.snapshot.deadline_checking)
        it.world.answers.set()
        await it.until(lambda: bool(it.events("StatusArrived")[1:]))
        seen.append(it.snapshot.deadline_checking)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    (woke,) = it.events("Woke")
    assert woke.data["asleep_s"] == pytest.approx(3600.0, abs=1.0)
    assert seen == [True, False]


def test_a_short_sleep_starts_checks_and_a_blocked_loop_is_not_a_sleep() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.slept_s += 0.5
        time.sleep(1.3)
        await asyncio.sleep(0.2)
        assert not it.events("Woke")
        it.slept_s += 2.0
        await it.until(lambda: bool(it.events("Woke")))
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert it.world.peers[0].actions.count("checks") >= 1
    assert len(it.world.peers) == 1
