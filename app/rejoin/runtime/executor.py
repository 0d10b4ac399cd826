"""Carries out the engine's commands: each becomes a call, in a task if it takes time."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, assert_never

from rejoin.core import commands
from rejoin.core.model import ConnectionNumber, Ending
from rejoin.runtime.backend_calls import BackendCalls
from rejoin.runtime.connection_calls import ConnectionCalls
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.ticket_writer import TicketWriter
from rejoin.tasks import cancel, spawn


class TaskKind(enum.Enum):
    """What a task of the executor does."""

    OFFER = "offer"
    ANSWER = "answer"
    GOODBYE = "goodbye"
    START = "start"
    STATUS = "status"
    RECONNECT = "reconnect"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class TaskKey:
    """One task per key: a newer task replaces the older one. `connection`: which it is for."""

    kind: TaskKind
    connection: ConnectionNumber | None = None

    def __str__(self) -> str:
        return (
            self.kind.value if self.connection is None else f"{self.kind.value} {self.connection}"
        )


_ENDS_WITH_CONNECTION = (TaskKind.OFFER, TaskKind.ANSWER, TaskKind.RECONNECT)
"""Tasks that are cancelled when their connection is closed."""


class Executor:
    """The only place that carries out commands. Use it on the engine's loop."""

    def __init__(
        self,
        connections: Connections,
        connection_calls: ConnectionCalls,
        module_input: ModuleInput,
        backend_calls: BackendCalls,
        tickets: TicketWriter,
        finish: Callable[[Ending], object],
    ) -> None:
        self._connections = connections
        self._connection_calls = connection_calls
        self._input = module_input
        self._backend_calls = backend_calls
        self._tickets = tickets
        self._finish = finish
        self._tasks: dict[TaskKey, asyncio.Task[None]] = {}

    def execute(self, command: commands.Command) -> None:  # noqa: C901 - plain dispatch
        """Start a command. Its result is posted as an event later."""
        connections, peers, backend = (
            self._connections,
            self._connection_calls,
            self._backend_calls,
        )
        match command:
            case commands.MakeOffer(connection):
                self._start(TaskKey(TaskKind.OFFER, connection), peers.make_offer(connection))
            case commands.StartSession():
                self._start(TaskKey(TaskKind.START), backend.start_session(command))
            case commands.PollStatus():
                self._start(TaskKey(TaskKind.STATUS), backend.poll_status(command))
            case commands.Reconnect(connection=connection):
                self._start(TaskKey(TaskKind.RECONNECT, connection), backend.reconnect(command))
            case commands.RefreshSignIn():
                backend.refresh_sign_in()
            case commands.ApplyAnswer(connection, signal_response):
                self._start(
                    TaskKey(TaskKind.ANSWER, connection),
                    peers.apply_answer(connection, signal_response),
                )
            case commands.RequestKeyFrame(connection):
                connections.if_open(connection, lambda peer: peer.request_key_frame())
            case commands.StartChecks(connection):
                connections.if_open(connection, lambda peer: peer.start_checks())
            case commands.StopChecks(connection):
                connections.if_open(connection, lambda peer: peer.stop_checks())
            case commands.Mute(connection):
                connections.if_open(connection, lambda peer: peer.mute())
            case commands.Unmute(connection):
                connections.if_open(connection, lambda peer: peer.unmute())
            case commands.SayGoodbye(connection, times):
                self._start(
                    TaskKey(TaskKind.GOODBYE, connection), peers.say_goodbye(connection, times)
                )
            case commands.CloseConnection(connection):
                self._close(connection)
            case commands.ShowConnection(connection):
                connections.show(connection)
            case commands.AttachInput(connection):
                self._input.attach(connection)
            case commands.SuspendInput(connection):
                self._input.suspend(connection)
            case commands.SaveTicket(rejoin_state):
                self._tickets.save(rejoin_state)
            case commands.DeleteTicket(session_id):
                self._tickets.delete(session_id)
            case commands.TerminateSession():
                self._start(TaskKey(TaskKind.TERMINATE), backend.terminate(command))
            case commands.Finish(ending):
                self._finish(ending)
            case _:
                assert_never(command)

    async def close(self, within_s: float) -> None:
        """Cancel all calls and close all connections.

        Waits `within_s` at most for peers that close slowly and tickets that are still written.
        """
        await cancel(*self._tasks.values())
        await self._backend_calls.close()
        for connection, _ in self._connections.all():
            self._close(connection)
        unfinished = self._connections.closing | self._tickets.pending
        if unfinished:
            await asyncio.wait(unfinished, timeout=within_s)

    def _start(self, key: TaskKey, work: Coroutine[Any, Any, None]) -> None:
        before = self._tasks.pop(key, None)
        if before is not None:
            before.cancel()
        task = spawn(work, name=str(key))
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def _forget(self, key: TaskKey, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]

    def _close(self, connection: ConnectionNumber) -> None:
        for kind in _ENDS_WITH_CONNECTION:
            task = self._tasks.pop(TaskKey(kind, connection), None)
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._connections.close(connection, self._input.leave(connection))
