"""Calls to the studio's backend: each waits for a running sign-in and ends in one event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from rejoin.clock import Clock
from rejoin.core import commands, events
from rejoin.core.model import WindowLeft
from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import RejoinError
from rejoin.runtime.ports import BackendPort, Post
from rejoin.runtime.ticket_writer import TicketWriter
from rejoin.signaling.client import CallFailedError
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend_calls")


class BackendCalls:
    """Use it on the engine's loop."""

    def __init__(
        self,
        backend: BackendPort,
        tickets: TicketWriter,
        refresh_sign_in: Callable[[], Awaitable[None]] | None,
        clock: Clock,
        post: Post,
    ) -> None:
        self._backend = backend
        self._tickets = tickets
        self._refresh_sign_in = refresh_sign_in
        self._clock = clock
        self._post = post
        self._signing_in: asyncio.Task[None] | None = None

    async def start_session(self, command: commands.StartSession) -> None:
        try:
            await self._signed_in()
            requested_at = self._clock()
            view = await self._backend.start(
                attempt=command.attempt,
                token=command.token,
                signal_request=command.signal_request,
                budget_s=command.budget_s,
            )
        except CallFailedError as error:
            self._post(events.StartFailed(command.attempt, error.failure))
        except Exception as error:
            self._post(events.StartFailed(command.attempt, _unexpected(error)))
        else:
            self._post(events.SessionStarted(command.attempt, requested_at, view))

    async def poll_status(self, command: commands.PollStatus) -> None:
        if command.after_s > 0:
            await asyncio.sleep(command.after_s)
        requested_at = self._clock()
        try:
            await self._signed_in()
            requested_at = self._clock()
            view = await self._backend.status(
                command.session_id,
                known=command.known,
                wait_s=command.wait_s,
                budget_s=command.budget_s,
            )
        except CallFailedError as error:
            self._post(events.StatusFailed(requested_at, error.failure))
        except Exception as error:
            self._post(events.StatusFailed(requested_at, _unexpected(error)))
        else:
            self._post(events.StatusArrived(requested_at, view))

    async def reconnect(self, command: commands.Reconnect) -> None:
        """The create call, after the ticket with this attempt's number was written to the disk."""
        requested_at = self._clock()
        attempt, number = command.attempt, command.try_number
        try:
            await self._tickets.written()
            await self._signed_in()
            requested_at = self._clock()
            answer = await self._backend.reconnect(
                command.session_id,
                attempt=attempt,
                token=command.token,
                signal_request=command.signal_request,
                budget_s=command.budget_s,
                left=_left(command, requested_at),
                on_written=lambda: self._post(events.RequestWritten(attempt, number)),
            )
        except CallFailedError as error:
            self._post(events.ReconnectFailed(attempt, number, requested_at, error.failure))
        except Exception as error:
            self._post(events.ReconnectFailed(attempt, number, requested_at, _unexpected(error)))
        else:
            self._post(events.AnswerArrived(attempt, number, requested_at, answer))

    async def terminate(self, command: commands.TerminateSession) -> None:
        try:
            await self._signed_in()
            await self._backend.terminate(command.session_id, budget_s=command.budget_s)
        except CallFailedError as error:
            self._post(events.TerminateFailed(error.failure))
        except Exception as error:
            self._post(events.TerminateFailed(_unexpected(error)))
        else:
            self._post(events.SessionTerminated())

    def refresh_sign_in(self) -> None:
        """Get a new sign-in token in the background; one refresh at a time."""
        if self._refresh_sign_in is None or self._signing_in is not None:
            return
        refresh = self._refresh_sign_in

        async def sign_in() -> None:
            try:
                await refresh()
            except RejoinError as error:
                _log.warning("the sign-in token could not be refreshed: %s", error)
            finally:
                self._signing_in = None

        self._signing_in = spawn(sign_in(), name="sign in")

    def drop_pooled_connections(self) -> None:
        """Drop pooled HTTP connections: they belong to the network before the change."""
        self._backend.drop_pooled_connections()

    async def close(self) -> None:
        await cancel(self._signing_in)

    async def _signed_in(self) -> None:
        if self._signing_in is not None:
            await asyncio.shield(self._signing_in)


def _left(command: commands.Reconnect, now: float) -> WindowLeft:
    """The time left at `now`: the ticket or a sign-in may have taken some of it."""
    shown_at = command.shown_deadline_at
    shown_s = None if shown_at is None else max(0.0, shown_at - now)
    return WindowLeft(shown_s, max(0.0, command.latest_deadline_at - now))


def _unexpected(error: Exception) -> Failure:
    """A bug of ours in a call: whether the backend carried it out is unknown."""
    _log.error("a call to the backend failed unexpectedly", exc_info=error)
    return Failure(FailureKind.OUTCOME_UNKNOWN, detail=f"Internal: {type(error).__name__}")
