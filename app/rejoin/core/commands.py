"""Commands of the engine: imperative, and carried out by `runtime/executor` alone.

A command has no return value: its result, a failure included, arrives as an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rejoin.core.model import AttemptNumber, ConnectionNumber, Ending, SessionId
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import Status


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Create a fresh peer and its SignalRequest. Result: OfferMade or OfferFailed."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class StartSession:
    """Request a new game from the backend. Result: SessionStarted or StartFailed.

    `token`: the attempt's idempotency token, 32 to 128 characters.
    `budget_s`: how long the whole call may take.
    """

    attempt: AttemptNumber
    connection: ConnectionNumber
    token: str = field(repr=False)
    budget_s: float
    signal_request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PollStatus:
    """Poll the status of the session. Result: StatusArrived or StatusFailed.

    A long poll: the backend answers as soon as the status differs from `known`, or after `wait_s`;
    with `known` None it answers at once. The poll starts in `after_s`. A newer PollStatus replaces
    an older one.
    """

    session_id: SessionId
    known: Status | None
    wait_s: float
    budget_s: float
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Request a reconnect. RequestWritten, then AnswerArrived or ReconnectFailed.

    `shown_deadline_at`: the deadline that the player sees (boot time), None where it is not known;
    `latest_deadline_at`: the last moment at which the service may accept us. A backend that cannot
    serve everybody at once orders its queue by them.
    """

    session_id: SessionId
    attempt: AttemptNumber
    try_number: int
    connection: ConnectionNumber
    token: str = field(repr=False)
    budget_s: float
    shown_deadline_at: float | None
    latest_deadline_at: float
    signal_request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshSignIn:
    """Get a new sign-in token; the next call waits for it."""


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """Pass the answer to the peer. Result: ConnectionOpened, ConnectionFailed or AnswerRefused."""

    connection: ConnectionNumber
    signal_response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestKeyFrame:
    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class StartChecks:
    """Send connectivity checks (our own STUN transactions) until StopChecks or close."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class StopChecks:
    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class Mute:
    """Send nothing but connectivity checks on this connection."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class Unmute:
    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """RTCP BYE, SCTP abort, DTLS close, `times` times, then silence. Result: GoodbyeSaid."""

    connection: ConnectionNumber
    times: int


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the peer and free all it holds; its events are stale from now on."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class ShowConnection:
    """Show this connection's picture, and play its sound."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class AttachInput:
    """Attach the input module to this live connection; after a suspension attach it again, so that
    the host learns which keys were released meanwhile. Result: InputModuleKnown, as soon as there
    is a module."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class SuspendInput:
    """Drop the input module's messages on this connection until AttachInput."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class SaveTicket:
    """Save the ticket for a rejoin. A Reconnect that follows goes out after it is written.

    No result: if the disk refuses, the player is informed and the game goes on.
    """

    state: RejoinState


@dataclass(frozen=True, slots=True)
class DeleteTicket:
    """Delete the ticket: this game cannot be rejoined any more."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class TerminateSession:
    """End the game at the service. Result: SessionTerminated or TerminateFailed."""

    session_id: SessionId
    budget_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The game is over for this client: stop timers and calls. The engine's last command."""

    ending: Ending


Command = (
    MakeOffer
    | StartSession
    | PollStatus
    | Reconnect
    | RefreshSignIn
    | ApplyAnswer
    | RequestKeyFrame
    | StartChecks
    | StopChecks
    | Mute
    | Unmute
    | SayGoodbye
    | CloseConnection
    | ShowConnection
    | AttachInput
    | SuspendInput
    | SaveTicket
    | DeleteTicket
    | TerminateSession
    | Finish
)
