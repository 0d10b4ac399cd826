"""What to do when a call to the backend fails: one table, used by the engine and the docs.

The table is reconnect.md's "Retries". A `Failure` is one finished try without an answer;
`RULES` says what each kind means, `backoff_s` how long to wait. Random numbers are passed in.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from rejoin.core.model import EndingKind, Policy


class FailureKind(enum.Enum):
    """One row of the table; `signaling/client` classifies a failure, the engine acts on it."""

    UNAUTHENTICATED = "unauthenticated"  # 401
    FORBIDDEN = "forbidden"  # 403 of the backend or AccessDenied of the service
    NOT_FOUND = "not_found"  # 404 ResourceNotFound
    THROTTLED = "throttled"  # 429
    QUEUED = "queued"  # 429 of a reconnect that has a place in the backend's queue
    OUTCOME_UNKNOWN = "outcome_unknown"  # 5xx, read time-out, reset after send, broken 2xx
    CONFLICT = "conflict"  # 409: the session is in a state that does not allow it
    STALE_ATTEMPT = "stale_attempt"  # 409 STALE_ATTEMPT: a newer attempt exists
    REUSED_OFFER = "reused_offer"  # 409: this offer or token was used for something else
    INVALID = "invalid"  # 400 and other 4xx
    NOT_SENT = "not_sent"  # refused before sending, DNS, no route, connect time-out
    TLS = "tls"  # the server could not prove that it is the backend: nothing was sent to it
    NOT_BACKEND = (
        "not_backend"  # redirect, HTML, wrong type, over 256 KiB: captive portal or mistake
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A try without an answer.

    `session_status`: the service's status, if the problem document reported it (a raw string).
    `retry_after_s`: from a Retry-After header. `place`, `turn_in_s`: only with QUEUED: the place in
    the backend's queue, from 1, and its estimate of the time until our turn. `detail`: one safe
    sentence, no secrets.
    """

    kind: FailureKind
    http_status: int | None = None
    code: str = ""
    retryable: bool | None = None
    retry_after_s: float | None = None
    session_status: str | None = None
    place: int | None = None
    turn_in_s: float | None = None
    detail: str = ""


UNREACHED = frozenset(
    {
        FailureKind.NOT_SENT,
        FailureKind.OUTCOME_UNKNOWN,
        FailureKind.NOT_BACKEND,
        FailureKind.TLS,
    }
)
"""Failures in which the backend itself did not answer."""

NOT_REACHED = frozenset({FailureKind.NOT_SENT, FailureKind.NOT_BACKEND, FailureKind.TLS})
"""Failures after which the backend certainly knows nothing of the call."""

NO_ANSWER = Failure(FailureKind.OUTCOME_UNKNOWN, detail="No answer came in time.")
"""A call that was not answered in time counts as this failure."""

Draw = Callable[[], float]
"""A random number in [0, 1), passed in by the caller of the engine."""


class Action(enum.Enum):
    """What to do about a failed try of a reconnect."""

    SAME_BYTES = "same_bytes"  # wait, then the identical request with the identical token
    NEW_OFFER = "new_offer"  # wait, then a fresh offer: a new attempt with a new token
    POLL_STATUS = "poll_status"  # the status may hold the lost answer
    WAIT_FOR_SERVICE = (
        "wait_for_service"  # the service has not noticed the drop: long-poll the status
    )
    REFRESH_SIGN_IN = "refresh_sign_in"  # new sign-in, then the identical request at once
    END = "end"


class Wait(enum.Enum):
    """Which backoff comes before the action."""

    NONE = "none"
    TURN = "turn"  # until the backend's Retry-After, and no longer: the place would lapse
    USUAL = "usual"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what to do the first time in an attempt, and what to do when it happens again.

    `per_episode`: "again" counts over the whole episode, not only within the attempt.
    `maybe_received`: the try may have reached the service, so it counts towards the two tries of
    the same request. `refused_for_certain`: the service certainly did not accept the offer, so the
    old connection may still heal.
    """

    first: Action
    again: Action
    wait: Wait
    ending: EndingKind | None = None
    maybe_received: bool = True
    refused_for_certain: bool = True
    per_episode: bool = False


RULES: dict[FailureKind, Rule] = {
    FailureKind.UNAUTHENTICATED: Rule(
        Action.REFRESH_SIGN_IN,
        Action.END,
        Wait.NONE,
        EndingKind.SIGN_IN_NEEDED,
        maybe_received=False,
        per_episode=True,
    ),
    FailureKind.FORBIDDEN: Rule(Action.END, Action.END, Wait.NONE, EndingKind.NOT_ALLOWED),
    FailureKind.NOT_FOUND: Rule(
        Action.POLL_STATUS, Action.END, Wait.NONE, EndingKind.NOT_FOUND, per_episode=True
    ),
    FailureKind.THROTTLED: Rule(
        Action.SAME_BYTES, Action.SAME_BYTES, Wait.THROTTLED, EndingKind.BUSY, maybe_received=False
    ),
    FailureKind.QUEUED: Rule(
        Action.SAME_BYTES, Action.SAME_BYTES, Wait.TURN, EndingKind.BUSY, maybe_received=False
    ),
    FailureKind.OUTCOME_UNKNOWN: Rule(
        Action.SAME_BYTES, Action.POLL_STATUS, Wait.USUAL, refused_for_certain=False
    ),
    FailureKind.CONFLICT: Rule(Action.POLL_STATUS, Action.POLL_STATUS, Wait.NONE),
    FailureKind.STALE_ATTEMPT: Rule(
        Action.END, Action.END, Wait.NONE, EndingKind.CONTINUED_ELSEWHERE
    ),
    FailureKind.REUSED_OFFER: Rule(Action.NEW_OFFER, Action.NEW_OFFER, Wait.USUAL),
    FailureKind.INVALID: Rule(
        Action.POLL_STATUS, Action.END, Wait.NONE, EndingKind.OFFER_REFUSED, per_episode=True
    ),
    FailureKind.NOT_SENT: Rule(
        Action.SAME_BYTES, Action.SAME_BYTES, Wait.USUAL, maybe_received=False
    ),
    # In an episode this may be the sign-in page of another network, which is gone in a moment. A
    # start ends (`engine.starting`).
    FailureKind.TLS: Rule(
        Action.SAME_BYTES,
        Action.SAME_BYTES,
        Wait.USUAL,
        maybe_received=False,
    ),
    FailureKind.NOT_BACKEND: Rule(
        Action.SAME_BYTES,
        Action.SAME_BYTES,
        Wait.USUAL,
        maybe_received=False,
        refused_for_certain=False,
    ),
}
"""What a reconnect does after each kind of failure. After a conflict the session's status decides:
`on_conflict`."""


def on_conflict(status: str | None) -> Action:
    """What a 409 means, by the session's status if it is known."""
    match status:
        case "CONNECTED":
            return Action.WAIT_FOR_SERVICE
        case "ACTIVE" | "PENDING_CLIENT_RECONNECTION":
            return Action.NEW_OFFER
        case _:
            return Action.POLL_STATUS


def terminate_pause_s(tries: int, policy: Policy, draw: Draw) -> float:
    """The pause before the next call that ends a game; `tries`: calls so far, from 1. At least half
    of its bound, since calls are useless while the backend is away."""
    exponent = min(tries - 1, 16)
    bound_s = min(policy.terminate_every_s, 2 * policy.poll_pause_s * 2.0**exponent)
    return bound_s * (0.5 + 0.5 * draw())


def backoff_s(wait: Wait, failures: int, policy: Policy, draw: Draw) -> float:
    """How long to wait before try number `failures` + 1: full jitter, U(0, min(cap, base 2^n)).

    `failures` is the number of earlier failures, from 0. After throttling the wait is at least half
    of its bound, as the backend asks for less traffic.
    """
    exponent = min(failures, 16)
    match wait:
        case Wait.NONE:
            return 0.0
        case Wait.TURN:
            return policy.turn_ask_s + draw() * policy.turn_spread_s
        case Wait.USUAL:
            return draw() * min(policy.backoff_cap_s, policy.backoff_base_s * 2.0**exponent)
        case Wait.THROTTLED:
            bound_s = min(policy.throttle_cap_s, policy.throttle_base_s * 2.0**exponent)
            return bound_s * (0.5 + 0.5 * draw())
