"""One emulated stream session: its lifecycle, its host, and their view in the API.

Statuses change only in `service_model/lifecycle`. A session passes it the time and events, and acts
on each change of status.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rejoin.emulator.service.refusals import CallRefusedError, ErrorType, wrong_status
from rejoin.emulator.service.session_host import SessionHost
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener, StreamHost
from rejoin.emulator.service.timers import Timers, sleep
from rejoin.emulator.service.used_offers import NO_CLIENT_CONNECTION
from rejoin.errors import SignalError
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.status import Status, StatusReason
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.emulator.service.session")


class SessionEnvironment(Protocol):
    """What a session needs from its service."""

    @property
    def settings(self) -> EmulatorSettings:
        """The settings as they are now."""
        ...

    @property
    def timers(self) -> Timers:
        """The clock of the lifecycle and its alarms."""
        ...

    @property
    def wall_s(self) -> Callable[[], float]:
        """The wall clock, in seconds since 1970."""
        ...

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        ...

    async def take_place(self, group: str) -> None:
        """Wait until there is a host for one more session of this stream group."""
        ...

    def leave_place(self, group: str) -> None:
        """The host of a session of this group is free again."""
        ...

    def make_host(self, listener: HostListener, settings: EmulatorSettings) -> StreamHost:
        """A new host for a session."""
        ...


@dataclass(frozen=True, slots=True)
class Display:
    """The size of a stream session's virtual monitor in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class StartRequest:
    """The parameters of StartStreamSession; `extras` are only kept to be shown again."""

    group: str
    application: str
    signal_request: str = field(repr=False)
    client_token: str | None = field(default=None, repr=False)
    connection_timeout_s: int | None = None
    session_length_s: int | None = None
    location: str | None = None
    display: Display | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One status in a session's history, and since when, on the boot and the wall clock.

    `window_ends_at`: when the window of this status ends, if nothing happens.
    """

    status: Status
    reason: StatusReason | None
    at: float
    wall_s: float
    window_ends_at: float | None


@dataclass(frozen=True, slots=True)
class _Signals:
    """One connection's SignalRequest, and the SignalResponse once there is one."""

    request: str
    response: str | None


class StreamSession:
    """One stream session. It is the `HostListener` of its host."""

    def __init__(
        self, service: SessionEnvironment, session_id: str, group_id: str, request: StartRequest
    ) -> None:
        settings = service.settings
        self._service = service
        self._timers = service.timers
        self.session_id = session_id
        self.group_id = group_id
        self.arn = service.arn(f"streamsession/{group_id}/{session_id}")
        self._application_id = request.application
        self.application_arn = service.arn(f"application/{request.application}")
        self.location = request.location or settings.region
        self.extras = dict(request.extras)
        self._display = request.display
        self.connection_timeout_s = request.connection_timeout_s or settings.connection_timeout_s
        self.session_length_s = request.session_length_s or settings.session_length_s
        self.application_started_wall_s: float | None = None
        self.streaming_started_wall_s: float | None = None
        self.streaming_ended_wall_s: float | None = None
        self._first = self._latest = _Signals(request.signal_request, None)
        self._state: lifecycle.State = lifecycle.start(self._timers.now())
        self.history: list[StatusEntry] = []
        self._record_status()
        self._host = SessionHost(session_id)
        self._connections = 0
        self._has_place = False
        self._cancel_alarm: Callable[[], None] | None = None
        self._placing = spawn(self._place(request), name=f"place:{session_id}")
        self._ending: asyncio.Task[None] | None = None
        self._set_alarm()

    # --- what the API shows ---------------------------------------------------------------------

    @property
    def status(self) -> Status:
        return self._state.status

    @property
    def reason(self) -> StatusReason | None:
        return lifecycle.reason_of(self._state)

    def entry_at(self, at: float) -> StatusEntry | None:
        """The status that the session had at this time; None if it did not exist."""
        return next((entry for entry in reversed(self.history) if entry.at <= at), None)

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
        return self._shown().request

    @property
    def signal_response(self) -> str | None:
        """The SignalResponse to exactly that request; None before the session is ACTIVE."""
        return self._shown().response

    def _shown(self) -> _Signals:
        first = self._service.settings.get_shows_connection == "first"
        return self._first if first else self._latest

    @property
    def host(self) -> StreamHost | None:
        """The host, while the session has one."""
        return self._host.host

    # --- HostListener ---------------------------------------------------------------------------

    def client_connected(self, connection: int) -> None:
        self._post(lifecycle.ClientConnected(connection))

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        del graceful  # The host has already waited for the detection time of either way of leaving.
        self._post(lifecycle.ClientGone(connection))

    def client_input(self) -> None:
        self._post(lifecycle.InputSeen())

    def game_exited(self, detail: str) -> None:
        _log.info("stream session %s: the game exited (%s)", self.session_id, detail)
        self._post(lifecycle.ApplicationExited())

    def shares_performance(self) -> bool:
        """Whether StartStreamSession requested performance statistics for the client."""
        configuration = self.extras.get("PerformanceStatsConfiguration")
        return isinstance(configuration, dict) and configuration.get("SharedWithClient") is True

    # --- calls ----------------------------------------------------------------------------------

    async def create_connection(self, signal_request: str) -> str:
        """CreateStreamSessionConnection. Raises `CallRefusedError`."""
        settings = self._service.settings
        connection = self._connections + 1
        match self._post(lifecycle.CreateRequested(connection)):
            case lifecycle.Refused(kind, status):
                raise wrong_status(
                    kind, f"A stream session in status {status} takes no connection."
                )
            case _:
                self._connections = connection
        await sleep(self._timers, settings.create_latency_s)
        answer = await self._host.answer(connection, signal_request)
        if isinstance(answer, SignalError):
            if settings.bad_offer_fails == "session":
                self._post(lifecycle.OfferRejected())
            else:
                self._post(lifecycle.CreateFailed(connection))
            raise CallRefusedError(ErrorType.VALIDATION, "The SignalRequest is not valid.")
        if isinstance(answer, Exception):
            self._post(lifecycle.CreateFailed(connection))
            if not service_status.is_live(self.status):
                raise self._ended_during_call()
            raise CallRefusedError(ErrorType.INTERNAL, "The stream host gave no answer.")
        await sleep(self._timers, settings.answer_delay_s)
        if not isinstance(self._post(lifecycle.CreateAnswered(connection)), lifecycle.Accepted):
            raise self._ended_during_call()
        self._latest = _Signals(signal_request, answer)
        return answer

    def terminate(self) -> None:
        """TerminateStreamSession. Raises `CallRefusedError` while ACTIVATING."""
        match self._post(lifecycle.TerminateRequested()):
            case lifecycle.Refused(kind, status):
                raise wrong_status(
                    kind, f"A stream session in status {status} cannot be terminated."
                )
            case _:
                return

    def reject_offer(self) -> None:
        """End the session: a call had an invalid offer."""
        self._post(lifecycle.OfferRejected())

    def end(self, event: lifecycle.ApplicationExited | lifecycle.Failed) -> None:
        """The game or something around it ended the session."""
        self._post(event)

    def settings_changed(self) -> None:
        """Apply changed settings to the timers and to the host."""
        self._set_alarm()
        self._host.settings_changed(self._host_settings())

    async def aclose(self) -> None:
        """Leave no alarm, task or host behind. The status stays what it was."""
        if self._cancel_alarm is not None:
            self._cancel_alarm()
            self._cancel_alarm = None
        await cancel(self._placing, self._ending)
        await self._host.cancel_answer()
        await self._host.stop(None)

    def _ended_during_call(self) -> CallRefusedError:
        kind = lifecycle.RefusalKind(self._service.settings.wrong_status_error)
        return wrong_status(kind, f"The stream session became {self.status} during the call.")

    def _host_settings(self) -> EmulatorSettings:
        """The settings for this session's host: its game, and its DisplayConfiguration."""
        settings = self._service.settings
        games = settings.application_ids
        game = games.index(self._application_id) if self._application_id in games else 0
        settings = dataclasses.replace(settings, seed=settings.seed + game)
        if self._display is None:
            return settings
        return dataclasses.replace(settings, width=self._display.width, height=self._display.height)

    # --- the lifecycle --------------------------------------------------------------------------

    def _rules(self) -> lifecycle.Rules:
        settings = self._service.settings
        return lifecycle.Rules(
            connection_timeout_s=self.connection_timeout_s,
            session_length_s=self.session_length_s,
            idle_timeout_s=settings.idle_timeout_s,
            placement_timeout_s=settings.placement_limit_s,
            window_restarts_at_active=settings.window_restarts_at_active,
            reason_after_failed_reconnect=StatusReason(settings.reason_after_failed_reconnect),
            wrong_status=lifecycle.RefusalKind(settings.wrong_status_error),
        )

    def _post(self, event: lifecycle.Event) -> lifecycle.Outcome:
        before = self._state
        self._state, outcome = lifecycle.step(before, event, self._timers.now(), self._rules())
        if self._state is not before:
            if (self._state.status, self._state.entered_at) != (before.status, before.entered_at):
                self._record_status()
                self._status_changed(before.status)
            self._set_alarm()
        return outcome

    def _record_status(self) -> None:
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

    def _status_changed(self, before: Status) -> None:
        """Act on a status that was entered."""
        wall_s = self._service.wall_s()
        if self.status == service_status.CONNECTED and self.streaming_started_wall_s is None:
            self.streaming_started_wall_s = wall_s
        if self.is_over and self.streaming_started_wall_s is not None:
            self.streaming_ended_wall_s = wall_s
        if self._ending is None and not service_status.is_live(self.status):
            self._ending = spawn(
                self._end(streaming=before == service_status.CONNECTED),
                name=f"end:{self.session_id}",
            )

    def _set_alarm(self) -> None:
        if self._cancel_alarm is not None:
            self._cancel_alarm()
            self._cancel_alarm = None
        wakeup_at = lifecycle.next_wakeup(self._state, self._rules())
        if wakeup_at is not None:
            self._cancel_alarm = self._timers.call_at(wakeup_at, self._on_alarm)

    def _on_alarm(self) -> None:
        self._cancel_alarm = None
        # A change of settings may have moved the time since the alarm was set.
        if isinstance(self._post(lifecycle.TimerDue()), lifecycle.Ignored):
            self._set_alarm()

    async def _place(self, request: StartRequest) -> None:
        try:
            await self._service.take_place(self.group_id)
            self._has_place = True
            await sleep(self._timers, self._service.settings.placement_s)
            await self._host.start(self._service.make_host(self, self._host_settings()))
            self.application_started_wall_s = self._service.wall_s()
            if request.signal_request == NO_CLIENT_CONNECTION:
                self._post(lifecycle.Placed(0))
                return
            answer = await self._host.answer(1, request.signal_request)
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
            self._first = self._latest = _Signals(request.signal_request, answer)
            self._post(lifecycle.Placed(1))

    async def _end(self, *, streaming: bool) -> None:
        """Disconnect the client, stop the host, and finish a TERMINATING session."""
        await cancel(self._placing)
        await self._host.cancel_answer()
        try:
            await self._host.stop(self._disconnect_reason() if streaming else None)
        finally:
            if self._has_place:
                self._has_place = False
                self._service.leave_place(self.group_id)
        if self.status == service_status.TERMINATING:
            await sleep(self._timers, self._service.settings.terminating_s)
            self._post(lifecycle.TerminateDone())

    def _disconnect_reason(self) -> str:
        """The reason that the client's `serverDisconnect` gets."""
        if self.reason == service_status.IDLE_TIMEOUT:
            return "idle"
        if self.reason is None or self._service.settings.disconnect_reason == "terminated":
            return "terminated"
        return str(self.reason)

    def describe(self) -> dict[str, object]:
        """The session as JSON values for the control API; no signal strings."""
        return {
            "session": self.session_id,
            "group": self.group_id,
            "application": self._application_id,
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
            "game_state": self._host.game_state(),
        }
