"""The state of the model: values, and what can be read from them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

from rejoin.core import events
from rejoin.core.goodbye import SaidGoodbye
from rejoin.core.model import AttemptNumber, ConnectionNumber, SessionId, SessionView
from rejoin.core.phases import State
from rejoin.core.ticket import RejoinState
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import engine

SESSION = SessionId("checked")
TIMEOUT_S = 10.0
NOTICED_S = 8.0
"""The service notices a silent client at any time, but no later than this."""
PLACES = 2
"""How many places the backend's queue has before the turn of a client that joins it."""
RULES = lifecycle.Rules(connection_timeout_s=TIMEOUT_S, session_length_s=1e6, idle_timeout_s=1e6)


@dataclass(frozen=True, slots=True)
class Budget:
    """How often each kind of trouble may happen."""

    cuts: int = 0
    dead_media: int = 0
    closes: int = 0
    losses: int = 0
    repeats: int = 0
    failures: int = 0
    crashes: int = 0
    seconds: int = 0
    routes: int = 0
    pictures: int = 0
    queues: int = 0


class MessageKind(enum.StrEnum):
    """The kinds of message, with the data of each."""

    EVENT = "event"
    """From the client's own machine: (event)."""
    CREATE = "create"
    """A create request to the backend: (attempt, try number, connection)."""
    REPLY = "reply"
    """The answer to a create request: (AnswerArrived or ReconnectFailed)."""
    POLL = "poll"
    """A status request to the backend: (number of the poll, known status, wait in seconds)."""
    VIEW = "view"
    """The answer to a status request: (number of the poll, StatusArrived)."""
    GOODBYE = "goodbye"
    """From a client to the host: (connection)."""
    EVIDENCE = "evidence"
    """From the host to a client: (connection)."""


class Message(NamedTuple):
    """Something under way; it may arrive from `ready_at` on."""

    kind: MessageKind
    client: int
    ready_at: float
    data: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The game's place in the backend's queue of reconnects.

    `number`: how many requests are refused before its turn. `kept_until_at`: None: it has lapsed,
    and the next request joins the queue at its end.
    """

    number: int
    kept_until_at: float | None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A client said goodbye on this connection, and the service still considers it connected.

    `lost_at`: since when the goodbye is lost although the path works and media arrives; None while
    it is under way, or cannot arrive.
    """

    connection: int
    said: SaidGoodbye
    lost_at: float | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """One player's program, and the state of its connections."""

    state: State
    ticket: RejoinState | None = None
    opened: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    checking: frozenset[int] = frozenset()
    heard_at: float = 0.0
    """When anything last arrived on the connection that is shown."""
    rtp_at: float = 0.0
    frame_at: float = 0.0
    answered_at: float = 0.0
    """When the newest check was sent that was answered."""
    still_at: float | None = None
    """Since when the picture that is shown stands still, apart from single frames."""
    leaving: Leaving | None = None
    call: tuple[int, int, float] | None = None
    """The create call in flight: attempt, try number, and when its budget is over."""
    asked_at: tuple[float, ...] = ()
    """When the newest create call was sent, if there was one."""
    ask_by_at: float | None = None
    """Until when this client has to repeat its request, so that its place does not lapse."""
    sent: tuple[tuple[int, int], ...] = ()
    """(attempt, connection) of every attempt."""
    polls: int = 0
    """Number of the newest status request; answers to older ones are ignored."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """The backend's create call to the service, and the requests that wait for it: (client, try
    number)."""

    attempt: int
    connection: int
    waiting: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class System:
    """Everything, at one moment."""

    now: float
    clients: tuple[Client, ...]
    service: lifecycle.State
    newest: tuple[int, int]
    """The backend's newest attempt: (attempt, connection)."""
    answered: bool
    """Whether the backend has the answer for its newest attempt."""
    offered: frozenset[int]
    """Connections whose offer some attempt has claimed."""
    call: ServiceCall | None
    place: Place | None
    """None: the backend makes its calls at once."""
    held: int
    """The connection whose offer the service holds."""
    accepted: int
    """The highest attempt that reached the service."""
    connected_seen_at: float | None
    """When the backend last saw the status CONNECTED."""
    unheard_at: float | None
    """Since when the host receives nothing from the client that the service considers connected."""
    messages: tuple[Message, ...]
    down: bool
    """Whether packets from host to client pass."""
    up: bool
    """Whether packets from client to host pass."""
    silent: frozenset[int]
    """Connections on which the host sends no media."""
    refused: bool
    """Whether the client's system refuses to send; `up` is False then."""
    pictures: tuple[tuple[int, Picture], ...]
    """Connections whose picture does not arrive, and why."""
    budget: Budget


def live(budget: Budget) -> System:
    """A game that is being played: the state from which every exploration starts."""
    now = 1000.0
    one = ConnectionNumber(1)
    answered = SessionView(
        SESSION,
        service_status.ACTIVE,
        connection_timeout_s=TIMEOUT_S,
        signal_request_sha256="sha-1",
        signal_response="answer 1",
    )
    state = State()
    for event in (
        events.StartRequested(),
        events.OfferMade(one, "sha-1", "offer 1"),
        events.SessionStarted(AttemptNumber(1), now, answered),
        events.ConnectionOpened(one),
        events.InputOpened(one),
        events.FirstFrameDecoded(one),
        events.Sampled(one, engine.sample(now, now)),
    ):
        state, _ = engine.step(state, event, now)
    service: lifecycle.State = lifecycle.start(now)
    for happened in (lifecycle.Placed(1), lifecycle.ClientConnected(1)):
        service, _ = lifecycle.step(service, happened, now, RULES)
    client = Client(
        state,
        RejoinState(SESSION, AttemptNumber(1), TIMEOUT_S, now),
        opened=frozenset({1}),
        heard_at=now,
        rtp_at=now,
        frame_at=now,
        answered_at=now,
        sent=((1, 1),),
    )
    return System(
        now=now,
        clients=(client,),
        service=service,
        newest=(1, 1),
        answered=True,
        offered=frozenset({1}),
        call=None,
        place=None,
        held=1,
        accepted=1,
        connected_seen_at=None,
        unheard_at=None,
        messages=(),
        down=True,
        up=True,
        silent=frozenset(),
        refused=False,
        pictures=(),
        budget=budget,
    )


def can_arrive(system: System, message: Message) -> bool:
    """Whether this message may arrive now."""
    match message.kind:
        case MessageKind.POLL:
            # A long poll is answered when the status differs from the known one, or its wait ends.
            _, known, wait_s = message.data
            waits = known is not None and known == system.service.status
            return system.now >= message.ready_at + (wait_s if waits else 0.0)
        case MessageKind.GOODBYE if not system.up:
            return False
        case MessageKind.EVIDENCE if not system.down:
            return False
        case _:
            return system.now >= message.ready_at


def connected(system: System) -> int | None:
    """The connection that the service considers connected."""
    service = system.service
    return service.connection if isinstance(service, lifecycle.Connected) else None


def host_hears(system: System, connection: int) -> bool:
    """Whether the host receives anything from the client of this connection."""
    return system.up and any(
        connection in client.opened
        and (connection not in client.muted or connection in client.checking)
        for client in system.clients
    )


def unheard(system: System) -> int | None:
    """The connection that the service considers connected, if the host receives nothing on it."""
    connection = connected(system)
    return None if connection is None or host_hears(system, connection) else connection


def flows(system: System, connection: int) -> bool:
    """Whether media of this connection arrives at the client."""
    return system.down and connected(system) == connection and connection not in system.silent


def picture_of(system: System, connection: int) -> Picture:
    """What becomes of the picture of this connection while its media arrives."""
    return dict(system.pictures).get(connection, Picture.ARRIVES)


def answers(system: System, connection: int) -> bool:
    """Whether a check that the client of this connection sends now is answered."""
    return system.down and connected(system) == connection and host_hears(system, connection)


def goodbye_under_way(system: System, connection: int) -> bool:
    return any(
        message.kind is MessageKind.GOODBYE and message.data == (connection,)
        for message in system.messages
    )


def can_connect(system: System, connection: int) -> bool:
    """Whether ICE and DTLS of this connection can succeed now."""
    service = system.service
    if not (isinstance(service, lifecycle.Active) and system.down and system.up):
        return False
    return service.connection == connection and service.window_ends_at > system.now
