"""The client of our own dialect: five calls that raise CallFailedError and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError

from rejoin.core.model import AttemptNumber, SessionId, SessionView, WindowLeft
from rejoin.core.retry import FailureKind
from rejoin.language import Message
from rejoin.service_model.status import Status
from rejoin.signaling.exchange import (
    DEFAULT_HTTP,
    CallFailedError,
    Exchange,
    HttpSettings,
    Reply,
    is_json,
)
from rejoin.signaling.forms import checked_session
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    IDEMPOTENCY_HEADER,
    LATEST_HEADER,
    MAX_BUDGET_MS,
    MAX_WINDOW_MS,
    REPORTS_PATH,
    SESSION_ID_PATTERN,
    TOKEN_PATTERN,
    WINDOW_HEADER,
    ConnectionBody,
    ProblemBody,
    ProblemCode,
    ReportBody,
    SessionViewBody,
    sha256_hex,
)

__all__ = ["BackendClient", "CallFailedError"]

_KIND_BY_CODE: Final[dict[str, FailureKind]] = {
    ProblemCode.UNAUTHENTICATED: FailureKind.UNAUTHENTICATED,
    ProblemCode.FORBIDDEN: FailureKind.FORBIDDEN,
    ProblemCode.SESSION_NOT_FOUND: FailureKind.NOT_FOUND,
    ProblemCode.THROTTLED: FailureKind.THROTTLED,
    ProblemCode.CONFLICT: FailureKind.CONFLICT,
    ProblemCode.STALE_ATTEMPT: FailureKind.STALE_ATTEMPT,
    ProblemCode.IN_FLIGHT: FailureKind.CONFLICT,
    ProblemCode.REUSED_OFFER: FailureKind.REUSED_OFFER,
    ProblemCode.INVALID_REQUEST: FailureKind.INVALID,
    ProblemCode.SERVICE_UNAVAILABLE: FailureKind.OUTCOME_UNKNOWN,
    ProblemCode.SERVICE_TIMEOUT: FailureKind.OUTCOME_UNKNOWN,
    ProblemCode.STORE_UNAVAILABLE: FailureKind.OUTCOME_UNKNOWN,
    # Nothing was tried: the same bytes may be sent again later.
    ProblemCode.BUDGET_TOO_SMALL: FailureKind.THROTTLED,
    ProblemCode.INTERNAL: FailureKind.OUTCOME_UNKNOWN,
}


class BackendClient:
    """Calls one backend with one bearer token. To be made and used in one event loop."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        http: HttpSettings = DEFAULT_HTTP,
    ) -> None:
        """`base_url`: the part before `/v1`; https, except on loopback or with `allow_insecure`.

        Raises `BadInputError`.
        """
        self._exchange = Exchange(base_url, token, http=http)

    def use_token(self, token: str) -> None:
        """Use this bearer token from the next call on. Raises `BadInputError`."""
        self._exchange.use_token(token)

    def drop_pooled_connections(self) -> None:
        """The network changed: the next call opens a new connection."""
        self._exchange.drop_pooled_connections()

    async def aclose(self) -> None:
        """Close all connections; calls in flight fail."""
        await self._exchange.aclose()

    async def start(
        self,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        application: str | None = None,
    ) -> SessionView:
        """Start a stream session. `token`: the attempt's, 32 to 128 of [\\x21-\\x7E]."""
        content: dict[str, object] = {"signal_request": signal_request, "attempt": attempt}
        if application is not None:
            content["application"] = application
        headers = self._idempotency(token)
        reply = await self._call(
            "POST", "/v1/sessions", budget_s=budget_s, headers=headers, content=content
        )
        return self._exchange.parsed(reply, SessionViewBody).to_view()

    async def status(
        self, session_id: SessionId, *, known: Status | None, wait_s: float, budget_s: float
    ) -> SessionView:
        """Get the status; with `known` as a long poll of at most `wait_s`."""
        query: dict[str, str] = {}
        if known is not None:
            query = {"known": known, "wait_s": f"{max(0.0, wait_s):.3f}"}
        reply = await self._call("GET", self._path(session_id), budget_s=budget_s, query=query)
        view = self._exchange.parsed(reply, SessionViewBody).to_view()
        if view.session_id != session_id:
            raise self._exchange.broken(reply)
        return view

    async def reconnect(
        self,
        session_id: SessionId,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        left: WindowLeft,
        on_written: Callable[[], None],
    ) -> str:
        """Send this attempt's offer; returns the SignalResponse to exactly this offer.

        A backend that cannot serve everybody at once orders its queue by `left`. If we are in its
        queue, the failure is QUEUED.

        `on_written` is called once, in the event loop, when the first byte of the request is about
        to be written to a connected socket; never when the call failed before that.
        """
        reply = await self._call(
            "POST",
            self._path(session_id) + "/connections",
            budget_s=budget_s,
            headers=self._idempotency(token) | _deadlines(left),
            content={"signal_request": signal_request, "attempt": attempt},
            on_written=on_written,
        )
        body = self._exchange.parsed(reply, ConnectionBody)
        if body.attempt != attempt or body.signal_request_sha256 != sha256_hex(signal_request):
            raise self._exchange.failed(
                FailureKind.OUTCOME_UNKNOWN, Message("answered another offer than ours"), reply
            )
        return body.signal_response

    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        """End the session; one that has ended already is no failure."""
        reply = await self._call("DELETE", self._path(session_id), budget_s=budget_s)
        if reply.status != 204:
            raise self._exchange.not_ours(reply)

    async def report(self, body: ReportBody, *, budget_s: float) -> None:
        """Send a reconnect report; one that the backend has already is no failure."""
        reply = await self._call(
            "POST", REPORTS_PATH, budget_s=budget_s, content=body.model_dump(mode="json")
        )
        if reply.status != 204:
            raise self._exchange.not_ours(reply)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        budget_s: float,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        content: dict[str, object] | None = None,
        on_written: Callable[[], None] | None = None,
    ) -> Reply:
        """A 2xx answer; raises CallFailedError."""
        # The backend gets less: connecting and the way back take time as well.
        theirs_s = budget_s - min(1.0, 0.1 * budget_s)
        budget_ms = min(MAX_BUDGET_MS, max(1, int(theirs_s * 1000)))
        reply = await self._exchange.call(
            method,
            path,
            budget_s=budget_s,
            query=query,
            headers={**(headers or {}), BUDGET_HEADER: str(budget_ms)},
            content=content,
            on_written=on_written,
        )
        if not 200 <= reply.status <= 299:
            raise self._refused(reply)
        return reply

    def _refused(self, reply: Reply) -> CallFailedError:
        """An answer that is not 2xx: a failure by the problem's code, else by the HTTP status."""
        problem = ProblemBody()
        if is_json(reply):
            try:
                problem = ProblemBody.model_validate_json(reply.content)
            except ValidationError:
                problem = ProblemBody()
        code = problem.code if re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", problem.code) else ""
        session_status = problem.session_status
        if session_status is None or not re.fullmatch(r"[A-Za-z0-9_]{1,64}", session_status):
            session_status = None
        kind = _KIND_BY_CODE.get(code)
        place, turn_in_s = problem.place, problem.turn_in_s
        if code != ProblemCode.THROTTLED:
            place = turn_in_s = None
        elif place is not None or turn_in_s is not None:
            kind = FailureKind.QUEUED
        return self._exchange.refused(
            reply,
            kind=kind,
            code=code,
            retryable=problem.retryable,
            session_status=session_status,
            place=place,
            turn_in_s=turn_in_s,
        )

    def _idempotency(self, token: str) -> dict[str, str]:
        """The header with the attempt's token."""
        if not re.fullmatch(TOKEN_PATTERN, token):
            raise self._exchange.failed(
                FailureKind.INVALID, Message("was not called: the token has a bad form")
            )
        return {IDEMPOTENCY_HEADER: token}

    def _path(self, session_id: SessionId) -> str:
        checked = checked_session(self._exchange, session_id, SESSION_ID_PATTERN)
        return "/v1/sessions/" + quote(checked, safe="")


def _deadlines(left: WindowLeft) -> dict[str, str]:
    """How much time is left, as headers: a body must not have fields that a backend lacks."""
    headers = {LATEST_HEADER: _milliseconds(left.latest_s)}
    if left.shown_s is not None:
        headers[WINDOW_HEADER] = _milliseconds(left.shown_s)
    return headers


def _milliseconds(seconds: float) -> str:
    return str(int(min(max(0.0, seconds * 1000), MAX_WINDOW_MS)))
