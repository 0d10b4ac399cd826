"""The engine loop runs a game from its first event to its end, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading

import pytest
from av.video.frame import VideoFrame

from conftest import LogRecords
from helpers.fake_module import SCRIPT_URL, FakeModule
from helpers.running_engine import RunningEngine, play
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    EndingKind,
    HardEvidence,
    SessionId,
    Stage,
)
from rejoin.core.reconnect_report import EpisodeObserver, ReconnectReport
from rejoin.core.ticket import RejoinState
from rejoin.input_events.events import KeyEvent, View
from rejoin.media.video.picture import Picture
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE = ConnectionNumber(1)


def test_from_start_to_close_for_now() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        await it.until(lambda: it.snapshot.input_open)
        it.engine.post(events.CloseForNowRequested())

    it, ending = play(script, parts=lambda: FakeModule().parts, answers_url=SCRIPT_URL)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert it.world.peers[0].actions == ["answer", "key frame", "shown", "close", "closed"]
    assert it.world.terminated == 0
    assert tasks.alive() == frozenset()


def test_a_drop_is_answered_with_a_new_peer_and_the_old_one_is_closed_afterwards() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        it.engine.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await it.stage(Stage.LIVE, episode=1)
        it.engine.post(events.EndGameRequested())

    it, ending = play(script)
    assert ending.kind is EndingKind.ENDED_BY_PLAYER
    assert it.world.terminated == 1
    old, new = it.world.peers
    assert old.actions[-3:] == ["mute", "close", "closed"]
    assert new.actions == ["answer", "key frame", "shown", "close", "closed"]
    ((attempt, token, request),) = it.world.reconnected
    assert (attempt, request) == (2, "offer 2")
    assert len(token) >= 32


def test_rejoining_with_a_ticket_reaches_the_running_game() -> None:
    async def script(it: RunningEngine) -> None:
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        await it.stage(Stage.LIVE)
        it.engine.post(events.CloseForNowRequested())

    state = RejoinState(SessionId("s-1"), AttemptNumber(6), 120.0, boot_s() - 5.0)
    it, ending = play(script, first=events.RejoinRequested(state))
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert [attempt for attempt, _, _ in it.world.reconnected] == [7]
    assert it.world.started == []


def test_events_from_other_threads_arrive_and_those_after_the_end_are_dropped() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        thread = threading.Thread(target=it.engine.post, args=(events.CloseForNowRequested(),))
        thread.start()
        thread.join()

    it, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    it.engine.post(events.TryNowRequested())
    it.engine.send_input(KeyEvent("KeyW", "w", pressed=True))
    it.engine.send_input(View())
    it.engine.send_application_message(b"late")


def test_a_module_that_waits_for_a_picture_hears_of_each_that_is_shown() -> None:
    """From any thread, and while it waits for none the loop is not woken."""
    module = FakeModule()
    picture = Picture(ONE, VideoFrame(16, 10), 1.0, 180_000, 0.9)

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        await it.until(lambda: it.snapshot.input_open)
        [sandbox] = module.sandboxes

        def show() -> None:
            for _ in range(3):
                it.engine.frame_shown(picture)

        await asyncio.to_thread(show)
        await it.until(lambda: it.engine.sampling.newest_statistics is not None)
        assert sandbox.frames == []
        sandbox.wants_frames = True
        await asyncio.to_thread(show)
        await it.until(lambda: len(sandbox.frames) == 3)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, parts=lambda: module.parts, answers_url=SCRIPT_URL)
    assert module.sandboxes[0].frames == [2.0] * 3
    it.engine.frame_shown(picture)  # after the end


def test_a_defect_of_the_engine_ends_the_game_and_is_reported(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("rejoin.core.engine.step", fail)
        await it.stage(Stage.ENDED)

    it, ending = play(script)
    assert (ending.kind, ending.detail) == (EndingKind.INTERNAL, "ZeroDivisionError")
    assert it.world.peers[0].actions[-1] == "closed"
    assert "the engine failed" in caplog.text


async def test_cancelling_the_run_closes_the_peers() -> None:
    it = RunningEngine()

    it.engine.post(events.StartRequested())
    running = asyncio.ensure_future(it.engine.run())
    await it.stage(Stage.LIVE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert it.world.peers[0].actions[-1] == "closed"


async def test_an_event_that_was_scheduled_before_the_end_starts_nothing_after_it() -> None:
    it = RunningEngine()

    running = asyncio.ensure_future(it.engine.run())
    await asyncio.sleep(0)
    running.cancel()
    thread = threading.Thread(target=it.engine.post, args=(events.StartRequested(),))
    thread.start()
    thread.join()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert it.world.peers == []
    assert it.records == []


def test_the_network_is_watched_from_the_start_to_the_end() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        assert it.watch.actions == ["start"]
        it.watch.post(events.NetworkLost())
        assert it.snapshot.offline
        assert it.world.forgotten == 1, "pooled connections belong to the old network"
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert it.watch.actions == ["start", "close"]


def test_a_report_that_cannot_be_made_costs_no_game(expected_logs: LogRecords) -> None:
    made: list[ReconnectReport] = []

    def fails(report: ReconnectReport) -> None:
        made.append(report)
        raise ZeroDivisionError

    async def script(it: RunningEngine) -> None:
        it.engine._episodes = EpisodeObserver(fails)
        await it.stage(Stage.LIVE)
        for episode, connection in enumerate((1, 2), start=1):
            it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
            number = ConnectionNumber(connection)
            it.engine.post(events.HardEvidenceSeen(number, HardEvidence.DTLS_CLOSED))
            await it.stage(Stage.LIVE, episode=episode)
        it.engine.post(events.CloseForNowRequested())

    _, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    [report] = made
    assert (report.cause, report.outcome, report.tries) == ("dtls_closed", "rejoined", 1)
    assert "not reported any more" in "".join(expected_logs.lines)
