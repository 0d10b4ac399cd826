"""The emulated service: stream sessions by id, their hosts, and the rules of `core.lifecycle`.

Everything here runs on one event loop. Statuses change in `core.lifecycle` alone; this module
gives it time and events, carries out what a change asks for, and remembers calls by ClientToken.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import hashlib
import json
import logging
import re
import secrets
import string
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, cast, runtime_checkable

from rejoin.emulator.service.settings import EmulatorSettings, Fault
from rejoin.emulator.service.timers import LoopTimers, Timers, sleep
from rejoin.errors import BadInputError, ServiceError, SignalError
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.status import Status, StatusReason
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.emulator.service.sessions")
_T = TypeVar("_T")

NO_CLIENT_CONNECTION: Final = "NO_CLIENT_CONNECTION"
"""The SignalRequest that starts a session with no client (documented)."""

_ANSWER_PATIENCE_S: Final = 15.0
"""Real seconds a host may take for an answer before the call fails with an internal error."""
_STOP_PATIENCE_S: Final = 5.0
_OFFERS_REMEMBERED: Final = 10_000
_FAILURES: Final = (
    service_status.INTERNAL_ERROR,
    service_status.APPLICATION_LOG_S3_DESTINATION_ERROR,
    service_status.ASSUME_ROLE_FAILED,
)


# --- the media side, written in `emulator/host/host.py` -------------------------------------------


class HostListener(Protocol):
    """What a stream host tells the service; called on the event loop, never blocking."""

    def client_connected(self, connection: int) -> None:
        """ICE and DTLS of this connection are up."""

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        """The host noticed that the client is gone (after the detection delay), or was told."""

    def client_input(self) -> None:
        """A controls message arrived: the idle timer starts over."""

    def game_exited(self, *, failed: bool, detail: str) -> None:
        """The game ended; `failed` when it was not meant to."""

    def shares_performance(self) -> bool:
        """Whether the client is to get performance stats (PerformanceStatsConfiguration)."""
        ...


class StreamHost(Protocol):
    """One host with one running game."""

    async def start(self) -> None:
        """The game starts to run; its state goes on with nobody connected."""

    async def answer(self, connection: int, signal_request: str) -> str:
        """The SignalResponse (JSON) to an offer; a former connection is closed.

        Raises `errors.SignalError` for a bad or reused offer.
        """
        ...

    async def disconnect(self, reason: str) -> None:
        """Send the server's disconnect message, then close the connection."""

    async def stop(self) -> None:
        """End the game and free everything."""

    async def inject(self, fault: Fault) -> float:
        """Make a fault happen; returns the boot time at which it took effect."""
        ...

    def game_state(self) -> dict[str, object]:
        """Counter, score, chain, connected and the like, as JSON values."""
        ...


@runtime_checkable
class AdjustableHost(Protocol):
    """A host that takes changed settings while it runs; others keep those they were made with."""

    def settings_changed(self, settings: EmulatorSettings) -> None:
        """The settings are these from now on."""


HostFactory = Callable[[HostListener, EmulatorSettings], StreamHost]


# --- what callers are told ------------------------------------------------------------------------


class CallFault(enum.StrEnum):
    """The service's error types, by the names of its model; the model knows their HTTP codes."""

    VALIDATION = "ValidationException"
    NOT_FOUND = "ResourceNotFoundException"
    CONFLICT = "ConflictException"
    INTERNAL = "InternalServerException"


class CallRefusedError(ServiceError):
    """The service says no; `str()` is the Message that the caller gets."""

    code = "call_refused"

    def __init__(self, fault: CallFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What StartStreamSession asks for; `extras` are members kept only to be shown again."""

    group: str
    application: str
    signal_request: str = field(repr=False)
    client_token: str | None = field(default=None, repr=False)
    connection_timeout_s: int | None = None
    session_length_s: int | None = None
    location: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One line of a session's history: this status since then, on the boot and the wall clock.

    `window_ends_at`: when the window that runs in this status ends, if nothing happens.
    """

    status: Status
    reason: StatusReason | None
    at: float
    wall_s: float
    window_ends_at: float | None


# --- one session ----------------------------------------------------------------------------------


class StreamSession:
    """One stream session: a lifecycle, a host while it has one, and what the API shows of both.

    It is the `HostListener` of its host.
    """

    def __init__(
        self, service: StreamSessions, session_id: str, group_id: str, request: StartRequest
    ) -> None:
        settings = service.settings
        self._service = service
        self._timers = service.timers
        self.session_id = session_id
        self.group_id = group_id
        self.arn = service.arn(f"streamsession/{group_id}/{session_id}")
        self.application_arn = service.arn(f"application/{settings.application_id}")
        self.location = request.location or settings.region
        self.extras = dict(request.extras)
        self.connection_timeout_s = request.connection_timeout_s or settings.connection_timeout_s
        self.session_length_s = request.session_length_s or settings.session_length_s
        self.application_started_wall_s: float | None = None
        self.streaming_started_wall_s: float | None = None
        self.streaming_ended_wall_s: float | None = None
        self._first: tuple[str, str | None] = (request.signal_request, None)
        self._latest: tuple[str, str | None] = self._first
        self._state: lifecycle.State = lifecycle.start(self._timers.now())
        self.history: list[StatusEntry] = []
        self._note_status()
        self._host: StreamHost | None = None
        self._connections = 0
        self._undo_alarm: Callable[[], None] | None = None
        self._answering: asyncio.Task[str | Exception] | None = None
        self._placing = spawn(self._place(request), name=f"place:{session_id}")
        self._ending: asyncio.Task[None] | None = None
        self._set_alarm()

    # What the API shows.

    @property
    def state(self) -> lifecycle.State:
        return self._state

    @property
    def status(self) -> Status:
        return self._state.status

    @property
    def reason(self) -> StatusReason | None:
        return lifecycle.reason_of(self._state)

    @property
    def is_over(self) -> bool:
        return service_status.is_terminal(self._state.status)

    @property
    def created_wall_s(self) -> float:
        return self.history[0].wall_s

    @property
    def updated_wall_s(self) -> float:
        return self.history[-1].wall_s

    @property
    def signal_request(self) -> str:
        """The SignalRequest that GetStreamSession shows."""
        return self._shown()[0]

    @property
    def signal_response(self) -> str | None:
        """The SignalResponse to exactly that request; None before the session is ACTIVE."""
        return self._shown()[1]

    def _shown(self) -> tuple[str, str | None]:
        first = self._service.settings.answer_shown_by_get == "first"
        return self._first if first else self._latest

    @property
    def host(self) -> StreamHost | None:
        """The host, while the session has one."""
        return self._host

    # HostListener.

    def client_connected(self, connection: int) -> None:
        self._post(lifecycle.ClientConnected(connection))

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        del graceful  # The host waited for as long as either way of leaving takes to be noticed.
        self._post(lifecycle.ClientGone(connection))

    def client_input(self) -> None:
        self._post(lifecycle.InputSeen())

    def game_exited(self, *, failed: bool, detail: str) -> None:
        if failed:
            _log.info("stream session %s: the game failed (%s)", self.session_id, detail)
            self._post(lifecycle.Failed())
        else:
            self._post(lifecycle.ApplicationExited())

    # Calls.

    async def create_connection(self, signal_request: str) -> str:
        """CreateStreamSessionConnection. Raises `CallRefusedError`."""
        settings = self._service.settings
        connection = self._connections + 1
        match self._post(lifecycle.CreateRequested(connection)):
            case lifecycle.Refused(kind, status):
                raise _refused(kind, f"A stream session in status {status} takes no connection.")
            case _:
                self._connections = connection
        await sleep(self._timers, settings.create_latency_s)
        answer = await self._answer(connection, signal_request)
        if isinstance(answer, SignalError):
            if settings.bad_offer == "session":
                self._post(lifecycle.OfferRejected())
            else:
                self._post(lifecycle.CreateFailed(connection))
            raise CallRefusedError(CallFault.VALIDATION, "The SignalRequest is not valid.")
        if isinstance(answer, Exception):
            self._post(lifecycle.CreateFailed(connection))
            if not service_status.is_live(self.status):
                raise self._ended_meanwhile()
            raise CallRefusedError(CallFault.INTERNAL, "The stream host gave no answer.")
        await sleep(self._timers, settings.reconnecting_dwell_s)
        if not isinstance(self._post(lifecycle.CreateAnswered(connection)), lifecycle.Accepted):
            raise self._ended_meanwhile()
        self._latest = (signal_request, answer)
        return answer

    def terminate(self) -> None:
        """TerminateStreamSession. Raises `CallRefusedError` while ACTIVATING."""
        match self._post(lifecycle.TerminateRequested()):
            case lifecycle.Refused(kind, status):
                raise _refused(kind, f"A stream session in status {status} cannot be terminated.")
            case _:
                return

    def reject_offer(self) -> None:
        """A create call brought an offer that ends the session."""
        self._post(lifecycle.OfferRejected())

    def end(self, event: lifecycle.ApplicationExited | lifecycle.Failed) -> None:
        """The game or something around it ended the session."""
        self._post(event)

    def shares_performance(self) -> bool:
        """Whether StartStreamSession asked for performance stats for the client."""
        wanted = self.extras.get("PerformanceStatsConfiguration")
        return isinstance(wanted, dict) and wanted.get("SharedWithClient") is True

    async def aclose(self) -> None:
        """Leave nothing behind: no alarm, no task, no host. The status stays what it was."""
        if self._undo_alarm is not None:
            self._undo_alarm()
            self._undo_alarm = None
        await cancel(self._placing, self._answering, self._ending)
        await self._stop_host(None)

    # Inside.

    def _rules(self) -> lifecycle.Rules:
        settings = self._service.settings
        return lifecycle.Rules(
            connection_timeout_s=self.connection_timeout_s,
            session_length_s=self.session_length_s,
            idle_timeout_s=settings.idle_timeout_s,
            placement_timeout_s=settings.placement_limit_s,
            window_restarts_at_active=settings.window_restarts_at_active,
            reason_after_failed_reconnect=StatusReason(settings.reason_after_failed_reconnect),
            wrong_status=lifecycle.RefusalKind(settings.wrong_state_error),
        )

    def _post(self, event: lifecycle.Event) -> lifecycle.Outcome:
        before = self._state
        self._state, outcome = lifecycle.step(before, event, self._timers.now(), self._rules())
        if self._state is not before:
            if (self._state.status, self._state.entered_at) != (before.status, before.entered_at):
                self._note_status()
                self._follow(before)
            self._set_alarm()
        return outcome

    def _note_status(self) -> None:
        entry = StatusEntry(
            self.status,
            self.reason,
            self._timers.now(),
            self._service.wall_s(),
            lifecycle.window_ends_at(self._state),
        )
        self.history.append(entry)
        _log.info(
            "stream session %s: %s%s",
            self.session_id,
            entry.status,
            f" ({entry.reason})" if entry.reason else "",
        )

    def _follow(self, before: lifecycle.State) -> None:
        """What entering a status asks for beyond saying so."""
        wall_s = self._service.wall_s()
        if self.status == service_status.CONNECTED and self.streaming_started_wall_s is None:
            self.streaming_started_wall_s = wall_s
        if self.is_over and self.streaming_started_wall_s is not None:
            self.streaming_ended_wall_s = wall_s
        if self._ending is None and not service_status.is_live(self.status):
            self._ending = spawn(
                self._end(streaming=before.status == service_status.CONNECTED),
                name=f"end:{self.session_id}",
            )

    def _set_alarm(self) -> None:
        if self._undo_alarm is not None:
            self._undo_alarm()
            self._undo_alarm = None
        wakeup_at = lifecycle.next_wakeup(self._state, self._rules())
        if wakeup_at is not None:
            self._undo_alarm = self._timers.call_at(wakeup_at, self._alarm)

    def _alarm(self) -> None:
        self._undo_alarm = None
        # A change of settings may have moved the time since the alarm was set.
        if isinstance(self._post(lifecycle.TimerDue()), lifecycle.Ignored):
            self._set_alarm()

    def settings_changed(self) -> None:
        """Timers follow the new rules, and so does a host that can."""
        self._set_alarm()
        host: object = self._host
        if isinstance(host, AdjustableHost):
            host.settings_changed(self._service.settings)

    async def _place(self, request: StartRequest) -> None:
        try:
            await sleep(self._timers, self._service.settings.placement_s)
            self._host = self._service.make_host(self)
            await self._host.start()
            self.application_started_wall_s = self._service.wall_s()
            if request.signal_request == NO_CLIENT_CONNECTION:
                self._post(lifecycle.Placed(0))
                return
            answer = await self._answer(1, request.signal_request)
        except Exception:
            _log.exception("stream session %s could not be placed", self.session_id)
            self._post(lifecycle.Failed())
            return
        if isinstance(answer, SignalError):
            self._post(lifecycle.OfferRejected())
        elif isinstance(answer, Exception):
            self._post(lifecycle.Failed())
        else:
            self._connections = 1
            self._first = self._latest = (request.signal_request, answer)
            self._post(lifecycle.Placed(1))

    async def _answer(self, connection: int, signal_request: str) -> str | Exception:
        """The host's answer, or why there is none (`SignalError`: the offer is at fault)."""
        host = self._host
        if host is None:
            return ServiceError("The stream session has no host.")
        task = spawn(
            _returned(host.answer(connection, signal_request)),
            name=f"answer:{self.session_id}:{connection}",
        )
        self._answering = task
        try:
            await asyncio.wait({task}, timeout=_ANSWER_PATIENCE_S)
            if not task.done() or task.cancelled():
                return ServiceError("The stream host gave no answer.")
            return task.result()
        finally:
            await cancel(task)
            if self._answering is task:
                self._answering = None

    async def _end(self, *, streaming: bool) -> None:
        """Tell the client, free the host, and finish a TERMINATING session."""
        await cancel(self._placing, self._answering)
        disconnect_reason = {
            service_status.IDLE_TIMEOUT: "idle",
            None: "terminated",
        }.get(self.reason, str(self.reason))
        await self._stop_host(disconnect_reason if streaming else None)
        if self.status == service_status.TERMINATING:
            await sleep(self._timers, self._service.settings.terminating_dwell_s)
            self._post(lifecycle.TerminateDone())

    async def _stop_host(self, disconnect_reason: str | None) -> None:
        host = self._host
        if host is None:
            return
        try:
            async with asyncio.timeout(_STOP_PATIENCE_S):
                if disconnect_reason is not None:
                    await host.disconnect(disconnect_reason)
        except Exception:
            _log.exception("stream session %s: no disconnect message", self.session_id)
        try:
            async with asyncio.timeout(_STOP_PATIENCE_S):
                await host.stop()
        except Exception:
            _log.exception("stream session %s: its host did not stop", self.session_id)
        self._host = None

    def _ended_meanwhile(self) -> CallRefusedError:
        kind = lifecycle.RefusalKind(self._service.settings.wrong_state_error)
        return _refused(kind, f"The stream session became {self.status} during the call.")

    def describe(self) -> dict[str, object]:
        """The session as JSON values for the control API; no signal strings."""
        host = self._host
        return {
            "session": self.session_id,
            "group": self.group_id,
            "arn": self.arn,
            "status": self.status,
            "reason": self.reason,
            "connection": self._connections,
            "connection_timeout_s": self.connection_timeout_s,
            "session_length_s": self.session_length_s,
            "started_at": self._state.started_at,
            "entered_at": self._state.entered_at,
            "window_ends_at": lifecycle.window_ends_at(self._state),
            "ends_at": lifecycle.next_wakeup(self._state, self._rules()),
            "history": [dataclasses.asdict(entry) for entry in self.history],
            "game_state": None if host is None else host.game_state(),
        }


async def _returned(answering: Coroutine[Any, Any, str]) -> str | Exception:
    """An exception as a value, so that a refused offer is not logged as a failed task."""
    try:
        return await answering
    except SignalError as error:
        return error
    except Exception as error:
        _log.exception("a stream host failed to answer")
        return error


def _refused(kind: lifecycle.RefusalKind, message: str) -> CallRefusedError:
    if kind is lifecycle.RefusalKind.CONFLICT:
        return CallRefusedError(CallFault.CONFLICT, message)
    return CallRefusedError(CallFault.VALIDATION, message)


# --- all sessions ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Call:
    """A call that is remembered by its ClientToken."""

    body_sha256: bytes
    task: asyncio.Task[Any]
    forget_at: float


class StreamSessions:
    """All stream sessions of one emulated account and Region."""

    def __init__(
        self,
        settings: EmulatorSettings,
        host_factory: HostFactory,
        *,
        timers: Timers | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._host_factory = host_factory
        self.timers: Timers = timers or LoopTimers()
        self.wall_s = wall_s
        self._sessions: dict[str, StreamSession] = {}
        self._calls: dict[tuple[str, str], _Call] = {}
        self._offers: dict[bytes, str | None] = {}
        self._closed = False

    @property
    def settings(self) -> EmulatorSettings:
        """The settings as they are now."""
        return self._settings

    def change_settings(self, changes: Mapping[str, object]) -> EmulatorSettings:
        """Change settings of a running emulator. Raises `BadInputError`.

        Rules and delays of the service hold at once, for running sessions too; what a host was
        made with (picture, rate, seed, ports) holds for the sessions started from now on.
        """
        known = {one.name for one in dataclasses.fields(EmulatorSettings)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise BadInputError(f"The emulator has no setting named {unknown[0]}.")
        for name, value in changes.items():
            now = getattr(self._settings, name)
            number = isinstance(now, int | float) and not isinstance(now, bool)
            fits = (
                isinstance(value, int | float) and not isinstance(value, bool)
                if number
                else type(value) is type(now)
            )
            if not fits or (isinstance(now, int) and isinstance(value, float)):
                raise BadInputError(f"The emulator's setting {name} is not of that type.")
        self._settings = dataclasses.replace(self._settings, **cast("dict[str, Any]", changes))
        for session in self._sessions.values():
            session.settings_changed()
        return self._settings

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        settings = self._settings
        return f"arn:aws:gameliftstreams:{settings.region}:{settings.account_id}:{resource}"

    def make_host(self, listener: HostListener) -> StreamHost:
        """A new host for a session."""
        return self._host_factory(listener, self._settings)

    # Looking things up.

    def group(self, identifier: str) -> str:
        """The id of a stream group given by id or ARN. Raises `CallRefusedError`."""
        for group_id in self._settings.stream_group_ids:
            if identifier in (group_id, self.arn(f"streamgroup/{group_id}")):
                return group_id
        raise CallRefusedError(CallFault.NOT_FOUND, "There is no such stream group.")

    def _active_group(self, identifier: str) -> str:
        """The same, of a group that takes players now."""
        group_id = self.group(identifier)
        status = self._settings.stream_group_status
        if status != "ACTIVE":
            kind = lifecycle.RefusalKind(self._settings.wrong_state_error)
            raise _refused(kind, f"A stream group in status {status} takes no stream session.")
        return group_id

    def application(self, identifier: str) -> str:
        """The id of an application given by id or ARN. Raises `CallRefusedError`."""
        application_id = self._settings.application_id
        if identifier in (application_id, self.arn(f"application/{application_id}")):
            return application_id
        raise CallRefusedError(CallFault.NOT_FOUND, "There is no such application.")

    def session(self, group: str, identifier: str) -> StreamSession:
        """The stream session given by id or ARN. Raises `CallRefusedError`."""
        self._forget_old()
        group_id = self.group(group)
        for session in self._sessions.values():
            if session.group_id == group_id and identifier in (session.session_id, session.arn):
                return session
        raise CallRefusedError(CallFault.NOT_FOUND, "There is no such stream session.")

    def sessions(self, group: str | None = None) -> list[StreamSession]:
        """The sessions of one group (id or ARN), or all of them, newest first."""
        self._forget_old()
        group_id = None if group is None else self.group(group)
        return [
            session
            for session in reversed(self._sessions.values())
            if group_id in (None, session.group_id)
        ]

    # Calls.

    async def start_session(self, request: StartRequest) -> StreamSession:
        """StartStreamSession: the new session, ACTIVATING. Raises `CallRefusedError`."""
        self.group(request.group)
        self.application(request.application)

        async def start() -> StreamSession:
            group_id = self._active_group(request.group)
            fine = self._use_offer(request.signal_request, request.client_token)
            if not fine and self._settings.reused_offer == "call":
                raise _reused()
            session_id = _fresh_id(self._sessions)
            session = StreamSession(self, session_id, group_id, request)
            self._sessions[session_id] = session
            self._spend_offer(request.signal_request)
            if not fine:
                session.reject_offer()
            return session

        body = {**dataclasses.asdict(request), "client_token": None}
        return await self._once("start", request.client_token, body, start)

    async def create_connection(
        self, group: str, session: str, signal_request: str, client_token: str | None = None
    ) -> str:
        """CreateStreamSessionConnection: the SignalResponse. Raises `CallRefusedError`.

        The call goes on to its end even when the caller stops waiting.
        """
        found = self.session(group, session)

        async def create() -> str:
            self._active_group(group)
            if not service_status.accepts_reconnect(found.status):
                # Refused for the status, so that the same offer may come again later.
                return await found.create_connection(signal_request)
            if not self._use_offer(signal_request, client_token):
                if self._settings.reused_offer == "session":
                    found.reject_offer()
                raise _reused()
            answer = await found.create_connection(signal_request)
            self._spend_offer(signal_request)
            return answer

        body = {"session": found.arn, "signal_request": signal_request}
        return await self._once("create", client_token, body, create)

    def terminate_session(self, group: str, session: str) -> None:
        """TerminateStreamSession. Raises `CallRefusedError`."""
        self.session(group, session).terminate()

    def end_session(self, reason: str, session_id: str | None = None) -> float:
        """End a session (None: the newest that is not over) for a reason that no call brings
        about: `applicationExit`, or a failure (ERROR). Returns the time. Raises `BadInputError`.
        """
        event: lifecycle.ApplicationExited | lifecycle.Failed
        if reason == service_status.APPLICATION_EXIT:
            event = lifecycle.ApplicationExited()
        elif reason in _FAILURES:
            event = lifecycle.Failed(StatusReason(reason))
        else:
            raise BadInputError(
                f"The reason is one of {', '.join((service_status.APPLICATION_EXIT, *_FAILURES))}."
            )
        for session in self.sessions():
            if not session.is_over and session_id in (None, session.session_id, session.arn):
                session.end(event)
                return self.timers.now()
        raise BadInputError("There is no such stream session that is not over.")

    async def inject(self, fault: Fault, session_id: str | None = None) -> float:
        """A fault in one session (None: the newest that has a host); the boot time it took effect.

        Raises `BadInputError` when there is no such session or it has no host.
        """
        for session in self.sessions():
            if session.host is not None and session_id in (None, session.session_id, session.arn):
                return await session.host.inject(fault)
        raise BadInputError("There is no running stream session to put a fault into.")

    def describe(self) -> dict[str, object]:
        """The whole emulator as JSON values for the control API; no secret, no signal string."""
        settings = dataclasses.asdict(self._settings)
        del settings["secret_access_key"]
        return {
            "now": self.timers.now(),
            "settings": settings,
            "sessions": [session.describe() for session in self.sessions()],
        }

    async def aclose(self) -> None:
        """End everything: no host, task or alarm is left. Closing twice is fine."""
        self._closed = True
        await cancel(*(call.task for call in self._calls.values()))
        self._calls.clear()
        await asyncio.gather(*(session.aclose() for session in self._sessions.values()))

    # Inside.

    async def _once(
        self,
        operation: str,
        token: str | None,
        body: Mapping[str, object],
        run: Callable[[], Coroutine[Any, Any, _T]],
    ) -> _T:
        """Run a call once per ClientToken; a failed call is forgotten, so it may be tried again."""
        if self._closed:
            raise CallRefusedError(CallFault.INTERNAL, "The emulator is closing.")
        self._forget_old()
        body_sha256 = hashlib.sha256(
            json.dumps(body, sort_keys=True, default=str).encode()
        ).digest()
        key = (operation, token if token is not None else secrets.token_hex(16))
        call = self._calls.get(key)
        if call is None:
            task = spawn(_outcome(run()), name=f"call:{operation}")
            call = _Call(body_sha256, task, self.timers.now() + self._settings.token_lifetime_s)
            self._calls[key] = call

            def forget_failed(ended: asyncio.Task[Any]) -> None:
                failed = ended.cancelled() or isinstance(ended.result(), CallRefusedError)
                if failed or token is None:
                    self._calls.pop(key, None)

            task.add_done_callback(forget_failed)
        elif call.body_sha256 != body_sha256:
            raise CallRefusedError(
                CallFault.CONFLICT, "This ClientToken was used with other parameters."
            )
        outcome = await asyncio.shield(call.task)
        if isinstance(outcome, CallRefusedError):
            raise outcome
        return cast("_T", outcome)

    def _use_offer(self, signal_request: str, token: str | None) -> bool:
        """Note an offer as used; False when another call has used it before."""
        if signal_request == NO_CLIENT_CONNECTION:
            return True
        key = offer_digest(signal_request)
        if key in self._offers:
            # The same call again (same token) after it failed is no second use.
            return token is not None and self._offers[key] == token
        self._offers[key] = token
        while len(self._offers) > _OFFERS_REMEMBERED:
            del self._offers[next(iter(self._offers))]
        return True

    def _spend_offer(self, signal_request: str) -> None:
        """A call with this offer succeeded: not even its own token may bring it again."""
        key = offer_digest(signal_request)
        if key in self._offers:
            self._offers[key] = None

    def _forget_old(self) -> None:
        now = self.timers.now()
        for key in [key for key, call in self._calls.items() if call.forget_at <= now]:
            if self._calls[key].task.done():
                del self._calls[key]
        kept_s = self._settings.ended_session_kept_s
        for session_id, session in list(self._sessions.items()):
            if session.is_over and session.host is None and session.history[-1].at + kept_s <= now:
                del self._sessions[session_id]


async def _outcome(running: Coroutine[Any, Any, _T]) -> _T | CallRefusedError:
    """A refusal as a value: it is an answer, not a task that failed."""
    try:
        return await running
    except CallRefusedError as refusal:
        return refusal


def offer_digest(signal_request: str) -> bytes:
    """What makes an offer the same offer: its ICE credentials, or all of it without any."""
    ufrag = re.search(r"a=ice-ufrag:([^\s\\]+)", signal_request)
    password = re.search(r"a=ice-pwd:([^\s\\]+)", signal_request)
    if ufrag is None or password is None:
        return hashlib.sha256(signal_request.encode()).digest()
    return hashlib.sha256(f"{ufrag[1]}\0{password[1]}".encode()).digest()


def _reused() -> CallRefusedError:
    return CallRefusedError(CallFault.VALIDATION, "The SignalRequest was used before.")


def _fresh_id(taken: Mapping[str, object]) -> str:
    """Thirteen letters and digits, in the shape of the documented examples."""
    alphabet = string.ascii_letters + string.digits
    while True:
        fresh = "".join(secrets.choice(alphabet) for _ in range(13))
        if fresh not in taken:
            return fresh
