"""The HTTP contract between Rejoin and a studio's backend, dialect 1: bodies, headers, problems.

One source for three readers: `signaling/client` parses answers with it, `backend/routes` parses
requests with it, and `docs/openapi` is generated from it. Unknown fields of a request are refused,
so that a misspelt one is noticed; those of an answer are ignored, so that a backend may grow.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from rejoin.core.model import AttemptNumber, RemainingKnowledge, SessionId, SessionView
from rejoin.service_model.status import Status, StatusReason

CONTRACT_VERSION: Final = 1
CONTRACT_MINOR: Final = 3
"""Rises with each addition that a client or backend of an older minor can ignore."""

BUDGET_HEADER: Final = "Rejoin-Budget-Ms"
"""How long the client will wait for this answer, in milliseconds from the start of its call."""
WINDOW_HEADER: Final = "Rejoin-Window-Ms"
"""How long, at least, the service will still take the client back (its shown deadline), in
milliseconds from the start of its call; from contract 1.2 on."""
LATEST_HEADER: Final = "Rejoin-Latest-Ms"
"""How long, at most (its latest deadline)."""
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
"""The attempt's token; a backend forwards it to the service as the ClientToken."""

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"

MAX_SIGNAL_BYTES: Final = 256 * 1024
"""Largest SignalRequest or SignalResponse: of its text as it is forwarded, in UTF-8."""
MAX_BODY_BYTES: Final = 320 * 1024
"""Largest HTTP body in either direction: a signal string and room for its JSON escapes."""
MAX_WAIT_S: Final = 25.0
"""Longest long poll; under the 29 s after which common gateways give up."""
MIN_BUDGET_S: Final = 0.5
"""A call with a shorter budget is refused at once."""
MAX_BUDGET_MS: Final = 60_000
MAX_WINDOW_MS: Final = 86_400_000
"""A stream session lasts no longer."""
TOKEN_PATTERN: Final = r"^[\x21-\x7E]{32,128}$"
SESSION_ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,128}$"
REPORTS_PATH: Final = "/v1/reports"
MAX_REPORT_BYTES: Final = 2048
"""Largest reconnect report."""
REPORT_KEPT_S: Final = 7 * 86400.0
"""How long a client keeps a report that it could not deliver."""
MAX_ATTEMPT: Final = 2**31 - 1
MAX_STATUS: Final = 100
"""Characters of a status or a reason."""
MAX_SECONDS: Final = 10_000_000

ENDED_STATUSES: Final = frozenset({"TERMINATED", "ERROR"})
"""Statuses that no stream session leaves."""


def sha256_hex(signal_request: str) -> str:
    """What identifies a SignalRequest without showing it: SHA-256 of its UTF-8 bytes, in hex."""
    return hashlib.sha256(signal_request.encode("utf-8", "surrogatepass")).hexdigest()


def _within_limit(text: str) -> str:
    """Checks the bytes: a character may take four."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SIGNAL_BYTES:
        raise ValueError("It is too long.")
    return text


SignalString = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_SIGNAL_BYTES),
    AfterValidator(_within_limit),
]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SessionIdString = Annotated[str, StringConstraints(pattern=SESSION_ID_PATTERN)]
StatusString = Annotated[str, StringConstraints(pattern=rf"^[ -~]{{1,{MAX_STATUS}}}$")]
AttemptField = Annotated[int, Field(ge=1, le=MAX_ATTEMPT)]
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]


def _none_if_unusable(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Reads an optional member: an unusable value counts as absent."""
    try:
        return handler(value)
    except ValidationError:
        return None


Place = Annotated[
    Annotated[int, Field(ge=1, le=1_000_000_000)] | None, WrapValidator(_none_if_unusable)
]
TurnInSeconds = Annotated[
    Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] | None,
    WrapValidator(_none_if_unusable),
]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class StartBody(_Request):
    """What a new stream session is started with."""

    signal_request: SignalString = Field(
        repr=False, description="The SignalRequest of a fresh offer, passed on unread."
    )
    attempt: AttemptField = Field(description="Number of this attempt; the first of the session.")
    application: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None = (
        Field(
            default=None,
            description="A name from the backend's configuration; absent: its default application.",
        )
    )


class ReconnectBody(_Request):
    """A fresh offer for a running stream session."""

    signal_request: SignalString = Field(
        repr=False, description="The SignalRequest of a fresh offer, passed on unread."
    )
    attempt: AttemptField = Field(
        description="Number of this attempt; higher than every earlier one of the session."
    )


Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A word of a growing list: a reader counts an unknown word as "other"."""


class ReportBody(_Request):
    """What became of one dropped connection: no address, no free text, nobody's name. From contract
    1.2 on. Durations are in seconds since media last arrived."""

    record_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] = Field(
        description="A number of chance; a report that was sent before has no effect."
    )
    ended_ago_s: Seconds = Field(description="Since the end of the episode, by the client's clock.")
    cause: Word = Field(
        description='Why the connection was lost: "silence", "returned" (after a crash or a '
        "restart of the client), or the sign that it was gone.",
        examples=["silence", "returned", "rtcp_bye", "address_gone"],
    )
    verdict: Word | None = Field(
        default=None,
        description="Where the fault was, if the client knows it; null if not.",
        examples=["network_gone", "network_changed", "host_closed", "other_server"],
    )
    outcome: Literal["rejoined", "healed", "ended"] = Field(
        description="A new connection, the old one again, or the end for this client."
    )
    ending: Word | None = Field(
        default=None, description="How it ended; null unless `outcome` is ended."
    )
    lost_s: Seconds = Field(description="Until the player was back, or the end.")
    noticed_after_s: Seconds = Field(description="Until the connection counted as lost.")
    requested_after_s: Seconds | None = Field(
        default=None, description="Until the first reconnect call was sent; null if none was."
    )
    answered_after_s: Seconds | None = Field(
        default=None, description="Until the last answer to one arrived; null if none did."
    )
    attempts: Annotated[int, Field(ge=0, le=100_000)] = Field(description="Offers that were made.")
    tries: Annotated[int, Field(ge=0, le=100_000)] = Field(
        description="Reconnect calls that were sent."
    )
    failures: Annotated[list[Word], Field(max_length=16)] = Field(
        default=[], description="Kinds of calls that failed, each once."
    )
    client_version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$")]


class RemainingBody(_Answer):
    """A lower bound of the window, never an absolute time."""

    at_least_s: Seconds = Field(description="At least this much was left `age_s` ago.")
    age_s: Seconds = Field(description="Age of that knowledge when this answer was written.")


class SessionViewBody(_Answer):
    """A stream session as the backend reports it."""

    session_id: SessionIdString = Field(description="Opaque; not the service's identifier.")
    status: StatusString = Field(
        description="As the service spells it. New ones may appear at any time."
    )
    reason: StatusString | None = Field(
        default=None, description="StatusReason as the service spells it."
    )
    connection_timeout_s: Seconds | None = Field(
        default=None, description="ConnectionTimeoutSeconds of the stream session."
    )
    session_ends_in_s: Seconds | None = Field(
        default=None, description="At least this long until SessionLengthSeconds are over."
    )
    remaining: RemainingBody | None = Field(
        default=None,
        description="Counted from the start of the backend's last call to the service that "
        "returned CONNECTED; null when there was none or the status makes it meaningless.",
    )
    attempt: AttemptField | None = Field(default=None, description="Highest attempt number seen.")
    signal_request_sha256: Sha256Hex | None = Field(
        default=None, description="SHA-256 (hex) of the SignalRequest that the service holds."
    )
    signal_response: SignalString | None = Field(
        default=None, repr=False, description="The answer to exactly that SignalRequest."
    )

    def to_view(self) -> SessionView:
        """The same as a value of `core`."""
        return SessionView(
            session_id=SessionId(self.session_id),
            status=Status(self.status),
            reason=None if self.reason is None else StatusReason(self.reason),
            connection_timeout_s=self.connection_timeout_s,
            session_ends_in_s=self.session_ends_in_s,
            remaining=None
            if self.remaining is None
            else RemainingKnowledge(self.remaining.at_least_s, self.remaining.age_s),
            signal_request_sha256=self.signal_request_sha256,
            signal_response=self.signal_response,
            attempt=None if self.attempt is None else AttemptNumber(self.attempt),
        )


class SignalAnswerBody(_Answer):
    """The answer to the SignalRequest that the service holds."""

    signal_request_sha256: Sha256Hex
    signal_response: SignalString = Field(repr=False)


class ConnectionBody(_Answer):
    """The answer to this attempt's offer."""

    attempt: AttemptField
    signal_request_sha256: Sha256Hex
    signal_response: SignalString = Field(repr=False)


class HealthBody(_Answer):
    """A Rejoin backend answers here; nothing is said about the service behind it."""

    service: Literal["rejoin-backend"] = "rejoin-backend"
    contract: int = CONTRACT_VERSION
    contract_minor: int = 0
    """0 where the backend does not say it."""


class ReadyBody(_Answer):
    """Whether a backend process can do its work; `reasons`: "stopping", "database", "service"."""

    ready: bool
    reasons: list[str]


class SignInBody(_Answer):
    """A way to sign in: "static" tokens from the studio, or "openid" with its issuer and the
    parameters of the client's request."""

    kind: str
    issuer: str | None = None
    client_id: str | None = None
    scopes: str | None = None
    audience: str | None = None


class AboutBody(_Answer):
    """What a backend is, without a token: from contract 1.1 on."""

    service: Literal["rejoin-backend"] = "rejoin-backend"
    contract: int = CONTRACT_VERSION
    contract_minor: int = CONTRACT_MINOR
    sign_in: list[SignInBody]
    applications: list[str]
    icon: str | None = Field(default=None, repr=False)
    """What clients show for the studio's game: a square PNG of at most 16 KiB, in base64; from
    contract 1.3 on."""


class ProblemCode(enum.StrEnum):
    """The codes of problems. A client must accept codes that it does not know."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    THROTTLED = "THROTTLED"
    CONFLICT = "CONFLICT"
    STALE_ATTEMPT = "STALE_ATTEMPT"
    IN_FLIGHT = "IN_FLIGHT"
    REUSED_OFFER = "REUSED_OFFER"
    INVALID_REQUEST = "INVALID_REQUEST"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    SERVICE_TIMEOUT = "SERVICE_TIMEOUT"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    BUDGET_TOO_SMALL = "BUDGET_TOO_SMALL"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """The properties of a problem code."""

    http_status: int
    retryable: bool
    title: str


PROBLEMS: Final[dict[ProblemCode, ProblemKind]] = {
    ProblemCode.UNAUTHENTICATED: ProblemKind(401, False, "The bearer token is not valid"),
    ProblemCode.FORBIDDEN: ProblemKind(403, False, "Not allowed"),
    ProblemCode.SESSION_NOT_FOUND: ProblemKind(404, False, "No such stream session"),
    ProblemCode.THROTTLED: ProblemKind(429, True, "Too many requests"),
    ProblemCode.CONFLICT: ProblemKind(409, True, "The stream session's status does not allow it"),
    ProblemCode.STALE_ATTEMPT: ProblemKind(409, False, "A newer attempt exists"),
    ProblemCode.IN_FLIGHT: ProblemKind(409, True, "Another attempt is still being made"),
    ProblemCode.REUSED_OFFER: ProblemKind(409, False, "This offer or token was used before"),
    ProblemCode.INVALID_REQUEST: ProblemKind(400, False, "The request is not valid"),
    ProblemCode.SERVICE_UNAVAILABLE: ProblemKind(503, True, "The streaming service failed"),
    ProblemCode.SERVICE_TIMEOUT: ProblemKind(504, True, "The streaming service took too long"),
    ProblemCode.STORE_UNAVAILABLE: ProblemKind(503, True, "The backend's database failed"),
    ProblemCode.BUDGET_TOO_SMALL: ProblemKind(400, True, "The client's budget is too small"),
    ProblemCode.INTERNAL: ProblemKind(500, True, "The backend failed"),
}
"""HTTP status, default of `retryable`, title."""


class ProblemBody(_Answer):
    """Problem details (RFC 9457); ours are `code`, `retryable`, `session_status`, `place` and
    `turn_in_s`."""

    type: str = Field(default="about:blank", description="A URN per code.")
    title: str = ""
    status: int = Field(default=0, description="The HTTP status again.")
    detail: str = ""
    code: str = Field(default="", description="One of ProblemCode; more may appear.")
    retryable: bool | None = Field(
        default=None, description="Whether the same bytes may succeed later."
    )
    session_status: str | None = Field(
        default=None, description="The service's status when the backend knows it."
    )
    place: Place = Field(
        default=None,
        description="Of those who wait to be let in again, or for a start, 1 for the next one; an "
        "estimate. It is kept until 2 s after the time at which Retry-After lets the client ask "
        "again.",
    )
    turn_in_s: TurnInSeconds = Field(
        default=None, description="About when the turn comes; an estimate, new with each answer."
    )


def problem(
    code: ProblemCode,
    detail: str,
    *,
    http_status: int | None = None,
    retryable: bool | None = None,
    session_status: str | None = None,
    place: int | None = None,
    turn_in_s: float | None = None,
) -> ProblemBody:
    """A problem of this code; `detail` is one sentence that quotes nothing of the request."""
    kind = PROBLEMS[code]
    return ProblemBody(
        type=f"urn:rejoin:problem:{code.lower().replace('_', '-')}",
        title=kind.title,
        status=http_status or kind.http_status,
        detail=detail,
        code=code,
        retryable=kind.retryable if retryable is None else retryable,
        session_status=session_status,
        place=place,
        turn_in_s=turn_in_s,
    )
