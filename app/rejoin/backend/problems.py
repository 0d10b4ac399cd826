"""From a refusal to HTTP: problem details (RFC 9457), by one table.

A client reads the `code`, one of the contract's (`signaling/wire`), and `retryable`: whether the
same bytes may succeed later.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from rejoin.backend.call_log import note_code
from rejoin.backend.refused import ENDING_STATUSES, Reason, RefusedError, refused_by
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.session_rows import SessionForgottenError
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    IDEMPOTENCY_HEADER,
    LATEST_HEADER,
    MAX_BODY_BYTES,
    MAX_REPORT_BYTES,
    MAX_SIGNAL_BYTES,
    MIN_BUDGET_S,
    PROBLEM_CONTENT_TYPE,
    WINDOW_HEADER,
    ProblemBody,
    ProblemCode,
    ReportBody,
    problem,
)

_log = logging.getLogger("rejoin.backend")


@dataclass(frozen=True, slots=True)
class Row:
    """What a reason means in HTTP. None: the default of the code."""

    code: ProblemCode
    sentence: str = ""
    http_status: int | None = None
    retryable: bool | None = None


_NO_SESSION = "You have no such stream session on this backend."

TABLE: Final[dict[Reason, Row]] = {
    Reason.UNAUTHENTICATED: Row(
        ProblemCode.UNAUTHENTICATED, "This call needs a valid bearer token."
    ),
    Reason.BODY_TOO_LARGE: Row(
        ProblemCode.INVALID_REQUEST,
        f"A body has at most {MAX_BODY_BYTES} bytes, a SignalRequest {MAX_SIGNAL_BYTES}, "
        f"a report {MAX_REPORT_BYTES}.",
        http_status=413,
    ),
    Reason.BODY_TOO_SLOW: Row(
        ProblemCode.INVALID_REQUEST, "The body took too long.", http_status=408, retryable=True
    ),
    Reason.FIELDS_INVALID: Row(ProblemCode.INVALID_REQUEST),
    Reason.NO_SUCH_ROUTE: Row(ProblemCode.INVALID_REQUEST, "The contract has no such call."),
    Reason.HOST_UNKNOWN: Row(
        ProblemCode.INVALID_REQUEST, "This backend is not called by this name.", http_status=421
    ),
    Reason.TWO_LENGTHS: Row(
        ProblemCode.INVALID_REQUEST, "A request has Content-Length or Transfer-Encoding, not both."
    ),
    Reason.UNREADABLE: Row(ProblemCode.INVALID_REQUEST, "The request cannot be read."),
    Reason.BUDGET_TOO_SMALL: Row(
        ProblemCode.BUDGET_TOO_SMALL,
        f"Nothing was tried: an answer takes {MIN_BUDGET_S:g} s or more.",
    ),
    Reason.SESSION_UNKNOWN: Row(ProblemCode.SESSION_NOT_FOUND, _NO_SESSION),
    Reason.APPLICATION_UNKNOWN: Row(
        ProblemCode.SESSION_NOT_FOUND,
        "The streaming service does not know the configured stream group or application.",
    ),
    Reason.APPLICATION_FORBIDDEN: Row(ProblemCode.FORBIDDEN, "You may not start this application."),
    Reason.STILL_STARTING: Row(ProblemCode.CONFLICT, "The stream session is still being started."),
    Reason.ENDED: Row(ProblemCode.CONFLICT, "The stream session has ended.", retryable=False),
    Reason.NO_ANSWER: Row(ProblemCode.CONFLICT, "There is no answer to this SignalRequest."),
    Reason.START_TOKEN_REUSED: Row(
        ProblemCode.REUSED_OFFER, "This token was used for another start."
    ),
    Reason.OFFER_REUSED: Row(
        ProblemCode.REUSED_OFFER, "An earlier attempt has sent this offer already."
    ),
    Reason.ATTEMPT_STALE: Row(
        ProblemCode.STALE_ATTEMPT, "A newer attempt for this stream session exists."
    ),
    Reason.ATTEMPT_IN_FLIGHT: Row(ProblemCode.IN_FLIGHT, "An earlier attempt has no answer yet."),
    Reason.OWNER_BUSY: Row(
        ProblemCode.THROTTLED, "You have too many calls of this kind at the same time."
    ),
    Reason.TOO_MANY_SESSIONS: Row(
        ProblemCode.FORBIDDEN, "You have too many games running; end one of them first."
    ),
    Reason.POLL_RATE: Row(
        ProblemCode.THROTTLED, "The backend polls too many sessions at the moment."
    ),
    Reason.WAITS_FOR_TURN: Row(
        ProblemCode.THROTTLED, "Many players are coming back; ask again, your place is kept."
    ),
    Reason.ACCESS_DENIED: Row(ProblemCode.FORBIDDEN),
    Reason.THROTTLED: Row(ProblemCode.THROTTLED),
    Reason.CONFLICT: Row(ProblemCode.CONFLICT),
    Reason.INVALID: Row(ProblemCode.INVALID_REQUEST),
    Reason.UNAVAILABLE: Row(ProblemCode.SERVICE_UNAVAILABLE),
    Reason.MISCONFIGURED: Row(ProblemCode.SERVICE_UNAVAILABLE, retryable=False),
    # 502: it failed, outcome unknown. 503: it was not called. Both may be tried again.
    Reason.FAILED: Row(ProblemCode.SERVICE_UNAVAILABLE, http_status=502),
    Reason.TIMED_OUT: Row(
        ProblemCode.SERVICE_TIMEOUT, "The streaming service did not answer in time."
    ),
    Reason.SIGN_IN_UNAVAILABLE: Row(
        ProblemCode.SERVICE_UNAVAILABLE,
        "The identity provider does not answer, so nobody can be signed in at the moment.",
    ),
    Reason.STORE_UNAVAILABLE: Row(
        ProblemCode.STORE_UNAVAILABLE, "The backend's database cannot be used at the moment."
    ),
    Reason.INTERNAL: Row(ProblemCode.INTERNAL),
}
"""Every reason, and what a client receives for it."""

_STATUS_DECIDES: Final = frozenset({Reason.CONFLICT, Reason.NO_ANSWER})
"""Whether the same bytes may succeed later depends on the session's status here."""


_CLOSING: Final = frozenset({Reason.TWO_LENGTHS, Reason.BODY_TOO_LARGE, Reason.BODY_TOO_SLOW})
"""After these the connection is closed: it is unknown where its next request begins."""


def body_of(refused: RefusedError) -> ProblemBody:
    """The problem details of a refusal."""
    row = TABLE[refused.reason]
    retryable = refused.retryable if refused.retryable is not None else row.retryable
    if retryable is None and refused.reason in _STATUS_DECIDES:
        retryable = refused.session_status not in ENDING_STATUSES
    return problem(
        row.code,
        str(refused) or row.sentence,
        http_status=refused.http_status or row.http_status,
        retryable=retryable,
        session_status=refused.session_status,
        place=None if refused.place is None else refused.place.number,
        turn_in_s=None if refused.place is None else round(refused.place.turn_in_s, 1),
    )


def unreadable_body() -> bytes:
    """The problem details (JSON) for what is no HTTP request."""
    return body_of(RefusedError(Reason.UNREADABLE)).model_dump_json().encode()


def response_to(refused: RefusedError) -> JSONResponse:
    """The HTTP answer to a refused call."""
    if refused.reason is Reason.MISCONFIGURED:
        _log.error("the streaming service cannot be used with this configuration")
    body = body_of(refused)
    headers: dict[str, str] = {}
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    if refused.reason in _CLOSING:
        headers["Connection"] = "close"
    if body.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(mode="json"),
        status_code=body.status,
        headers=headers,
        media_type=PROBLEM_CONTENT_TYPE,
    )


def answer_to(scope: Scope, refused: RefusedError) -> JSONResponse:
    """The HTTP answer to the refused call of this scope, whose log line names the code."""
    note_code(scope, TABLE[refused.reason].code)
    return response_to(refused)


def install(app: FastAPI) -> None:
    """Every refusal of `app`, its framework's own included, becomes a problem."""
    for failure in (RefusedError, StoreUnavailableError, SessionForgottenError):
        app.add_exception_handler(failure, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_invalid_fields)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_refused(request: Request, error: Exception) -> Response:
    return answer_to(request.scope, refused_by(error))


_FIELDS: Final = frozenset(
    {"signal_request", "attempt", "application", "known", "wait_s"}
    | {IDEMPOTENCY_HEADER, BUDGET_HEADER, WINDOW_HEADER, LATEST_HEADER}
    | set(ReportBody.model_fields)
)


async def _on_invalid_fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [entry["loc"] for entry in error.errors()]
    if any(place[0] == "path" for place in places):
        return answer_to(request.scope, RefusedError(Reason.SESSION_UNKNOWN))
    # Names of the contract only: the name of an unknown field is text that the client sent.
    named = sorted({str(place[-1]) for place in places} & _FIELDS)
    wrong = ", ".join(named) if named else "The body"
    sentence = f"{wrong}: not as the contract says."
    return answer_to(request.scope, RefusedError(Reason.FIELDS_INVALID, sentence))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, RefusedError):  # while the framework read the body
        return answer_to(request.scope, error.__cause__)
    no_route = error.status_code in (404, 405)
    reason = Reason.NO_SUCH_ROUTE if no_route else Reason.UNREADABLE
    refused = RefusedError(reason, http_status=error.status_code)
    response = answer_to(request.scope, refused)
    if error.headers and "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
