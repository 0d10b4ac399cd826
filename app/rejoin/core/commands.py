"""What the engine wants done: imperative, carried out by `runtime/driver` and nobody else.

Every failure of a command comes back as an event; a command never answers by return value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rejoin.core.model import AttemptNumber, ConnectionNumber, Ending, SessionId
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import Status


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Create a fresh peer and its SignalRequest. Comes back as OfferMade or OfferFailed."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class StartSession:
    """Ask the backend for a new game. SessionStarted or StartFailed.

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
    """Look at the session. StatusArrived or StatusFailed.

    The backend answers as soon as the status is no longer `known` or after `wait_s`; `known` None
    asks for an answer at once. `after_s` delays the look. A newer PollStatus replaces an older one.
    """

    session_id: SessionId
    known: Status | None
    wait_s: float
    budget_s: float
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Ask the backend for a reconnect. RequestWritten, then AnswerArrived or ReconnectFailed."""

    session_id: SessionId
    attempt: AttemptNumber
    try_number: int
    connection: ConnectionNumber
    token: str = field(repr=False)
    budget_s: float
    signal_request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshSignIn:
    """Get a new sign-in token before the next call (the next call waits for it)."""


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """Give the peer its answer. ConnectionOpened or ConnectionFailed or AnswerRefused."""

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
    """Send nothing on this connection but checks."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class Unmute:
    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """RTCP BYE, SCTP abort, DTLS close, `times` times, then silence. Comes back as GoodbyeSaid."""

    connection: ConnectionNumber
    times: int


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the peer and free all it holds; its events are void from now on."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class ShowConnection:
    """From now on the picture and the controls belong to this connection."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class SaveTicket:
    """Write down what a later life needs. A Reconnect that follows goes out after it is written.

    Nothing comes back: a disk that refuses is told to the player and does not stop the game.
    """

    state: RejoinState


@dataclass(frozen=True, slots=True)
class DeleteTicket:
    """This game cannot be rejoined any more; forget what was written of it."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class TerminateSession:
    """End the game at the service. Terminated or TerminateFailed."""

    session_id: SessionId
    budget_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """It is over: stop timers and calls. The last command of a life."""

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
    | SaveTicket
    | DeleteTicket
    | TerminateSession
    | Finish
)
