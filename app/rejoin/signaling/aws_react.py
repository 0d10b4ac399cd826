"""Client of dialect `aws-react`: the Lambda functions of AWS's React starter behind API Gateway.

A session is identified by its ARN, a player by a bearer token (a Cognito id token, valid 5 min).
The service's status is reported at any time. The reason, the connection timeout and the offer that
the answer belongs to are not, and no call ends a game. Every error of the service is a 500. The
gateway times out while the function continues, so a lost answer after a success is normal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import Field, StringConstraints, ValidationError

from rejoin.core.model import AttemptNumber, SessionId, SessionView
from rejoin.core.retry import FailureKind
from rejoin.language import Message
from rejoin.service_model.status import Status
from rejoin.signaling.aws_samples import (
    CANNOT_TERMINATE,
    SampleAnswer,
    SampleClient,
    SampleSignal,
)
from rejoin.signaling.exchange import Reply
from rejoin.signaling.forms import checked_session
from rejoin.signaling.wire import SignalString, StatusString

_ARN_PATTERN: Final = r"^arn:[\x21-\x2E\x30-\x7E]{1,256}(/[\x21-\x2E\x30-\x7E]{1,128}){2}$"
"""arn:...:streamsession/GROUP/SESSION; the service chooses the parts between the slashes."""


_NO_SUCH_STREAM: Final = re.compile(
    r"no such (stream group|application)|(stream ?group|application)\b.{0,300}"
    r"(not (be )?found|does not exist|doesn't exist)",
    re.IGNORECASE | re.DOTALL,
)
"""A stream group or application that does not exist, in the words of AWS and of others."""


class _Session(SampleAnswer):
    arn: Annotated[str, StringConstraints(pattern=_ARN_PATTERN)]
    status: StatusString
    signal_response: SampleSignal | None = Field(default=None, alias="signalResponse", repr=False)


class _Refused(SampleAnswer):
    message: str = ""


class _Answered(SampleAnswer):
    signal_response: SignalString = Field(alias="signalResponse", repr=False)


class ReactClient(SampleClient):
    """Calls the React starter's API with one bearer token."""

    shown_response = ""
    """The SignalResponse that the newest status call showed, whichever offer it belongs to."""

    async def start(
        self, *, attempt: AttemptNumber, token: str, signal_request: str, budget_s: float
    ) -> SessionView:
        content = self._choice.body(
            stream_group="SGIdentifier",
            application="AppIdentifier",
            locations="Regions",
        )
        session = await self._send_offer(
            "/",
            _Session,
            budget_s=budget_s,
            signal_request=signal_request,
            content=content,
        )
        self._began(SessionId(session.arn))
        return self._view(session)

    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        """Never possible: the starter has no such call."""
        raise self._exchange.failed(
            FailureKind.INVALID,
            Message("cannot end a game; it ends by itself some time after you leave"),
            code=CANNOT_TERMINATE,
            retryable=False,
        )

    async def _get_status(self, session_id: SessionId, budget_s: float) -> SessionView:
        stream_group = self._stream_group(session_id)
        reply = await self._exchange.call(
            "GET",
            f"/session/{quote(stream_group, safe='')}/{quote(session_id, safe='')}",
            budget_s=budget_s,
        )
        session = self._exchange.parsed(self._accepted(reply), _Session)
        if session.arn != session_id:
            raise self._exchange.broken(reply)
        return self._view(session)

    async def _reconnect(
        self,
        session_id: SessionId,
        signal_request: str,
        budget_s: float,
        on_written: Callable[[], None],
    ) -> str:
        self._stream_group(session_id)
        answered = await self._send_offer(
            "/reconnect",
            _Answered,
            budget_s=budget_s,
            signal_request=signal_request,
            content={"SessionIdentifier": session_id},
            on_written=on_written,
        )
        return answered.signal_response

    def _kind(self, reply: Reply) -> FailureKind | None:
        """Every error is a 500: only the service's own words tell them apart."""
        try:
            message = _Refused.model_validate_json(reply.content).message
        except ValidationError:
            return None
        return FailureKind.NOT_FOUND if _NO_SUCH_STREAM.search(message) else None

    def _view(self, session: _Session) -> SessionView:
        session_id = SessionId(session.arn)
        self.shown_response = session.signal_response or ""
        return SessionView(
            session_id,
            Status(session.status),
            signal_response=self._answer_to_the_start(session_id, session.signal_response or ""),
        )

    def _stream_group(self, session_id: SessionId) -> str:
        """The stream group's id, which is a part of the session's ARN."""
        return checked_session(self._exchange, session_id, _ARN_PATTERN).split("/")[-2]
