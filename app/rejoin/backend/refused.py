"""Why the backend refuses a call: one reason each, raised where it is found.

`problems` turns a refusal into HTTP for our own dialect; the sample dialects answer in their own
way. Neither a refusal nor a log record holds anything that a client sent.
"""

from __future__ import annotations

import enum
import logging
import traceback
from collections.abc import Awaitable
from typing import Final, TypeVar

from rejoin.backend.create_order import Place
from rejoin.backend.service import ServiceFault, StreamServiceError
from rejoin.backend.sign_in import SignInUnavailableError
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.session_rows import SessionForgottenError
from rejoin.errors import RejoinError
from rejoin.signaling.wire import ENDED_STATUSES

_log = logging.getLogger("rejoin.backend")
_Result = TypeVar("_Result")

ENDING_STATUSES: Final = ENDED_STATUSES | {"TERMINATING"}
"""Statuses of a session that has ended or is about to end."""


class Reason(enum.Enum):
    """Why a call is refused. `problems.TABLE` says what each means in HTTP."""

    # The request itself.
    UNAUTHENTICATED = "unauthenticated"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    FIELDS_INVALID = "fields_invalid"
    NO_SUCH_ROUTE = "no_such_route"
    HOST_UNKNOWN = "host_unknown"
    TWO_LENGTHS = "two_lengths"
    UNREADABLE = "unreadable"
    BUDGET_TOO_SMALL = "budget_too_small"
    # The session and its attempts.
    SESSION_UNKNOWN = "session_unknown"
    APPLICATION_UNKNOWN = "application_unknown"
    APPLICATION_FORBIDDEN = "application_forbidden"
    STILL_STARTING = "still_starting"
    ENDED = "ended"
    NO_ANSWER = "no_answer"
    START_TOKEN_REUSED = "start_token_reused"
    OFFER_REUSED = "offer_reused"
    ATTEMPT_STALE = "attempt_stale"
    ATTEMPT_IN_FLIGHT = "attempt_in_flight"
    OWNER_BUSY = "owner_busy"
    TOO_MANY_SESSIONS = "too_many_sessions"
    # The streaming service.
    POLL_RATE = "poll_rate"
    WAITS_FOR_TURN = "waits_for_turn"
    ACCESS_DENIED = "access_denied"
    THROTTLED = "throttled"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    # This backend.
    STORE_UNAVAILABLE = "store_unavailable"
    SIGN_IN_UNAVAILABLE = "sign_in_unavailable"
    INTERNAL = "internal"


PASSING: Final = frozenset(
    {
        Reason.POLL_RATE,
        Reason.STORE_UNAVAILABLE,
        Reason.THROTTLED,
        Reason.CONFLICT,
        Reason.STILL_STARTING,
        Reason.UNAVAILABLE,
        Reason.FAILED,
        Reason.TIMED_OUT,
    }
)
"""Failures of a poll after which the next one may succeed: retryable in `problems`."""

OF_FAULT: dict[ServiceFault, Reason] = {
    ServiceFault.ACCESS_DENIED: Reason.ACCESS_DENIED,
    ServiceFault.NOT_FOUND: Reason.SESSION_UNKNOWN,
    ServiceFault.THROTTLED: Reason.THROTTLED,
    ServiceFault.CONFLICT: Reason.CONFLICT,
    ServiceFault.INVALID: Reason.INVALID,
    ServiceFault.UNAVAILABLE: Reason.UNAVAILABLE,
    ServiceFault.MISCONFIGURED: Reason.MISCONFIGURED,
    ServiceFault.FAILED: Reason.FAILED,
    ServiceFault.TIMED_OUT: Reason.TIMED_OUT,
}
"""From how a call to the streaming service failed to why the client's call is refused."""


class RefusedError(RejoinError):
    """The backend refuses a call.

    The text is one sentence for the client; "" stands for the sentence of the reason in `problems`.
    `session_status`: the service's status, where it explains the refusal. `retryable`: where it
    differs from what the reason says. `retry_after_s`: how long the client should wait.
    `http_status`: where the reason alone does not say it (a route that does not exist: 404 or 405).
    `place`: in the queue of reconnects.
    """

    code = "refused"

    def __init__(
        self,
        reason: Reason,
        sentence: str = "",
        *,
        session_status: str | None = None,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        http_status: int | None = None,
        place: Place | None = None,
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.session_status = session_status
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.http_status = http_status
        self.place = place

    def again(self) -> RefusedError:
        """The same refusal for another caller that waited for the same call."""
        return RefusedError(
            self.reason,
            str(self),
            session_status=self.session_status,
            retryable=self.retryable,
            retry_after_s=self.retry_after_s,
            http_status=self.http_status,
            place=self.place,
        )


def of_service(error: StreamServiceError, session_status: str | None = None) -> RefusedError:
    """The refusal for a failed call to the streaming service."""
    return RefusedError(
        OF_FAULT[error.fault],
        str(error),
        session_status=session_status,
        retry_after_s=error.retry_after_s,
    )


def internal(error: Exception) -> RefusedError:
    """A bug of ours. Where it was raised is logged, its text is not: it may quote the request."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    _log.error("unexpected %s at %s", type(error).__name__, where)
    return RefusedError(Reason.INTERNAL, "The backend failed; its log says where.")


def refused_by(error: Exception) -> RefusedError:
    """Any failure of a call as a refusal."""
    match error:
        case RefusedError():
            return error
        case StreamServiceError():
            return of_service(error)
        case StoreUnavailableError():
            return RefusedError(Reason.STORE_UNAVAILABLE, retry_after_s=1.0)
        case SignInUnavailableError():
            return RefusedError(Reason.SIGN_IN_UNAVAILABLE, retry_after_s=1.0)
        case SessionForgottenError():
            return RefusedError(Reason.SESSION_UNKNOWN)
        case _:
            return internal(error)


async def outcome_of(work: Awaitable[_Result]) -> _Result | RefusedError:
    """The result of a call that runs in its own task; there a refusal is a value."""
    try:
        return await work
    except Exception as error:
        return refused_by(error)
