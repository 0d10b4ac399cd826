"""What can happen to a client: past tense, each with the number of what it belongs to.

The driver posts them; `session.step` alone decides what they mean. An event whose connection or
attempt is no longer current changes nothing (it is counted, never raised).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    HardEvidence,
    SessionView,
)
from rejoin.core.retry import Failure
from rejoin.core.ticket import RejoinState

# --- what the player does (source: GUI or command line) -----------------------------------------


@dataclass(frozen=True, slots=True)
class StartRequested:
    """The player wants a new game."""


@dataclass(frozen=True, slots=True)
class RejoinRequested:
    """The player wants back into the game that a ticket is for; `seat` as of this boot."""

    seat: RejoinState


@dataclass(frozen=True, slots=True)
class TryNowRequested:
    """The player does not want to wait for the next try."""


@dataclass(frozen=True, slots=True)
class CloseForNowRequested:
    """The player leaves; the game may go on without them."""


@dataclass(frozen=True, slots=True)
class EndGameRequested:
    """The player confirmed that the game shall end (a host costs money)."""


# --- what the rtc side reports (source: rtc/peer through the driver) ----------------------------


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A fresh offer exists; `sha256` is the hex digest of its SignalRequest."""

    connection: ConnectionNumber
    sha256: str
    signal_request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The peer could not make an offer (no sockets, library failure)."""

    connection: ConnectionNumber
    detail: str


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """The codec or the peer refused the SignalResponse; `detail` names the rule, not the SDP."""

    connection: ConnectionNumber
    detail: str


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """ICE and DTLS are up."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """ICE or DTLS gave up, or the connection broke before its first frame."""

    connection: ConnectionNumber
    detail: str


@dataclass(frozen=True, slots=True)
class InputOpened:
    """The input channel of this connection is open."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class ControlsKnown:
    """Whether the host speaks our input protocol: it greeted (`known`), or did not within 1 s
    of the channel's opening (then the window says "View only")."""

    connection: ConnectionNumber
    known: bool


@dataclass(frozen=True, slots=True)
class FirstFrameDecoded:
    """The first picture of this connection came out of the decoder."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class Sampled:
    """Fifty milliseconds of a connection in numbers."""

    connection: ConnectionNumber
    sample: ConnectionSample


@dataclass(frozen=True, slots=True)
class HardEvidenceSeen:
    """The connection is gone for a reason that needs no silence."""

    connection: ConnectionNumber
    evidence: HardEvidence
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GoodbyeSaid:
    """RTCP BYE, SCTP abort and DTLS close went out on the old connection; it is silent now."""

    connection: ConnectionNumber


# --- what the backend says (source: signaling/client through the driver) ------------------------


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The backend accepted the start; `view` may already hold the answer."""

    attempt: AttemptNumber
    asked_at: float
    view: SessionView


@dataclass(frozen=True, slots=True)
class StartFailed:
    attempt: AttemptNumber
    failure: Failure


@dataclass(frozen=True, slots=True)
class StatusArrived:
    """A status look finished; `asked_at` is when our request for it started."""

    asked_at: float
    view: SessionView


@dataclass(frozen=True, slots=True)
class StatusFailed:
    asked_at: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class RequestWritten:
    """The create request's bytes were written to a socket: from now on healing cannot cancel."""

    attempt: AttemptNumber
    try_number: int


@dataclass(frozen=True, slots=True)
class AnswerArrived:
    """The backend returned the SignalResponse for this attempt's offer."""

    attempt: AttemptNumber
    try_number: int
    asked_at: float
    signal_response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReconnectFailed:
    attempt: AttemptNumber
    try_number: int
    asked_at: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class SessionTerminated:
    """The backend confirmed the end of the game."""


@dataclass(frozen=True, slots=True)
class TerminateFailed:
    failure: Failure


# --- what the machine says (source: runtime) ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class NetworkLost:
    """No interface with a route is left."""


@dataclass(frozen=True, slots=True)
class NetworkFound:
    """The network came back or changed."""


@dataclass(frozen=True, slots=True)
class Woke:
    """The machine slept for `asleep_s`."""

    asleep_s: float


@dataclass(frozen=True, slots=True)
class WakeupDue:
    """The time that `next_wakeup` named has come."""


Event = (
    StartRequested
    | RejoinRequested
    | TryNowRequested
    | CloseForNowRequested
    | EndGameRequested
    | OfferMade
    | OfferFailed
    | AnswerRefused
    | ConnectionOpened
    | ConnectionFailed
    | InputOpened
    | ControlsKnown
    | FirstFrameDecoded
    | Sampled
    | HardEvidenceSeen
    | GoodbyeSaid
    | SessionStarted
    | StartFailed
    | StatusArrived
    | StatusFailed
    | RequestWritten
    | AnswerArrived
    | ReconnectFailed
    | SessionTerminated
    | TerminateFailed
    | NetworkLost
    | NetworkFound
    | Woke
    | WakeupDue
)
