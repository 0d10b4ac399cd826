"""The states of the reconnect engine: what a client can be in, and what it knows throughout.

A phase says what is awaited and until when; the facts outlive phases. `session.step` alone makes
new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rejoin.core.deadline import Window
from rejoin.core.health import Health
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Ending,
    HardEvidence,
    SessionId,
)
from rejoin.core.retry import Action, FailureKind
from rejoin.service_model.status import Status, StatusReason


@dataclass(frozen=True, slots=True)
class Episode:
    """From drop to live again or to the end.

    `old`: the dropped connection while its peer is still open. `bound_at`: since when the service
    may have accepted an offer of this episode (Rule 2). `goodbye_at`: when goodbye was said.
    `given_up_at`: since when the service is known to have given the old connection up.
    `told`: it was hard evidence and no silence. `failures`: failed tries so far, for the backoff.
    `unsettled`: how many of them nobody knows the outcome of. `seen`: kinds of failure that may
    happen once an episode.
    """

    number: int
    dropped_at: float
    lost_at: float
    old: ConnectionNumber | None
    bound_at: float | None = None
    goodbye_at: float | None = None
    given_up_at: float | None = None
    told: HardEvidence | None = None
    refused_answers: int = 0
    failures: int = 0
    unsettled: int = 0
    seen: frozenset[FailureKind] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: the bytes that are sent, and what became of them so far.

    `counted`: tries that may have reached the service. `seen`: kinds of failure that may happen
    once an attempt.
    """

    connection: ConnectionNumber
    attempt: AttemptNumber
    token: str = field(repr=False)
    sha256: str
    signal_request: str = field(repr=False)
    tries: int = 0
    counted: int = 0
    seen: frozenset[FailureKind] = frozenset()


# --- the states ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was asked for yet."""


@dataclass(frozen=True, slots=True)
class StartOffering:
    """The first offer is being made."""

    connection: ConnectionNumber
    until_at: float


@dataclass(frozen=True, slots=True)
class StartRequesting:
    """The backend was asked for a new game."""

    ask: Attempt
    until_at: float


@dataclass(frozen=True, slots=True)
class StartBackoff:
    """The start failed in a way that may pass; the same request goes again at `until_at`."""

    ask: Attempt
    until_at: float


@dataclass(frozen=True, slots=True)
class Placing:
    """The service looks for a host; the status is long-polled until the answer is there."""

    ask: Attempt
    started_at: float
    until_at: float
    asked_at: float
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Connecting:
    """An answer was applied: ICE, DTLS, the first frame and the input channel are awaited.

    `episode` is None at the start of a game. `create_asked_at` is when the call that brought the
    answer was sent: the second window cannot have begun before it.
    """

    connection: ConnectionNumber
    episode: Episode | None
    create_asked_at: float
    until_at: float
    opened_at: float | None = None
    framed_at: float | None = None
    input_at: float | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """The player plays. `health` is everything from HEALTHY to NO_MEDIA."""

    connection: ConnectionNumber
    until_at: float
    since_at: float
    checking_since_at: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is lost, reversibly: it may heal, or be committed to a reconnect."""

    episode: Episode
    until_at: float


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The old connection is being told goodbye; then the fresh offer."""

    episode: Episode
    until_at: float


@dataclass(frozen=True, slots=True)
class Offering:
    """A fresh offer is being made."""

    episode: Episode
    connection: ConnectionNumber
    until_at: float


@dataclass(frozen=True, slots=True)
class Requesting:
    """A create request is in flight. `written_at`: its bytes were written to a socket."""

    episode: Episode
    ask: Attempt
    asked_at: float
    until_at: float
    written_at: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something stands between us and the next try: a backoff, the service, or the network.

    At `until_at` the `then` is done, and never before `not_before_at`, which a Retry-After set.
    `ask` is the attempt whose bytes may go again, or whose answer a look may recover.
    `unreachable_since_at`: the backend did not answer our last look; `portal_since_at`: something
    else answered in its place.
    """

    episode: Episode
    then: Action
    until_at: float
    ask: Attempt | None
    not_before_at: float = 0.0
    unreachable_since_at: float | None = None
    portal_since_at: float | None = None


@dataclass(frozen=True, slots=True)
class ConfirmingEnd:
    """Too late for another try (Rule 9): the status is asked until the latest deadline."""

    episode: Episode
    until_at: float
    asked_at: float
    fallback: Ending


@dataclass(frozen=True, slots=True)
class TerminatingSession:
    """The player ends the game; the backend was asked to, or will be again at `again_at`."""

    ending: Ending
    until_at: float
    tries: int
    again_at: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over, and why."""

    ending: Ending


Phase = (
    Idle
    | StartOffering
    | StartRequesting
    | StartBackoff
    | Placing
    | Connecting
    | Live
    | Lost
    | Goodbye
    | Offering
    | Requesting
    | Waiting
    | ConfirmingEnd
    | TerminatingSession
    | Ended
)


@dataclass(frozen=True, slots=True)
class Returned:
    """The player came back with a ticket: when, and the highest number used before."""

    at: float
    attempt: AttemptNumber


@dataclass(frozen=True, slots=True)
class Facts:
    """What outlives a phase.

    `heard_attempt`: highest number that the backend told of. `kept_at`: when the ticket was
    written last.
    """

    connections: int = 0
    attempts: int = 0
    episodes: int = 0
    session_id: SessionId | None = None
    returned: Returned | None = None
    heard_attempt: AttemptNumber | None = None
    kept_at: float | None = None
    status: Status | None = None
    reason: StatusReason | None = None
    refused_sign_ins: int = 0
    window: Window = field(default_factory=Window)
    health: Health | None = None
    sample: ConnectionSample | None = None
    shown: ConnectionNumber | None = None
    latencies_s: tuple[float, ...] = ()
    offline_since_at: float | None = None
    controls_known: tuple[ConnectionNumber, bool] | None = None
    input_opened: ConnectionNumber | None = None
    back_at: float | None = None
    expired_asleep: tuple[float, float] | None = None
    """(woke at, slept for): a terminal status heard next was reached while asleep."""
    stale_events: int = 0


@dataclass(frozen=True, slots=True)
class State:
    phase: Phase = field(default_factory=Idle)
    facts: Facts = field(default_factory=Facts)
