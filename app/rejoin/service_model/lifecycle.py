"""The service's stream session statuses as a pure reducer, checkable against service.md.

Rule 1: a stream session begins as ACTIVATING. `Placed` makes it ACTIVE; the placement timeout makes
it ERROR `placementTimeout`.

Rule 2: ACTIVE waits for a client. `ClientConnected` of the newest connection makes it CONNECTED.
When the connection timeout has passed since ACTIVE was reached: TERMINATED `connectionTimeout`, or
after a reconnect `Rules.reason_after_failed_reconnect` (AWS does not document the reason).

Rule 3: CONNECTED ends with `ClientGone` of the newest connection: PENDING_CLIENT_RECONNECTION.
Without input for the idle timeout: TERMINATED `idleTimeout`.

Rule 4: PENDING_CLIENT_RECONNECTION waits for `CreateRequested`, which makes it RECONNECTING. When
the connection timeout has passed since then: TERMINATED `reconnectionTimeout`.

Rule 5: RECONNECTING has no window. `CreateAnswered` makes it ACTIVE, with a whole new window
(`Rules.window_restarts_at_active`) or what was left of the old one. `CreateFailed` takes it back
to PENDING_CLIENT_RECONNECTION with the old window (assumed).

Rule 6: `CreateRequested` in ACTIVE is allowed and leaves it ACTIVE, its window running on; the
answer then acts as in rule 5. One create call at a time: a second one is refused.

Rule 7: `CreateRequested` in any other status is refused (`Rules.wrong_status`: the error is not
documented). `TerminateRequested` is refused in ACTIVATING; elsewhere it makes a session that is not
over TERMINATING, and `TerminateDone` then TERMINATED `apiTerminated`. Terminating a session that is
over or TERMINATING changes nothing and is not an error.

Rule 8: any live session (ACTIVATING, ACTIVE, CONNECTED, PENDING_CLIENT_RECONNECTION, RECONNECTING)
is TERMINATED `maxSessionLengthTimeout` when the session length has passed since its start, and
TERMINATED `applicationExit` when the game exits.

Rule 9: `Failed` makes any session that is not over ERROR, with the reason it carries.
`OfferRejected` is such a failure: `invalidSignalRequest`.

Rule 10: TERMINATED and ERROR are final.

Rule 11: timers come first. A timer that is due at `now` fires before the event at `now`, so a call
that arrives exactly at its deadline is too late. Of several timers that are due the earliest fires.

Rule 12: the caller numbers connections in rising order. An event with a number that is not the
newest accepted one is ignored.

Times are seconds of one clock of the caller's choice; nothing here reads a clock.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal, assert_never

from rejoin.service_model import status as statuses
from rejoin.service_model.status import Status, StatusReason, is_live

# --- settings of a session, and what AWS does not document ----------------------------------------


class RefusalKind(enum.Enum):
    """The error type of a refusal."""

    CONFLICT = "conflict"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of one stream session. Durations in seconds; defaults as AWS documents them."""

    connection_timeout_s: float = 120.0
    session_length_s: float = 43200.0
    idle_timeout_s: float = 3600.0
    placement_timeout_s: float = 75.0
    window_restarts_at_active: bool = True
    """Whether ACTIVE after a create call gets a whole new window (assumed)."""
    reason_after_failed_reconnect: StatusReason = statuses.RECONNECTION_TIMEOUT
    """The reason when no client connects in ACTIVE after a reconnect (AWS does not document it)."""
    wrong_status: RefusalKind = RefusalKind.CONFLICT
    """How a create call in the wrong status is refused (AWS does not document it)."""


# --- states ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Activating:
    """The service is searching for a host."""

    status: ClassVar[Status] = statuses.ACTIVATING
    started_at: float
    entered_at: float


@dataclass(frozen=True, slots=True)
class Active:
    """The game runs and waits for the client of `connection` (0: no offer came yet)."""

    status: ClassVar[Status] = statuses.ACTIVE
    started_at: float
    entered_at: float
    connection: int
    window_ends_at: float
    expiry_reason: StatusReason


@dataclass(frozen=True, slots=True)
class ActiveAnswering:
    """Still ACTIVE, with a create call for `connection` under way."""

    status: ClassVar[Status] = statuses.ACTIVE
    connection: int
    former: Active

    @property
    def started_at(self) -> float:
        return self.former.started_at

    @property
    def entered_at(self) -> float:
        return self.former.entered_at


@dataclass(frozen=True, slots=True)
class Connected:
    """A client plays; `input_at` is its newest input, or when it connected."""

    status: ClassVar[Status] = statuses.CONNECTED
    started_at: float
    entered_at: float
    connection: int
    input_at: float


@dataclass(frozen=True, slots=True)
class PendingReconnection:
    """The client of `connection` is gone; the game goes on until the window ends."""

    status: ClassVar[Status] = statuses.PENDING_CLIENT_RECONNECTION
    started_at: float
    entered_at: float
    connection: int
    window_ends_at: float


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """A create call for `connection` is under way."""

    status: ClassVar[Status] = statuses.RECONNECTING
    started_at: float
    entered_at: float
    connection: int
    former: PendingReconnection


@dataclass(frozen=True, slots=True)
class Terminating:
    """TerminateStreamSession was called."""

    status: ClassVar[Status] = statuses.TERMINATING
    started_at: float
    entered_at: float


@dataclass(frozen=True, slots=True)
class Terminated:
    """Over, without a failure."""

    status: ClassVar[Status] = statuses.TERMINATED
    started_at: float
    entered_at: float
    reason: StatusReason


@dataclass(frozen=True, slots=True)
class Errored:
    """Over because of a failure."""

    status: ClassVar[Status] = statuses.ERROR
    started_at: float
    entered_at: float
    reason: StatusReason


LiveState = Activating | Active | ActiveAnswering | Connected | PendingReconnection | Reconnecting
State = LiveState | Terminating | Terminated | Errored


def start(now: float) -> Activating:
    """StartStreamSession was accepted at `now`."""
    return Activating(started_at=now, entered_at=now)


def reason_of(state: State) -> StatusReason | None:
    """Why the session is over; None while it is not."""
    return state.reason if isinstance(state, Terminated | Errored) else None


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placed:
    """A host runs the game and has answered the offer `connection` (0: NO_CLIENT_CONNECTION)."""

    connection: int


@dataclass(frozen=True, slots=True)
class ClientConnected:
    """ICE and DTLS of this connection are up."""

    connection: int


@dataclass(frozen=True, slots=True)
class ClientGone:
    """The service has noticed that the client of this connection is gone."""

    connection: int


@dataclass(frozen=True, slots=True)
class InputSeen:
    """The player did something."""


@dataclass(frozen=True, slots=True)
class CreateRequested:
    """CreateStreamSessionConnection was called; its offer is `connection`, a new number."""

    connection: int


@dataclass(frozen=True, slots=True)
class CreateAnswered:
    """The host has answered the offer of this connection: the call succeeds."""

    connection: int


@dataclass(frozen=True, slots=True)
class CreateFailed:
    """The call for this connection failed and the session goes on."""

    connection: int


@dataclass(frozen=True, slots=True)
class OfferRejected:
    """The offer is invalid, which ends the session (documented for start and reconnect)."""


@dataclass(frozen=True, slots=True)
class TerminateRequested:
    """TerminateStreamSession was called."""


@dataclass(frozen=True, slots=True)
class TerminateDone:
    """The host is free again."""


@dataclass(frozen=True, slots=True)
class ApplicationExited:
    """The game ended by itself."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The session failed."""

    reason: StatusReason = statuses.INTERNAL_ERROR


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The time that `next_wakeup` returned has come."""


ClientEvent = Placed | ClientConnected | ClientGone | InputSeen
CreateEvent = CreateRequested | CreateAnswered | CreateFailed
EndEvent = OfferRejected | TerminateRequested | TerminateDone | ApplicationExited | Failed
Event = ClientEvent | CreateEvent | EndEvent | TimerDue


# --- outcomes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event was accepted; the status may or may not have changed."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event was too late, or belongs to a former connection; it changed nothing."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not allowed in this status, and its caller gets an error."""

    kind: RefusalKind
    status: Status


Outcome = Accepted | Ignored | Refused

_ACCEPTED: Final = Accepted()
_IGNORED: Final = Ignored()


# --- the reducer ----------------------------------------------------------------------------------


def step(state: State, event: Event, now: float, rules: Rules) -> tuple[State, Outcome]:
    """The state of the session after `event` at `now`, and the outcome for the caller."""
    state, expired = _let_time_pass(state, now, rules)
    match event:
        case TimerDue():
            return state, _ACCEPTED if expired else _IGNORED
        case Placed() | ClientConnected() | ClientGone() | InputSeen():
            return _client_event(state, event, now, rules)
        case CreateRequested(connection):
            return _create(state, connection, now, rules)
        case CreateAnswered(connection):
            return _answered(state, connection, now, rules)
        case CreateFailed(connection):
            return _create_failed(state, connection, now)
        case TerminateRequested():
            return _terminate(state, now)
        case TerminateDone() | ApplicationExited():
            return _end(state, event, now)
        case OfferRejected():
            return _fail(state, statuses.INVALID_SIGNAL_REQUEST, now)
        case Failed(reason):
            return _fail(state, reason, now)
        case _:
            assert_never(event)


def next_wakeup(state: State, rules: Rules) -> float | None:
    """When `TimerDue` must be posted at the latest; None when no timer is running."""
    due = _next_due(state, rules)
    return None if due is None else due[0]


def window_ends_at(state: State) -> float | None:
    """When the running window ends. No field of the service's API reports this to a client."""
    match state:
        case Active() | PendingReconnection():
            return state.window_ends_at
        case ActiveAnswering():
            return state.former.window_ends_at
        case Activating() | Connected() | Reconnecting() | Terminating() | Terminated() | Errored():
            return None
        case _:
            assert_never(state)


_Ending = tuple[float, Literal["TERMINATED", "ERROR"], StatusReason]


def _next_due(state: State, rules: Rules) -> _Ending | None:
    """The next timer to fire: when, the final status it leads to, and the reason."""
    if isinstance(state, Terminating | Terminated | Errored):
        return None
    length_ends_at = state.started_at + rules.session_length_s
    own: _Ending | None
    match state:
        case Activating():
            placed_by_at = state.entered_at + rules.placement_timeout_s
            own = (placed_by_at, "ERROR", statuses.PLACEMENT_TIMEOUT)
        case Active():
            own = (state.window_ends_at, "TERMINATED", state.expiry_reason)
        case ActiveAnswering(former=former):
            own = (former.window_ends_at, "TERMINATED", former.expiry_reason)
        case Connected():
            own = (state.input_at + rules.idle_timeout_s, "TERMINATED", statuses.IDLE_TIMEOUT)
        case PendingReconnection():
            own = (state.window_ends_at, "TERMINATED", statuses.RECONNECTION_TIMEOUT)
        case Reconnecting():
            own = None
        case _:
            assert_never(state)
    if own is None or length_ends_at < own[0]:
        return (length_ends_at, "TERMINATED", statuses.MAX_SESSION_LENGTH_TIMEOUT)
    return own


def _let_time_pass(state: State, now: float, rules: Rules) -> tuple[State, bool]:
    due = _next_due(state, rules)
    if due is None or now < due[0]:
        return state, False
    _, status, reason = due
    if status == "ERROR":
        return Errored(state.started_at, now, reason), True
    return Terminated(state.started_at, now, reason), True


def _client_event(
    state: State,
    event: ClientEvent,
    now: float,
    rules: Rules,
) -> tuple[State, Outcome]:
    """Rules 1 to 3: an event that does not fit the status, or the newest connection, is ignored."""
    match event, state:
        case Placed(connection), Activating(started_at):
            ends_at = now + rules.connection_timeout_s
            reason = statuses.CONNECTION_TIMEOUT
            return Active(started_at, now, connection, ends_at, reason), _ACCEPTED
        case ClientConnected(connection), Active(started_at) if state.connection == connection:
            return Connected(started_at, now, connection, input_at=now), _ACCEPTED
        case ClientGone(connection), Connected(started_at) if state.connection == connection:
            ends_at = now + rules.connection_timeout_s
            return PendingReconnection(started_at, now, connection, ends_at), _ACCEPTED
        case InputSeen(), Connected():
            return replace(state, input_at=now), _ACCEPTED
        case _:
            return state, _IGNORED


def _create(state: State, connection: int, now: float, rules: Rules) -> tuple[State, Outcome]:
    match state:
        case PendingReconnection():
            return Reconnecting(state.started_at, now, connection, former=state), _ACCEPTED
        case Active():
            return ActiveAnswering(connection, former=state), _ACCEPTED
        case (
            Activating()
            | ActiveAnswering()
            | Connected()
            | Reconnecting()
            | Terminating()
            | Terminated()
            | Errored()
        ):
            return state, Refused(rules.wrong_status, state.status)
        case _:
            assert_never(state)


def _answered(state: State, connection: int, now: float, rules: Rules) -> tuple[State, Outcome]:
    if not isinstance(state, ActiveAnswering | Reconnecting) or state.connection != connection:
        return state, _IGNORED
    if isinstance(state, ActiveAnswering):
        reason = state.former.expiry_reason
    else:
        reason = rules.reason_after_failed_reconnect
    if rules.window_restarts_at_active:
        ends_at = now + rules.connection_timeout_s
    else:
        ends_at = state.former.window_ends_at
    return Active(state.started_at, now, connection, ends_at, reason), _ACCEPTED


def _create_failed(state: State, connection: int, now: float) -> tuple[State, Outcome]:
    if not isinstance(state, ActiveAnswering | Reconnecting) or state.connection != connection:
        return state, _IGNORED
    if isinstance(state, ActiveAnswering):
        return state.former, _ACCEPTED
    return replace(state.former, entered_at=now), _ACCEPTED


def _terminate(state: State, now: float) -> tuple[State, Outcome]:
    match state:
        case Activating():
            # The operation declares no ConflictException, so it can only be a ValidationException.
            return state, Refused(RefusalKind.VALIDATION, state.status)
        case Terminating() | Terminated() | Errored():
            return state, _IGNORED
        case Active() | ActiveAnswering() | Connected() | PendingReconnection() | Reconnecting():
            return Terminating(state.started_at, now), _ACCEPTED
        case _:
            assert_never(state)


def _end(
    state: State, event: TerminateDone | ApplicationExited, now: float
) -> tuple[State, Outcome]:
    if isinstance(event, TerminateDone):
        ends, reason = isinstance(state, Terminating), statuses.API_TERMINATED
    else:
        ends, reason = is_live(state.status), statuses.APPLICATION_EXIT
    if not ends:
        return state, _IGNORED
    return Terminated(state.started_at, now, reason), _ACCEPTED


def _fail(state: State, reason: StatusReason, now: float) -> tuple[State, Outcome]:
    if isinstance(state, Terminated | Errored):
        return state, _IGNORED
    return Errored(state.started_at, now, reason), _ACCEPTED
