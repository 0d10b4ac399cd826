"""The ticket writer: in order, before the create call, and never at the cost of the game."""

from __future__ import annotations

import asyncio

import pytest

from conftest import LogRecords
from helpers.running_engine import RunningEngine, play
from rejoin import tasks
from rejoin.core import events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    EndingKind,
    HardEvidence,
    SessionId,
    Stage,
)
from rejoin.core.ticket import RejoinState
from rejoin.runtime import ticket_writer
from rejoin.runtime.ticket_writer import TicketWriter
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE = ConnectionNumber(1)


class SlowStore:
    """Saves tickets as slowly as the test sets, and records what it did."""

    def __init__(self) -> None:
        self.wrote: list[RejoinState | SessionId] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None

    async def save(self, rejoin_state: RejoinState) -> None:
        await self.free.wait()
        if self.error is not None:
            raise self.error
        self.wrote.append(rejoin_state)

    async def delete(self, session_id: SessionId) -> None:
        await asyncio.sleep(0.05)
        self.wrote.append(session_id)


def test_a_create_call_waits_for_its_ticket() -> None:
    store = SlowStore()

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        await it.until(lambda: bool(store.wrote))
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        store.free.clear()
        it.engine.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await it.until(lambda: "reconnect 2" in tasks.alive())
        assert it.world.reconnected == []
        store.free.set()
        await it.stage(Stage.LIVE, episode=1)
        it.engine.post(events.EndGameRequested())

    it, _ = play(script, store)
    assert [attempt for attempt, _, _ in it.world.reconnected] == [2]
    attempts = [state.attempt for state in store.wrote if isinstance(state, RejoinState)]
    assert attempts == [1, 1, 2, 2], "started, live, before the attempt, live again"
    assert store.wrote[-1] == "s-1", "deleted with the game, before the engine loop ends"
    assert tasks.alive() == frozenset()


def test_a_disk_that_hangs_costs_a_moment_and_not_the_game(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ticket_writer, "WRITTEN_WITHIN_S", 0.2)
    store = SlowStore()

    async def script(it: RunningEngine) -> None:
        store.free.clear()
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        it.engine.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await it.stage(Stage.LIVE, episode=1)
        assert store.wrote == []
        store.free.set()
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, store)
    assert len(it.world.reconnected) == 1


def test_a_store_that_fails_is_logged_and_the_game_goes_on(expected_logs: LogRecords) -> None:
    store = SlowStore()
    store.error = RuntimeError("a defect")

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.engine.post(events.CloseForNowRequested())

    _, ending = play(script, store)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert "ERROR rejoin.ticket_writer: a ticket could not be written" in expected_logs.lines


async def test_writes_keep_their_order() -> None:
    state = RejoinState(SessionId("s-1"), AttemptNumber(1))

    async def main() -> list[RejoinState | SessionId]:
        store = SlowStore()
        writer = TicketWriter(store)
        writer.delete(SessionId("s-0"))
        writer.save(state)
        await writer.written()
        assert writer.pending == frozenset()
        return store.wrote

    assert await main() == ["s-0", state], "the slow deletion came first"


async def test_without_a_store_nothing_is_written() -> None:
    writer = TicketWriter(None)
    writer.save(RejoinState(SessionId("s-1"), AttemptNumber(1)))
    writer.delete(SessionId("s-1"))
    assert writer.pending == frozenset()
    await writer.written()
