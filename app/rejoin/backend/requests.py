"""What a client's call brings, and what it gets: caller, offer, report of the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from rejoin.signaling.wire import sha256_hex


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, until when they wait for an answer, and whether they have hung up."""

    owner_hash: str
    deadline_at: float
    gone: Callable[[], Awaitable[bool]]
    applications: frozenset[str] | None = None
    """Names of those that they may start; None for all."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One attempt of a client: its number, its offer, and the token that becomes ClientToken."""

    attempt: int
    signal_request: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def sha256(self) -> str:
        return sha256_hex(self.signal_request)


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
