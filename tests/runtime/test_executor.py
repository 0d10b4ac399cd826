"""The executor: one task per key, calls end with their connection, the end waits for peers."""

from __future__ import annotations

import asyncio

import pytest

from helpers.fake_world import FakeWorld
from helpers.running_engine import RunningEngine, play
from rejoin import tasks
from rejoin.core import commands, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Ending,
    EndingKind,
    SessionId,
    Stage,
)
from rejoin.runtime.address_loss import AddressLoss
from rejoin.runtime.backend_calls import BackendCalls
from rejoin.runtime.connection_calls import ConnectionCalls
from rejoin.runtime.connections import Connections
from rejoin.runtime.executor import Executor, TaskKey, TaskKind
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.ticket_writer import TicketWriter

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)
SESSION = SessionId("s-1")


class Bench:
    """An executor on a fake world, without an engine."""

    def __init__(self) -> None:
        self.world = FakeWorld(lambda: 0.0)
        self.posted: list[events.Event] = []
        self.endings: list[Ending] = []
        self.connections = Connections()
        tickets = TicketWriter(None)
        post = self.posted.append
        address_loss = AddressLoss(self.connections, lambda address: True, post)
        module_input = ModuleInput(self.connections, None, post)
        self.executor = Executor(
            self.connections,
            ConnectionCalls(
                self.connections,
                self.world.make_peer,
                module_input,
                address_loss,
                post,
                lambda: None,
            ),
            module_input,
            BackendCalls(self.world, tickets, None, lambda: 0.0, post),
            tickets,
            self.endings.append,
        )

    def poll(self) -> None:
        self.executor.execute(commands.PollStatus(SESSION, None, 0.0, 1.0))

    def reconnect(self, connection: ConnectionNumber) -> None:
        self.executor.execute(
            commands.Reconnect(
                SESSION, AttemptNumber(2), 1, connection, "token", 1.0, None, 9.0, "offer"
            )
        )


def test_a_key_names_its_task() -> None:
    assert str(TaskKey(TaskKind.RECONNECT, TWO)) == "reconnect 2"
    assert str(TaskKey(TaskKind.STATUS)) == "status"


async def test_a_newer_poll_replaces_the_older_one() -> None:
    bench = Bench()

    bench.world.answers.clear()
    bench.poll()
    await asyncio.sleep(0)
    bench.poll()
    bench.world.answers.set()
    await asyncio.sleep(0.05)
    await bench.executor.close(1.0)
    assert [type(event) for event in bench.posted] == [events.StatusArrived]


async def test_closing_a_connection_cancels_its_calls_and_no_others() -> None:
    bench = Bench()

    for connection in (ONE, TWO):
        bench.executor.execute(commands.MakeOffer(connection))
    await asyncio.sleep(0.05)
    bench.posted.clear()
    for connection in (ONE, TWO):
        bench.reconnect(connection)
    bench.executor.execute(commands.CloseConnection(ONE))
    await asyncio.sleep(0.05)
    assert bench.connections.get(ONE) is None
    assert bench.connections.get(TWO) is not None
    await bench.executor.close(1.0)
    assert [type(event) for event in bench.posted] == [events.RequestWritten, events.AnswerArrived]
    assert [peer.actions for peer in bench.world.peers] == [["close", "closed"]] * 2


async def test_commands_for_a_closed_connection_do_nothing() -> None:
    bench = Bench()

    for command in (
        commands.RequestKeyFrame(ONE),
        commands.StartChecks(ONE),
        commands.StopChecks(ONE),
        commands.Mute(ONE),
        commands.Unmute(ONE),
        commands.ShowConnection(ONE),
        commands.CloseConnection(ONE),
    ):
        bench.executor.execute(command)
    await bench.executor.close(1.0)
    assert bench.posted == []


def test_finish_passes_the_ending_on() -> None:
    bench = Bench()
    ending = Ending(EndingKind.CLOSED_FOR_NOW)
    bench.executor.execute(commands.Finish(ending))
    assert bench.endings == [ending]


def test_the_end_waits_for_peers_that_close_slowly() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.close_takes_s = 0.2
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert it.world.peers[0].actions[-1] == "closed"


async def test_the_end_does_not_wait_longer_than_its_limit() -> None:
    bench = Bench()

    bench.executor.execute(commands.MakeOffer(ONE))
    await asyncio.sleep(0.05)
    bench.world.close_takes_s = 60.0
    await asyncio.wait_for(bench.executor.close(0.05), 60)
    assert tasks.alive() == {"close 1"}
    await tasks.cancel(*bench.connections.closing)
    assert bench.world.peers[0].actions == ["close"]
