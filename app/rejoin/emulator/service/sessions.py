"""The emulated service: all stream sessions of one account and Region, and the calls to them.

Everything here runs on one event loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import string
import time
from collections.abc import Callable, Mapping
from typing import Final

from rejoin.emulator.service.faults import Fault
from rejoin.emulator.service.host_places import HostPlaces
from rejoin.emulator.service.idempotency import IdempotentCalls
from rejoin.emulator.service.refusals import CallRefusedError, ErrorType, wrong_status
from rejoin.emulator.service.session import StartRequest, StreamSession
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostFactory, HostListener, StreamHost
from rejoin.emulator.service.timers import LoopTimers, Timers
from rejoin.emulator.service.used_offers import UsedOffers
from rejoin.errors import BadInputError
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.status import StatusReason

_FAILURES: Final = (
    service_status.INTERNAL_ERROR,
    service_status.APPLICATION_LOG_S3_DESTINATION_ERROR,
    service_status.ASSUME_ROLE_FAILED,
)


_FORGET_EVERY_S: Final = 1.0

ALL: Final = "*"
"""In place of a session's id: all of them."""


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
        self._calls = IdempotentCalls()
        self._offers = UsedOffers()
        self._places = HostPlaces(settings.hosts)
        self._closed = False
        self._forget_again_at = 0.0

    @property
    def settings(self) -> EmulatorSettings:
        """The settings as they are now."""
        return self._settings

    def change_settings(self, changes: Mapping[str, object]) -> EmulatorSettings:
        """Change settings of a running emulator. Raises `BadInputError`.

        Rules and delays of the service apply at once, to running sessions too. What a host was made
        with (picture, bitrate, seed, ports) applies to sessions that are started from now on.
        """
        self._settings = self._settings.changed(changes)
        self._places.limit(self._settings.hosts)
        for session in self._sessions.values():
            session.settings_changed()
        return self._settings

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        settings = self._settings
        return f"arn:aws:gameliftstreams:{settings.region}:{settings.account_id}:{resource}"

    async def take_place(self, group: str) -> None:
        """Wait until there is a host for one more session of this stream group."""
        await self._places.take(group)

    def leave_place(self, group: str) -> None:
        """The host of a session of this group is free again."""
        self._places.leave(group)

    def make_host(self, listener: HostListener, settings: EmulatorSettings) -> StreamHost:
        """A new host for a session."""
        return self._host_factory(listener, settings)

    # --- look-up by id or ARN -------------------------------------------------------------------

    def group(self, identifier: str) -> str:
        """The id of a stream group. Raises `CallRefusedError`."""
        for group_id in self._settings.stream_group_ids:
            if identifier in (group_id, self.arn(f"streamgroup/{group_id}")):
                return group_id
        raise CallRefusedError(ErrorType.NOT_FOUND, "There is no such stream group.")

    def _active_group(self, identifier: str) -> str:
        """The id of a stream group that takes players now."""
        group_id = self.group(identifier)
        status = self._settings.stream_group_status
        if status != "ACTIVE":
            kind = lifecycle.RefusalKind(self._settings.wrong_status_error)
            raise wrong_status(kind, f"A stream group in status {status} takes no stream session.")
        return group_id

    def application(self, identifier: str) -> str:
        """The id of an application. Raises `CallRefusedError`."""
        for application_id in self._settings.application_ids:
            if identifier in (application_id, self.arn(f"application/{application_id}")):
                return application_id
        raise CallRefusedError(ErrorType.NOT_FOUND, "There is no such application.")

    def session(self, group: str, identifier: str) -> StreamSession:
        """A stream session of this group. Raises `CallRefusedError`."""
        self._forget_old()
        group_id = self.group(group)
        found = self._sessions.get(identifier.rpartition("/")[2])
        if (
            found is None
            or found.group_id != group_id
            or identifier not in (found.session_id, found.arn)
        ):
            raise CallRefusedError(ErrorType.NOT_FOUND, "There is no such stream session.")
        return found

    def sessions(self, group: str | None = None) -> list[StreamSession]:
        """The sessions of one group (id or ARN), or all of them, newest first."""
        self._forget_old()
        group_id = None if group is None else self.group(group)
        return [
            session
            for session in reversed(self._sessions.values())
            if group_id in (None, session.group_id)
        ]

    # --- calls ----------------------------------------------------------------------------------

    async def start_session(self, request: StartRequest) -> StreamSession:
        """StartStreamSession: the new session, ACTIVATING. Raises `CallRefusedError`."""
        self.group(request.group)
        self.application(request.application)

        async def start() -> StreamSession:
            group_id = self._active_group(request.group)
            fresh = self._offers.use(request.signal_request, request.client_token)
            if not fresh and self._settings.reused_offer_fails == "call":
                raise _offer_reused()
            session_id = _new_id(self._sessions)
            application_id = self.application(request.application)
            session = StreamSession(
                self, session_id, group_id, dataclasses.replace(request, application=application_id)
            )
            self._sessions[session_id] = session
            self._offers.succeeded(request.signal_request)
            if not fresh:
                session.reject_offer()
            return session

        self._prepare_call()
        return await self._calls.once(
            "start",
            request.client_token,
            {**dataclasses.asdict(request), "client_token": None},
            start,
            forget_at=self.timers.now() + self._settings.token_lifetime_s,
        )

    async def create_connection(
        self, group: str, session: str, signal_request: str, client_token: str | None = None
    ) -> str:
        """CreateStreamSessionConnection: the SignalResponse. Raises `CallRefusedError`.

        The call goes on to its end even if the caller stops waiting.
        """
        found = self.session(group, session)

        async def create() -> str:
            self._active_group(group)
            if not service_status.accepts_reconnect(found.status):
                # Refused because of the status, so the offer stays unused and may be sent again.
                return await found.create_connection(signal_request)
            if not self._offers.use(signal_request, client_token):
                if self._settings.reused_offer_fails == "session":
                    found.reject_offer()
                raise _offer_reused()
            answer = await found.create_connection(signal_request)
            self._offers.succeeded(signal_request)
            return answer

        self._prepare_call()
        return await self._calls.once(
            "create",
            client_token,
            {"session": found.arn, "signal_request": signal_request},
            create,
            forget_at=self.timers.now() + self._settings.token_lifetime_s,
        )

    def terminate_session(self, group: str, session: str) -> None:
        """TerminateStreamSession. Raises `CallRefusedError`."""
        self.session(group, session).terminate()

    # --- the control API ------------------------------------------------------------------------

    def end_session(self, reason: str, session_id: str | None = None) -> float:
        """End a session (None: the newest that is not over) for a reason that no call can cause.

        `reason`: `applicationExit`, or a failure (ERROR). Returns the time. Raises `BadInputError`.
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
        """Inject a fault into a session (None: the newest that has a host; ALL: each).

        Returns the boot time at which it took effect, in the last one. Raises `BadInputError` if
        there is no such session or it has no host.
        """
        if session_id == ALL:
            hosts = [each.host for each in self.sessions() if each.host is not None]
            if hosts:
                return [await host.inject(fault) for host in hosts][-1]
        for session in self.sessions():
            if session.host is not None and session_id in (None, session.session_id, session.arn):
                return await session.host.inject(fault)
        raise BadInputError("There is no running stream session to inject a fault into.")

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
        await self._calls.aclose()
        await asyncio.gather(*(session.aclose() for session in self._sessions.values()))

    # --- inside ---------------------------------------------------------------------------------

    def _prepare_call(self) -> None:
        if self._closed:
            raise CallRefusedError(ErrorType.INTERNAL, "The emulator is closing.")
        self._forget_old()

    def _forget_old(self) -> None:
        now = self.timers.now()
        if now < self._forget_again_at:
            return
        self._forget_again_at = now + _FORGET_EVERY_S
        self._calls.forget_old(now)
        kept_s = self._settings.ended_session_kept_s
        for session_id, session in list(self._sessions.items()):
            if session.is_over and session.host is None and session.history[-1].at + kept_s <= now:
                del self._sessions[session_id]


def _offer_reused() -> CallRefusedError:
    return CallRefusedError(ErrorType.VALIDATION, "The SignalRequest was used before.")


def _new_id(taken: Mapping[str, object]) -> str:
    """Thirteen letters and digits, in the shape of the documented examples."""
    alphabet = string.ascii_letters + string.digits
    while True:
        new = "".join(secrets.choice(alphabet) for _ in range(13))
        if new not in taken:
            return new
