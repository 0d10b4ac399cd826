"""What the backend needs of a streaming service: five calls, and how they fail.

`backend/aws` implements it with boto3, tests in memory. Nothing here knows HTTP.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from rejoin.errors import ServiceError


class ServiceFault(enum.Enum):
    """How a call to the service failed, and whether it may have had an effect."""

    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    """Nothing happened: never sent, or refused before it was processed."""
    MISCONFIGURED = "misconfigured"
    """Nothing happened, and another try will not help: credentials, Region, endpoint, TLS."""
    FAILED = "failed"
    """The service failed (5xx, broken answer): it may or may not have happened."""
    TIMED_OUT = "timed_out"
    """No answer in time: it may or may not have happened."""

    @property
    def outcome_known(self) -> bool:
        """Whether it is certain that the call changed nothing."""
        return self not in (ServiceFault.FAILED, ServiceFault.TIMED_OUT)


SENTENCES: Final[Mapping[ServiceFault, str]] = {
    ServiceFault.ACCESS_DENIED: "The streaming service does not allow this.",
    ServiceFault.NOT_FOUND: "The streaming service does not know this stream session.",
    ServiceFault.THROTTLED: "The streaming service asks for fewer requests.",
    ServiceFault.CONFLICT: "The stream session's status does not allow this.",
    ServiceFault.INVALID: "The streaming service refused the request as not valid.",
    ServiceFault.UNAVAILABLE: "The streaming service could not be reached.",
    ServiceFault.MISCONFIGURED: "The backend is not set up to use the streaming service.",
    ServiceFault.FAILED: "The streaming service failed.",
    ServiceFault.TIMED_OUT: "The streaming service did not answer in time.",
}
"""How a call failed, for a person."""


class StreamServiceError(ServiceError):
    """A call to the streaming service failed. Its text names the fault, never what was sent."""

    code = "stream_service"

    def __init__(
        self, fault: ServiceFault, sentence: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class StreamId:
    """A stream session as the service identifies it: each field is an id or an ARN."""

    stream_group: str
    stream_session: str


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """What the service reports of a stream session; statuses are raw strings."""

    status: str
    reason: str | None = None
    connection_timeout_s: float | None = None
    session_ends_in_s: float | None = None
    signal_request: str | None = field(default=None, repr=False)
    signal_response: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StartedStream:
    """A stream session that the service accepted."""

    stream: StreamId
    status: StreamStatus


@dataclass(frozen=True, slots=True)
class ListedStream:
    """A stream session in the service's list. `user_id`: as it was started with; "" for none."""

    stream: StreamId
    status: str
    user_id: str


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of the list. `following`: the token of the next page, None after the last."""

    items: tuple[ListedStream, ...]
    following: str | None


class CallBudgets(Protocol):
    """Allows calls to the service (`budgets`)."""

    async def take_within(self, operation: str, seconds: float) -> bool:
        """Wait for a turn to call the service once; False if none comes in time. Raises
        StoreUnavailableError."""
        ...

    def throttled(self, operation: str) -> None:
        """The service has throttled a call."""
        ...


@runtime_checkable
class CallsMoreThanOnce(Protocol):
    """A service that makes second tries of its own."""

    def pays_with(self, budgets: CallBudgets) -> None:
        """Take a turn for each of them from now on."""
        ...


class StreamService(Protocol):
    """The streaming service. Every call ends within `budget_s` and raises only
    `StreamServiceError`. `token` is the ClientToken, the same in every try of one call.
    """

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        """Start a stream session of the named application (None: the configured default).

        `user_id`: what lists show of it; it identifies no person."""
        ...

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        """At most 100 stream sessions of the configured stream group that are listed with this
        status. `page`: None for the first one, else what the page before has as `following`.

        How old a list is, nobody says: it may be older than what `get_status` returned."""
        ...

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        """The stream session as it is now."""
        ...

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        """Connect a client again; returns the SignalResponse to its offer."""
        ...

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        """End the stream session."""
        ...
