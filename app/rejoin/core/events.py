"""What can happen to a client: past tense, each with the number of its connection or attempt.

`runtime` posts events; `engine.step` alone decides what they mean. An event of a connection or an
attempt that is no longer current changes nothing: it is counted as stale, and is not an error.

Each event belongs to one group, a base class: what the player does (`PlayerEvent`), what one peer
connection reports (`ConnectionEvent`), what became of a call to the backend (`AttemptEvent`,
`StatusEvent`, `TerminationEvent`), and what the machine does (`MachineEvent`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    HardEvidence,
    NoInput,
    SessionView,
)
from rejoin.core.retry import Failure
from rejoin.core.ticket import RejoinState
from rejoin.core.verdict import Findings

# --- what the player does (source: window or command line) ----------------------------------------


@dataclass(frozen=True, slots=True)
class PlayerEvent:
    """The player did something."""


@dataclass(frozen=True, slots=True)
class StartRequested(PlayerEvent):
    """Start a new game."""


@dataclass(frozen=True, slots=True)
class RejoinRequested(PlayerEvent):
    """Rejoin the game of a ticket. `state`: with the times of this boot."""

    state: RejoinState


@dataclass(frozen=True, slots=True)
class TryNowRequested(PlayerEvent):
    """Start the next try now."""


@dataclass(frozen=True, slots=True)
class ReconnectRequested(PlayerEvent):
    """Give up the live connection, whose picture stands still, and make a new one."""


@dataclass(frozen=True, slots=True)
class CloseForNowRequested(PlayerEvent):
    """Leave; the game may go on without the player."""


@dataclass(frozen=True, slots=True)
class EndGameRequested(PlayerEvent):
    """End the game, confirmed by the player. A running host costs money."""


# --- what a peer connection reports (source: rtc/peer through runtime/connections) ----------------


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """Something happened to this connection."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class OfferMade(ConnectionEvent):
    """A fresh offer exists; `sha256` is the hex digest of its SignalRequest."""

    sha256: str
    signal_request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfferFailed(ConnectionEvent):
    """The peer could not make an offer (no sockets, library failure)."""

    detail: str


@dataclass(frozen=True, slots=True)
class AnswerRefused(ConnectionEvent):
    """The codec or the peer refused the SignalResponse; `detail` names the rule, not the SDP."""

    detail: str


@dataclass(frozen=True, slots=True)
class FirstPacketArrived(ConnectionEvent):
    """The first authenticated packet from the host arrived: the path to it is not blocked."""


@dataclass(frozen=True, slots=True)
class VideoRefused(ConnectionEvent):
    """The video is of a kind that this client does not decode; no frame was shown. `detail`: which,
    in a few words."""

    detail: str


@dataclass(frozen=True, slots=True)
class ConnectionOpened(ConnectionEvent):
    """ICE and DTLS are up."""


@dataclass(frozen=True, slots=True)
class ConnectionFailed(ConnectionEvent):
    """ICE or DTLS gave up, or the connection broke before its first frame."""

    detail: str


@dataclass(frozen=True, slots=True)
class InputOpened(ConnectionEvent):
    """The input channel of this connection is open."""


@dataclass(frozen=True, slots=True)
class InputUnavailable(ConnectionEvent):
    """This connection will have no input channel: the answer has no usable data section, or the
    host ended the data channels before one was open. The game can be watched."""


@dataclass(frozen=True, slots=True)
class InputModuleKnown(ConnectionEvent):
    """Whether an input module turns what the player does into messages of this connection.
    `missing`: why there is none, and then the window says "View only"; None: it is attached."""

    missing: NoInput | None


@dataclass(frozen=True, slots=True)
class MessageSent(ConnectionEvent):
    """The input module got an application message to send. `size`: in bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class MessageReceived(ConnectionEvent):
    """The input module passed an application message of the game on. `size`: in bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class FirstFrameDecoded(ConnectionEvent):
    """The first frame of this connection came out of the decoder."""


@dataclass(frozen=True, slots=True)
class Sampled(ConnectionEvent):
    """Statistics of the last fifty milliseconds of a connection."""

    sample: ConnectionSample


@dataclass(frozen=True, slots=True)
class HardEvidenceSeen(ConnectionEvent):
    """There is evidence that the connection is gone; there is no need to wait for silence."""

    evidence: HardEvidence
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GoodbyeSaid(ConnectionEvent):
    """RTCP BYE, SCTP abort and DTLS close were sent on the old connection; it sends no more."""


# --- what the backend answered (source: runtime/backend_calls) ------------------------------------


@dataclass(frozen=True, slots=True)
class AttemptEvent:
    """A call of this attempt made progress."""

    attempt: AttemptNumber


@dataclass(frozen=True, slots=True)
class SessionStarted(AttemptEvent):
    """The backend accepted the start; `view` may already hold the answer.

    `requested_at`: when our request for it started.
    """

    requested_at: float
    view: SessionView


@dataclass(frozen=True, slots=True)
class StartFailed(AttemptEvent):
    failure: Failure


@dataclass(frozen=True, slots=True)
class RequestWritten(AttemptEvent):
    """The create request was written to a socket: from now on it cannot be cancelled."""

    try_number: int


@dataclass(frozen=True, slots=True)
class AnswerArrived(AttemptEvent):
    """The backend returned the SignalResponse for this attempt's offer."""

    try_number: int
    requested_at: float
    signal_response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReconnectFailed(AttemptEvent):
    try_number: int
    requested_at: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A status poll finished; `requested_at` is when our request for it started."""

    requested_at: float


@dataclass(frozen=True, slots=True)
class StatusArrived(StatusEvent):
    view: SessionView


@dataclass(frozen=True, slots=True)
class StatusFailed(StatusEvent):
    failure: Failure


@dataclass(frozen=True, slots=True)
class TerminationEvent:
    """The call to end the game finished."""


@dataclass(frozen=True, slots=True)
class SessionTerminated(TerminationEvent):
    """The backend confirmed the end of the game."""


@dataclass(frozen=True, slots=True)
class TerminateFailed(TerminationEvent):
    failure: Failure


# --- what the machine does (source: runtime) ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MachineEvent:
    """Something happened to the machine or its clock."""


@dataclass(frozen=True, slots=True)
class NetworkLost(MachineEvent):
    """No interface with a route is left."""


@dataclass(frozen=True, slots=True)
class NetworkFound(MachineEvent):
    """The network came back or changed."""


@dataclass(frozen=True, slots=True)
class Woke(MachineEvent):
    """The machine slept for `asleep_s`."""

    asleep_s: float


@dataclass(frozen=True, slots=True)
class ProbesFinished(MachineEvent):
    """One round of probes is over, which run beside an episode to find out whose fault it is."""

    findings: Findings


@dataclass(frozen=True, slots=True)
class WakeupDue(MachineEvent):
    """The time that `next_wakeup` returned has come."""


Event = (
    StartRequested
    | RejoinRequested
    | TryNowRequested
    | ReconnectRequested
    | CloseForNowRequested
    | EndGameRequested
    | OfferMade
    | OfferFailed
    | AnswerRefused
    | FirstPacketArrived
    | VideoRefused
    | ConnectionOpened
    | ConnectionFailed
    | InputOpened
    | InputUnavailable
    | InputModuleKnown
    | MessageSent
    | MessageReceived
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
    | ProbesFinished
    | WakeupDue
)
