"""The states of the reconnect engine: phases, and the facts that outlive them.

A phase holds what the client is waiting for and until when (`until_at`); the `Facts` outlive
phases. Only `engine.step` makes new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rejoin.core.deadline import Window
from rejoin.core.health import Health
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Ending,
    HardEvidence,
    NoInput,
    Policy,
    SessionId,
    Turn,
)
from rejoin.core.retry import Action, FailureKind
from rejoin.core.verdict import Verdict
from rejoin.service_model.status import Status, StatusReason


@dataclass(frozen=True, slots=True)
class Episode:
    """From a drop until the player is live again, or until the end.

    `old`: the dropped connection, as long as it is open; None after a rejoin with a ticket.
    `offer_maybe_accepted_at`: since when the service may have accepted an offer of this episode;
    None again once it certainly refused them all (Rule 2).
    `goodbye_at`: when goodbye was said on the old connection.
    `service_released_at`: since when the service is known to consider the old connection gone.
    `cause`: the hard evidence that ended the old connection; None for silence.
    `refused_answers`: answers of the service that we could not use.
    `unknown_outcomes`: how many failed tries the service may have accepted. `failure_kinds`: kinds
    of failure so far; some may happen once per episode.
    """

    dropped_at: float
    lost_at: float
    old: ConnectionNumber | None
    offer_maybe_accepted_at: float | None = None
    goodbye_at: float | None = None
    service_released_at: float | None = None
    cause: HardEvidence | None = None
    refused_answers: int = 0
    unknown_outcomes: int = 0
    failure_kinds: frozenset[FailureKind] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One offer on its way to the service: the bytes to send, and how its tries went so far.

    `tries`: requests sent. `maybe_received`: those of them that may have reached the service.
    `failure_kinds`: kinds of failure so far; some may happen once per attempt. `turn`: its place in
    the backend's queue, once the backend named one; None again after any other outcome.
    """

    connection: ConnectionNumber
    number: AttemptNumber
    token: str = field(repr=False)
    sha256: str
    signal_request: str = field(repr=False)
    tries: int = 0
    maybe_received: int = 0
    failure_kinds: frozenset[FailureKind] = frozenset()
    turn: Turn | None = None

    def was_sent_as(self, number: AttemptNumber) -> bool:
        """Whether this is that attempt and a request of it was sent, so that it can be answered."""
        return self.number == number and self.tries > 0


# --- starting a game ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was requested yet."""


@dataclass(frozen=True, slots=True)
class StartOffering:
    """The first offer is being made."""

    connection: ConnectionNumber
    until_at: float


@dataclass(frozen=True, slots=True)
class StartRequesting:
    """The request for a new game is in flight to the backend."""

    attempt: Attempt
    until_at: float


@dataclass(frozen=True, slots=True)
class StartBackoff:
    """The start failed in a way that may pass, or there is no network.

    At `until_at` the attempt's identical request goes out, or a new offer is made if it is None.
    `not_before_at`: set by a Retry-After; nothing is sent earlier, whatever happens.
    """

    attempt: Attempt | None
    until_at: float
    not_before_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Placing:
    """The service is searching for a host; the status is polled until it brings the answer."""

    attempt: Attempt
    started_at: float
    until_at: float
    failures: int = 0


# --- connecting and playing -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connecting:
    """An answer was applied; ICE, DTLS, the first frame and the input channel are still to come.

    `episode` is None at the start of a game. `create_requested_at`: when the call that brought the
    answer was sent; the second window cannot have begun before it. `heard_at`: when the first
    authenticated packet of this connection arrived. `first_frame_at`, `input_settled_at`: when the
    first frame was decoded, and when the input channel opened or was known never to open.
    """

    connection: ConnectionNumber
    episode: Episode | None
    create_requested_at: float
    until_at: float
    heard_at: float | None = None
    first_frame_at: float | None = None
    input_settled_at: float | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """The player plays; the connection's health is anything from HEALTHY to NO_MEDIA.

    `checking_since_at`: since when connectivity checks run, because something looks wrong.
    """

    connection: ConnectionNumber
    until_at: float
    since_at: float
    checking_since_at: float | None = None


# --- an episode: from the drop to live again ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InEpisode:
    """What the phases of an episode share. Not a phase itself."""

    episode: Episode
    until_at: float


@dataclass(frozen=True, slots=True)
class Lost(InEpisode):
    """The connection is lost, but not for good: it may heal, or we commit to a reconnect."""


@dataclass(frozen=True, slots=True)
class Goodbye(InEpisode):
    """Goodbye is being said on the old connection; the fresh offer comes after it."""


@dataclass(frozen=True, slots=True)
class Offering(InEpisode):
    """A fresh offer is being made."""

    connection: ConnectionNumber


@dataclass(frozen=True, slots=True)
class Requesting(InEpisode):
    """A create request is in flight. `written_at`: when its bytes were written to a socket."""

    attempt: Attempt
    written_at: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting(InEpisode):
    """What `Backoff` and `AwaitingService` share. Not a phase itself.

    `attempt`: the attempt whose bytes may go out again, or whose lost answer a poll may recover.
    `not_before_at`: set by a Retry-After; nothing is sent earlier, whatever happens.
    """

    attempt: Attempt | None
    not_before_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Backoff(Waiting):
    """The next try starts at `until_at`: the attempt's bytes again, or a new offer if None."""


@dataclass(frozen=True, slots=True)
class AwaitingService(Waiting):
    """The status is being watched.

    `then` is POLL_STATUS if the outcome of the attempt is unknown: the status will show it. It is
    WAIT_FOR_SERVICE if the service has not noticed the drop and would refuse an offer. At
    `until_at` the status is polled again.
    """

    then: Literal[Action.POLL_STATUS, Action.WAIT_FOR_SERVICE] = Action.POLL_STATUS


@dataclass(frozen=True, slots=True)
class ConfirmingEnd(InEpisode):
    """Too late for another try (Rule 9): the status is polled until the latest deadline.

    `fallback`: how it ends if the service does not say otherwise.
    """

    fallback: Ending


# --- the end --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TerminatingSession:
    """The player ends the game: the backend's call is in flight, or starts again at `again_at`.

    `over_at`: when the game is surely over, ended or not; the last call starts then. `tries`: calls
    so far. `refused`: how many of them the backend answered with a refusal that may be final.
    `not_before_at`: set by a Retry-After; nothing is sent earlier, whatever happens. `delayed_by`:
    why the game has not ended yet, once the first tries are over or `began_at` is a while ago, or
    at once without a network.
    """

    ending: Ending
    until_at: float
    over_at: float
    began_at: float
    tries: int = 1
    refused: int = 0
    again_at: float | None = None
    not_before_at: float = 0.0
    delayed_by: FailureKind | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The game is over for this client, and why."""

    ending: Ending


ActivePhase = (
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
    | Backoff
    | AwaitingService
    | ConfirmingEnd
    | TerminatingSession
)
"""Every phase in which an event can still change something."""

Phase = ActivePhase | Ended


def episode_of(phase: Phase) -> Episode | None:
    """The episode that a phase belongs to, if it belongs to one."""
    match phase:
        case Connecting(episode=episode):
            return episode
        case InEpisode(episode=episode):
            return episode
        case _:
            return None


@dataclass(frozen=True, slots=True)
class FromTicket:
    """The player rejoined with a ticket: when, and the highest attempt number used before.

    `elsewhere`: another client has made attempts since the ticket was written.
    """

    at: float
    attempt: AttemptNumber
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that outlive a phase.

    `connections`, `attempts`, `episodes`: the highest number used. `failures`: failed tries since a
    connection was live for `Policy.settled_after_s`, for the backoff; a new connection that was
    live for less than `Policy.played_after_s` is one. `failed_polls`: polls that failed since one
    was answered, for the backoff of polls. `create_sent_at`: when the newest create call was sent.
    `backoff_reset_at`: when a network that came back last reset the failures.
    `unreached`: why the last call did not reach the backend; None when it was answered.
    `unheard_attempts`: answered attempts in a row without one authenticated packet.
    `polls_not_before_at`: a Retry-After of the last poll. `unnoticed_until_at`: until when the
    newest CONNECTED is fresh. `backend_attempt`: the highest
    attempt number that the backend has reported. `status`, `reason`: the newest of the service;
    None when it is out of date. `latencies_s`: how long the last backend calls took.
    `refused_sign_ins`: polls in a row that were refused with 401. `shown`: the connection whose
    picture is shown. `input_module`: the newest connection that reported whether
    it has an input module, and why not.
    `input_opened`: the newest connection whose input channel opened. `back_at`: when the last
    episode ended live. `woke_at`: set by sleep until a status arrives that is not terminal; a
    terminal one was then reached during sleep. `frozen_reconnected_at`: when a frozen picture last
    led to a reconnect by itself; None again once a picture has moved for a while. `verdict`: of the
    newest round of probes of this episode; None before the first, and once it is refuted.
    `stale_events`: events that changed nothing (Rule 11 of `engine`).
    """

    connections: int = 0
    attempts: int = 0
    episodes: int = 0
    failures: int = 0
    failed_polls: int = 0
    create_sent_at: float | None = None
    backoff_reset_at: float | None = None
    unreached: FailureKind | None = None
    unheard_attempts: int = 0
    polls_not_before_at: float | None = None
    unnoticed_until_at: float | None = None
    session_id: SessionId | None = None
    from_ticket: FromTicket | None = None
    backend_attempt: AttemptNumber | None = None
    ticket_saved_at: float | None = None
    status: Status | None = None
    reason: StatusReason | None = None
    refused_sign_ins: int = 0
    window: Window = field(default_factory=Window)
    health: Health | None = None
    sample: ConnectionSample | None = None
    shown: ConnectionNumber | None = None
    latencies_s: tuple[float, ...] = ()
    offline_since_at: float | None = None
    input_module: tuple[ConnectionNumber, NoInput | None] | None = None
    input_opened: ConnectionNumber | None = None
    back_at: float | None = None
    woke_at: float | None = None
    frozen_reconnected_at: float | None = None
    verdict: Verdict | None = None
    stale_events: int = 0


@dataclass(frozen=True, slots=True)
class State:
    phase: Phase = field(default_factory=Idle)
    facts: Facts = field(default_factory=Facts)


def never_played(facts: Facts) -> bool:
    """Whether no picture of this game was ever shown, by this client or the one of its ticket."""
    return facts.shown is None and facts.from_ticket is None


def behind_firewall(facts: Facts, policy: Policy) -> bool:
    """Whether something between client and host seems to block the stream (Rule 19 of `engine`)."""
    return facts.unheard_attempts >= policy.firewall_attempts


def verdict_of(state: State) -> Verdict | None:
    """The verdict, as far as known. A missing network is known at once, whatever the last probes
    found."""
    if episode_of(state.phase) is not None and state.facts.offline_since_at is not None:
        return Verdict.NETWORK_GONE
    is_shown = episode_of(state.phase) is not None or isinstance(state.phase, Ended)
    return state.facts.verdict if is_shown else None
