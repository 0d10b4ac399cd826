"""The values of a client's call and its answer: caller, offer, report of the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from rejoin.backend.create_order import Claimed
from rejoin.backend.refused import Reason, RefusedError
from rejoin.signaling.wire import sha256_hex

NO_CLIENT_CONNECTION: Final = "NO_CLIENT_CONNECTION"
"""A SignalRequest with which the service starts a session that nobody plays (its API reference)."""
NOTHING_CLAIMED: Final = Claimed()


@dataclass(frozen=True, slots=True)
class Caller:
    """The player who calls, until when their client waits, and whether it has hung up."""

    owner_hash: str
    deadline_at: float
    gone: Callable[[], Awaitable[bool]]
    applications: frozenset[str] | None = None
    """Names of the applications that they may start; None for all."""

    def left_s(self, now: float) -> float:
        """How many seconds the client still waits; never less than 0."""
        return max(0.0, self.deadline_at - now)


@dataclass(frozen=True, slots=True)
class Offer:
    """One attempt of a client: its number, its offer, and the token that becomes ClientToken."""

    attempt: int
    signal_request: str = field(repr=False)
    token: str = field(repr=False)

    claimed: Claimed = NOTHING_CLAIMED
    """The client's own view of its window, with a reconnect."""

    @property
    def sha256(self) -> str:
        return sha256_hex(self.signal_request)

    def check(self) -> None:
        """Raises RefusedError for an offer with which the service would start, and bill, a session
        without a player."""
        if self.signal_request.strip() == NO_CLIENT_CONNECTION:
            raise RefusedError(Reason.FIELDS_INVALID, "signal_request: it must be an offer.")


@dataclass(frozen=True, slots=True)
class Remaining:
    """At least `at_least_s` of the window were left `age_s` ago."""

    at_least_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A stream session as its owner sees it. `signal_response` answers the SignalRequest with the
    hash `signal_request_sha256` and no other (Rule 4)."""

    session_id: str
    status: str
    reason: str | None
    connection_timeout_s: float | None
    session_ends_in_s: float | None
    remaining: Remaining | None
    attempt: int
    signal_request_sha256: str | None
    signal_response: str | None
