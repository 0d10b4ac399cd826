"""Client of dialect `aws-bundle`: the sample server that comes with the Web SDK.

Every call is a POST of JSON; anybody who knows the session's Token may use it. It does not report
any status but ACTIVATING and ACTIVE, and those only for 600 s after the start (404 for the rest,
which proves nothing about the game), nor the connection timeout, nor what went wrong: every error
of the service is a bare 502.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from rejoin.core.model import AttemptNumber, SessionId, SessionView
from rejoin.core.retry import FailureKind
from rejoin.service_model.status import ACTIVATING, ACTIVE
from rejoin.signaling.aws_samples import (
    STATUS_UNAVAILABLE,
    SampleAnswer,
    SampleClient,
    SampleSignal,
)
from rejoin.signaling.exchange import CallFailedError
from rejoin.signaling.forms import checked_session
from rejoin.signaling.wire import SignalString

_TOKEN_PATTERN: Final = r"^[\x21-\x7E]{1,256}$"


class _Created(SampleAnswer):
    token: Annotated[str, StringConstraints(pattern=_TOKEN_PATTERN)] = Field(alias="Token")


class _Signal(SampleAnswer):
    signal_response: SampleSignal = Field(alias="SignalResponse", repr=False)


class _Answered(SampleAnswer):
    signal_response: SignalString = Field(alias="SignalResponse", repr=False)


class _Nothing(SampleAnswer):
    pass


class BundleClient(SampleClient):
    """Calls the Web SDK's sample server, which has no sign-in: no bearer token is sent."""

    _takes_token = False
    _placing: SessionId | None = None
    """The session that was started here and has reported nothing but ACTIVATING so far."""

    async def start(
        self, *, attempt: AttemptNumber, token: str, signal_request: str, budget_s: float
    ) -> SessionView:
        content = self._choice.body(
            stream_group="StreamGroupId",
            application="ApplicationIdentifier",
            locations="Locations",
        )
        created = await self._send_offer(
            "/api/CreateStreamSession",
            _Created,
            budget_s=budget_s,
            signal_request=signal_request,
            content=content,
        )
        session_id = SessionId(created.token)
        self._began(session_id)
        self._placing = session_id
        # A Token means that StartStreamSession succeeded, and then a session is ACTIVATING.
        return SessionView(session_id, ACTIVATING)

    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        """End the session; NOT_FOUND if an earlier call has ended it."""
        await self._call(
            "POST",
            "/api/DestroyStreamSession",
            _Nothing,
            budget_s=budget_s,
            content=self._named(session_id),
        )

    async def _get_status(self, session_id: SessionId, budget_s: float) -> SessionView:
        """ACTIVATING or ACTIVE. Once the game runs a 404 means STATUS_UNAVAILABLE, not its end."""
        try:
            signal = await self._call(
                "POST",
                "/api/GetSignalResponse",
                _Signal,
                budget_s=budget_s,
                content=self._named(session_id),
            )
        except CallFailedError as error:
            if error.failure.kind is FailureKind.NOT_FOUND and session_id != self._placing:
                raise CallFailedError(
                    replace(
                        error.failure,
                        kind=FailureKind.OUTCOME_UNKNOWN,
                        code=STATUS_UNAVAILABLE,
                        retryable=False,
                        detail="The backend does not report the status of a running game.",
                    )
                ) from None
            raise
        if not signal.signal_response:
            return SessionView(session_id, ACTIVATING)
        self._placing = None
        return SessionView(
            session_id,
            ACTIVE,
            signal_response=self._answer_to_the_start(session_id, signal.signal_response),
        )

    async def _reconnect(
        self,
        session_id: SessionId,
        signal_request: str,
        budget_s: float,
        on_written: Callable[[], None],
    ) -> str:
        self._placing = None
        signal = await self._send_offer(
            "/api/ReconnectStreamSession",
            _Answered,
            budget_s=budget_s,
            signal_request=signal_request,
            content=self._named(session_id),
            on_written=on_written,
        )
        return signal.signal_response

    def _named(self, session_id: SessionId) -> dict[str, object]:
        return {"Token": checked_session(self._exchange, session_id, _TOKEN_PATTERN)}
