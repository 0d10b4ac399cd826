"""A game of client, backend and service in which anything may happen next, one step at a time.

The transition functions are the real ones: `session` (one client, or two), `fence` (the backend)
and `lifecycle` (the service). Between them messages are under way, which arrive in any order, get
lost, or come twice; the path is cut in either direction, the host sends nothing, a client crashes
and comes back with its ticket, a second one takes the game over. How often each may happen is a
`Budget`; `moves` lists all that may come next, and what of the invariants each of it breaks.

Abstractions: a silence is one sample that says so; a call to the backend takes any time at all;
time passes from one deadline to the next; chance is one half.

Judged from outside the functions that keep them are I1 to I6, I8 and I9 of reconnect.md, and FENCE:
no older attempt reaches the service after a newer one; HEAL: the old connection does not come back
while a create call is under way; KEEP: it is not closed before the new one plays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rejoin.core import commands, engine, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    EndingKind,
    HardEvidence,
    HealthLevel,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
)
from rejoin.core.phases import (
    ConfirmingEnd,
    Connecting,
    Ended,
    Facts,
    Idle,
    Live,
    Requesting,
    State,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.service_model import fence, lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.fence import Claim

SESSION = SessionId("checked")
TIMEOUT_S = 10.0
POLICY = Policy(notice_delay_max_s=20.0, ticket_every_s=1e9)
NOTICED_S = 8.0
"""The service notices at any time, and at the latest so long after it last heard of a client."""
RULES = lifecycle.Rules(connection_timeout_s=TIMEOUT_S, session_length_s=1e6, idle_timeout_s=1e6)

_NEEDED_S = 7.0
"""Left of a window, this is enough for a client that waits its longest before it asks."""
_FAIR_STEPS = 400
_LONG_AGO_S = 60.0


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


class Message(NamedTuple):
    """Something under way. `data` depends on the kind; it arrives from `ready_at` on."""

    kind: str
    client: int
    ready_at: float
    data: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """One player's program, and what is true of its connections."""

    state: State
    seat: RejoinState | None = None
    opened: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    checking: frozenset[int] = frozenset()
    heard_at: float = 0.0
    """When anything last arrived on the connection that is shown."""
    rtp_at: float = 0.0
    call: tuple[int, int, float] | None = None
    """The create call in flight: attempt, try, and when its budget is over."""
    sent: tuple[tuple[int, int], ...] = ()
    """(attempt, connection) of every attempt."""
    looking: int = 0


@dataclass(frozen=True, slots=True)
class Flight:
    """The backend's create call to the service, and who waits for it: (client, try)."""

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
    offered: frozenset[int]
    flight: Flight | None
    held: int
    """Whose offer the service holds."""
    accepted: int
    """The highest attempt that reached the service."""
    connected_look_at: float | None
    unheard_at: float | None
    """Since when the host hears nothing of the client that the service holds to be connected."""
    messages: tuple[Message, ...]
    down: bool
    up: bool
    silent: frozenset[int]
    """Connections on which the host sends no media."""
    budget: Budget


def live(budget: Budget) -> System:
    """A game that is played, from which everything starts."""
    now = 1000.0
    state = State()
    one = ConnectionNumber(1)
    answered = SessionView(
        SESSION,
        service_status.ACTIVE,
        connection_timeout_s=TIMEOUT_S,
        signal_request_sha256="sha-1",
        signal_response="answer 1",
    )
    for event in (
        events.StartRequested(),
        events.OfferMade(one, "sha-1", "offer 1"),
        events.SessionStarted(AttemptNumber(1), now, answered),
        events.ConnectionOpened(one),
        events.InputOpened(one),
        events.FirstFrameDecoded(one),
        events.Sampled(one, _sample(now, now)),
    ):
        state, _ = engine.step(state, event, now, POLICY, _half)
    service: lifecycle.State = lifecycle.start(now)
    for happened in (lifecycle.Placed(1), lifecycle.ClientConnected(1)):
        service, _ = lifecycle.step(service, happened, now, RULES)
    seat = RejoinState(SESSION, AttemptNumber(1), TIMEOUT_S, now)
    client = Client(
        _plain(state),
        seat,
        opened=frozenset({1}),
        heard_at=now,
        rtp_at=now,
        sent=((1, 1),),
    )
    return System(
        now=now,
        clients=(client,),
        service=service,
        newest=(1, 1),
        answered=True,
        offered=frozenset({1}),
        flight=None,
        held=1,
        accepted=1,
        connected_look_at=None,
        unheard_at=None,
        messages=(),
        down=True,
        up=True,
        silent=frozenset(),
        budget=budget,
    )


Broken = tuple[tuple[str, str], ...]


def moves(system: System) -> Iterator[tuple[str, System, Broken]]:
    """Whatever may happen next: what it is called, what it leads to, and what it breaks."""
    for label, act in _acts(system):
        turn = _Turn(system)
        act(turn)
        yield label, turn.freeze(), tuple(turn.broken)


Act = Callable[["_Turn"], None]


def _acts(system: System) -> Iterator[tuple[str, Act]]:
    budget = system.budget
    for index, message in enumerate(system.messages):
        if message.kind == "event" and _arrives(system, message):
            # Of the client's own machine: nothing else is as fast.
            yield f"{_told(message)} arrives", lambda turn, i=index: turn.deliver(i)  # type: ignore[misc]
            return
    for index, message in enumerate(system.messages):
        if not _arrives(system, message):
            continue
        told = _told(message)
        yield f"{told} arrives", lambda turn, i=index: turn.deliver(i)  # type: ignore[misc]
        if message.kind in _LOSABLE and budget.losses:
            yield f"{told} is lost", lambda turn, i=index: turn.lose(i)  # type: ignore[misc]
        if message.kind in _REPEATABLE and budget.repeats:
            yield f"{told} arrives twice", lambda turn, i=index: turn.repeat(i)  # type: ignore[misc]
    if system.flight is not None:
        yield "the service answers", _Turn.service_answers
        if budget.failures:
            yield "the service's call fails", _Turn.service_fails
    gone = _unheard(system)
    if gone is not None:
        yield f"the service notices that {gone} is gone", lambda turn: turn.notice(gone)
    yield from _path_acts(system)
    for number, client in enumerate(system.clients):
        yield from _client_acts(system, number, client)
    if budget.seconds and len(system.clients) == 1 and system.clients[0].seat is not None:
        yield "a second client takes over", _Turn.second
    at = _next_at(system)
    if at is not None:
        yield "time passes", lambda turn: turn.pass_time(at)


def _path_acts(system: System) -> Iterator[tuple[str, Act]]:
    budget = system.budget
    if system.down and system.up:
        if budget.cuts:
            yield "the path is cut", lambda turn: turn.cut(down=False, up=False)
            yield "nothing comes down", lambda turn: turn.cut(down=False, up=True)
            yield "nothing goes up", lambda turn: turn.cut(down=True, up=False)
        connection = _connected(system)
        if connection is not None and budget.dead_media and connection not in system.silent:
            yield "the host sends no media", lambda turn: turn.silence(connection)
        if connection is not None and budget.closes:
            yield "the host closes", lambda turn: turn.host_closes(connection)
    else:
        yield "the path is back", lambda turn: turn.mend()


def _client_acts(system: System, number: int, client: Client) -> Iterator[tuple[str, Act]]:
    match client.state.phase:
        case Live(connection):
            if not flows(system, connection):
                yield (
                    f"client {number} hears nothing",
                    lambda turn: turn.hears_nothing(number, connection),
                )
        case Connecting(connection):
            if _can_come_up(system, connection):
                yield f"{connection} comes up", lambda turn: turn.come_up(number, connection)
        case Idle() | Ended():
            return
        case phase:
            episode = getattr(phase, "episode", None)
            old = None if episode is None else episode.old
            if old is not None and flows(system, old):
                yield f"{old} is heard again", lambda turn: turn.hears_again(number, old)
    if system.budget.crashes and client.seat is not None:
        yield f"client {number} crashes and is back", lambda turn: turn.crash(number)


_LOSABLE = frozenset({"create", "reply", "status", "view", "goodbye", "evidence"})
_REPEATABLE = frozenset({"reply", "view", "goodbye", "evidence"})


def _told(message: Message) -> str:
    data = " ".join(str(part) for part in message.data if isinstance(part, int | str | FailureKind))
    return f"{message.kind} of client {message.client} ({data})"


# --- what is true of a system ---------------------------------------------------------------------


def _arrives(system: System, message: Message) -> bool:
    if message.kind == "status":
        # A long poll is answered when the status is another, or its wait is over.
        _, known, wait_s = message.data
        waits = known is not None and known == system.service.status
        return system.now >= message.ready_at + (wait_s if waits else 0.0)
    if message.kind == "goodbye" and not system.up:
        return False
    if message.kind == "evidence" and not system.down:
        return False
    return system.now >= message.ready_at


def _connected(system: System) -> int | None:
    service = system.service
    return service.connection if isinstance(service, lifecycle.Connected) else None


def _hears(system: System, connection: int) -> bool:
    """Whether the host hears the client of this connection."""
    return system.up and any(
        connection in client.opened
        and (connection not in client.muted or connection in client.checking)
        for client in system.clients
    )


def _unheard(system: System) -> int | None:
    connection = _connected(system)
    return None if connection is None or _hears(system, connection) else connection


def flows(system: System, connection: int) -> bool:
    """Whether media of this connection arrives."""
    return system.down and _connected(system) == connection and connection not in system.silent


def _can_come_up(system: System, connection: int) -> bool:
    service = system.service
    if not (isinstance(service, lifecycle.Active) and system.down and system.up):
        return False
    return service.connection == connection and service.window_ends_at > system.now


def _next_at(system: System) -> float | None:
    """The next deadline of anybody; a live client's own is put off by what it hears."""
    found: list[float] = []
    due_at = lifecycle.next_wakeup(system.service, RULES)
    if due_at is not None and due_at < system.now + 1e5:
        found.append(due_at)
    if system.unheard_at is not None:
        found.append(system.unheard_at + NOTICED_S)
    for client in system.clients:
        at = engine.next_wakeup(client.state)
        if at is not None and not isinstance(client.state.phase, Live):
            found.append(at)
    for message in system.messages:
        if not _arrives(system, message) and message.kind not in ("goodbye", "evidence"):
            wait_s = message.data[2] if message.kind == "status" else 0.0
            found.append(message.ready_at if system.now < message.ready_at else 0.0)
            found[-1] = max(found[-1], message.ready_at + wait_s)
    return max(system.now, min(found)) if found else None


def _sample(packet_at: float, rtp_at: float) -> ConnectionSample:
    return ConnectionSample(packet_at, rtp_at, rtp_at, 1, 1 / 60, 0.04, 0.0, proved_sent_at=rtp_at)


def _half() -> float:
    return 0.5


def _plain(state: State) -> State:
    """Without what only tells of the past, and changes nothing that is to come."""
    facts = replace(state.facts, latencies_s=(), stale_events=0, back_at=None, ticket_saved_at=0.0)
    return State(state.phase, facts)


# --- one step -------------------------------------------------------------------------------------


class _Turn:
    """One thing that happens, and what follows at once."""

    def __init__(self, system: System) -> None:
        self.now = system.now
        self.clients = list(system.clients)
        self.service = system.service
        self.newest = system.newest
        self.answered = system.answered
        self.offered = system.offered
        self.flight = system.flight
        self.held = system.held
        self.accepted = system.accepted
        self.connected_look_at = system.connected_look_at
        self.unheard_at = system.unheard_at
        self.messages = list(system.messages)
        self.down, self.up = system.down, system.up
        self.silent = system.silent
        self.budget = system.budget
        self.broken: list[tuple[str, str]] = []

    def freeze(self) -> System:
        system = self.look()
        # What flows now is heard now.
        for number, client in enumerate(self.clients):
            shown = client.state.facts.shown
            if shown is None or _connected(system) != shown or not self.down:
                continue
            heard = replace(client, heard_at=self.now)
            if shown not in self.silent:
                heard = replace(heard, rtp_at=self.now)
            self.clients[number] = heard
        unheard_at = self.unheard_at
        if _unheard(system) is None:
            unheard_at = None
        elif unheard_at is None:
            unheard_at = self.now
        return replace(system, clients=tuple(self.clients), unheard_at=unheard_at)

    def look(self) -> System:
        return System(
            now=self.now,
            clients=tuple(self.clients),
            service=self.service,
            newest=self.newest,
            answered=self.answered,
            offered=self.offered,
            flight=self.flight,
            held=self.held,
            accepted=self.accepted,
            connected_look_at=self.connected_look_at,
            unheard_at=self.unheard_at,
            messages=tuple(self.messages),
            down=self.down,
            up=self.up,
            silent=self.silent,
            budget=self.budget,
        )

    def breaks(self, rule: str, what: str) -> None:
        self.broken.append((rule, what))

    def spend(self, **spent: int) -> None:
        left = {name: getattr(self.budget, name) - count for name, count in spent.items()}
        self.budget = replace(self.budget, **left)

    def send(self, kind: str, client: int, *data: Any, after_s: float = 0.0) -> None:
        self.messages.append(Message(kind, client, self.now + after_s, data))

    # --- the network ------------------------------------------------------------------------------

    def lose(self, index: int) -> None:
        self.spend(losses=1)
        message = self.messages.pop(index)
        if message.kind in ("create", "status"):
            # Whoever asked learns nothing but that time is up.
            return

    def repeat(self, index: int) -> None:
        self.spend(repeats=1)
        self.messages.append(self.messages[index])
        self.deliver(index)

    def cut(self, *, down: bool, up: bool) -> None:
        self.spend(cuts=1)
        self.down, self.up = down, up

    def mend(self) -> None:
        self.down = self.up = True

    def silence(self, connection: int) -> None:
        self.spend(dead_media=1)
        self.silent |= {connection}

    def host_closes(self, connection: int) -> None:
        self.spend(closes=1)
        self.notice(connection)

    def pass_time(self, at: float) -> None:
        """To the next deadline, and its owner is told; who plays has played until then."""
        self.now = at
        system = self.look()
        for number, client in enumerate(self.clients):
            phase = client.state.phase
            if isinstance(phase, Live) and flows(system, phase.connection):
                self.give(number, events.Sampled(phase.connection, _sample(at, at)))
        self.serve(lifecycle.TimerDue())
        unheard, since_at = _unheard(self.look()), self.unheard_at
        if unheard is not None and since_at is not None and since_at + NOTICED_S <= self.now:
            self.notice(unheard)
        for number, client in enumerate(self.clients):
            if isinstance(client.state.phase, Live):
                continue
            due_at = engine.next_wakeup(client.state)
            if due_at is not None and due_at <= self.now:
                self.give(number, events.WakeupDue())

    def deliver(self, index: int) -> None:
        kind, client, _, data = self.messages.pop(index)
        match kind:
            case "create":
                self.create(client, *data)
            case "status":
                self.status(client, *data)
            case "goodbye":
                self.notice(data[0])
            case "event":
                self.give(client, data[0])
            case "evidence":
                if data[0] in self.clients[client].opened:
                    told = events.HardEvidenceSeen(data[0], HardEvidence.DTLS_CLOSED)
                    self.give(client, told)
            case "reply":
                self.reply(client, data[0])
            case "view":
                looking, event = data
                if looking == self.clients[client].looking:
                    self.give(client, event)
            case _:
                raise AssertionError(kind)

    # --- the service and its host -----------------------------------------------------------------

    def serve(self, event: lifecycle.Event) -> lifecycle.Outcome:
        self.service, outcome = lifecycle.step(self.service, event, self.now, RULES)
        return outcome

    def notice(self, connection: int) -> None:
        before = self.service
        self.serve(lifecycle.ClientGone(connection))
        if self.service is before:
            return
        for number, client in enumerate(self.clients):
            if connection in client.opened:
                self.send("evidence", number, connection)

    def service_answers(self) -> None:
        flight, self.flight = self.flight, None
        assert flight is not None
        if not isinstance(
            self.serve(lifecycle.CreateAnswered(flight.connection)), lifecycle.Accepted
        ):
            self.refuse(flight)
            return
        self.held = flight.connection
        if fence.keeps_answer(flight.attempt, self.newest[0]):
            self.answered = True
        for client, number in flight.waiting:
            answer = f"answer {flight.connection}"
            arrived = events.AnswerArrived(AttemptNumber(flight.attempt), number, self.now, answer)
            self.send("reply", client, arrived)

    def service_fails(self) -> None:
        self.spend(failures=1)
        flight, self.flight = self.flight, None
        assert flight is not None
        self.serve(lifecycle.CreateFailed(flight.connection))
        self.refuse(flight)

    def refuse(self, flight: Flight) -> None:
        for client, number in flight.waiting:
            self.fail(client, flight.attempt, number, Failure(FailureKind.OUTCOME_UNKNOWN))

    # --- the backend ------------------------------------------------------------------------------

    def fail(self, client: int, attempt: int, number: int, failure: Failure) -> None:
        failed = events.ReconnectFailed(AttemptNumber(attempt), number, self.now, failure)
        self.send("reply", client, failed)

    def create(self, client: int, attempt: int, number: int, connection: int) -> None:
        newest, offer = self.newest
        became = fence.claim(
            attempt,
            newest,
            same_bytes=connection == offer,
            offered_before=connection in self.offered,
        )
        if became is Claim.STALE:
            self.fail(client, attempt, number, Failure(FailureKind.STALE_ATTEMPT))
            return
        if became is Claim.REUSED:
            self.fail(client, attempt, number, Failure(FailureKind.REUSED_OFFER))
            return
        if became is Claim.NEW:
            self.newest, self.answered = (attempt, connection), False
            self.offered |= {connection}
        if self.answered and self.newest == (attempt, connection):
            answer = f"answer {connection}"
            arrived = events.AnswerArrived(AttemptNumber(attempt), number, self.now, answer)
            self.send("reply", client, arrived)
        elif self.flight is not None and self.flight.attempt == attempt:
            waiting = (*self.flight.waiting, (client, number))
            self.flight = replace(self.flight, waiting=waiting)
        elif self.flight is not None:
            busy = Failure(FailureKind.CONFLICT, 409, "IN_FLIGHT", retry_after_s=1.0)
            self.fail(client, attempt, number, busy)
        else:
            self.fly(client, attempt, number, connection)

    def fly(self, client: int, attempt: int, number: int, connection: int) -> None:
        if attempt < self.accepted:
            self.breaks("FENCE", f"attempt {attempt} reaches the service after {self.accepted}")
        outcome = self.serve(lifecycle.CreateRequested(connection))
        if isinstance(outcome, lifecycle.Refused):
            refused = Failure(FailureKind.CONFLICT, 409, "", session_status=outcome.status)
            self.fail(client, attempt, number, refused)
            return
        self.accepted = max(self.accepted, attempt)
        self.flight = Flight(attempt, connection, ((client, number),))

    def status(self, client: int, looking: int, known: str | None, wait_s: float) -> None:
        del known, wait_s
        # Whoever asked has waited since the request was sent, or less: the proof is of then.
        asked_at = self.now
        event = events.StatusArrived(asked_at, self.view())
        self.send("view", client, looking, event)

    def view(self) -> SessionView:
        self.serve(lifecycle.TimerDue())
        status = self.service.status
        if status == service_status.CONNECTED:
            self.connected_look_at = self.now
        remaining = None
        if self.connected_look_at is not None and status != service_status.ACTIVE:
            remaining = RemainingKnowledge(TIMEOUT_S, self.now - self.connected_look_at)
        ready = service_status.is_live(status)
        return SessionView(
            SESSION,
            status,
            lifecycle.reason_of(self.service),
            connection_timeout_s=TIMEOUT_S,
            remaining=remaining,
            signal_request_sha256=f"sha-{self.held}",
            signal_response=f"answer {self.held}" if ready else None,
            attempt=AttemptNumber(self.newest[0]),
        )

    # --- clients ----------------------------------------------------------------------------------

    def reply(self, number: int, event: events.AnswerArrived | events.ReconnectFailed) -> None:
        client = self.clients[number]
        if client.call is not None and client.call[:2] == (event.attempt, event.try_number):
            self.clients[number] = replace(client, call=None)
        self.give(number, event)

    def hears_nothing(self, number: int, connection: ConnectionNumber) -> None:
        """As long as it takes the detector to say LOST, or NO_MEDIA."""
        client = self.clients[number]
        still = self.down and _connected(self.look()) == connection
        health = client.state.facts.health
        assert health is not None
        at = client.heard_at + POLICY.lost_min_s + 0.1
        if still:
            at = client.rtp_at + POLICY.no_media_after_s + 0.1
            if health.level is HealthLevel.NO_MEDIA:
                at = health.since_at + POLICY.no_media_patience_s + 0.1
        self.now = max(self.now, at)
        packet_at = self.now if still else client.heard_at
        self.serve(lifecycle.TimerDue())
        self.give(number, events.Sampled(connection, _sample(packet_at, client.rtp_at)))

    def hears_again(self, number: int, connection: ConnectionNumber) -> None:
        self.now += 0.1
        self.serve(lifecycle.TimerDue())
        self.give(number, events.Sampled(connection, _sample(self.now, self.now)))

    def come_up(self, number: int, connection: ConnectionNumber) -> None:
        self.serve(lifecycle.ClientConnected(connection))
        for event in (
            events.ConnectionOpened(connection),
            events.InputOpened(connection),
            events.FirstFrameDecoded(connection),
        ):
            self.give(number, event)

    def crash(self, number: int) -> None:
        """Gone without a word, and back with the ticket."""
        self.spend(crashes=1)
        client = self.clients[number]
        self.clients[number] = self.newcomer(client, client.state.facts.connections)
        self.messages = [message for message in self.messages if _outlives(message, number)]
        self.give(number, events.RejoinRequested(_seat(client)))

    def second(self) -> None:
        self.spend(seconds=1)
        first = self.clients[0]
        self.clients.append(self.newcomer(first, 100))
        self.give(1, events.RejoinRequested(_seat(first)))

    def newcomer(self, before: Client, connections: int) -> Client:
        facts = Facts(connections=connections)
        return Client(State(facts=facts), before.seat, looking=before.looking + 1)

    def give(self, number: int, event: events.Event) -> None:
        before = self.clients[number]
        after, todo = engine.step(before.state, event, self.now, POLICY, _half)
        after = _plain(after)
        self.clients[number] = replace(before, state=after)
        if not isinstance(after.phase, Requesting):
            self.clients[number] = replace(self.clients[number], call=None)
        for command in todo:
            self.obey(number, command, before.state, after)
        self.judge(number, before.state, after)

    def obey(self, number: int, command: commands.Command, before: State, after: State) -> None:
        client = self.clients[number]
        match command:
            case commands.MakeOffer(connection):
                self.clients[number] = replace(client, opened=client.opened | {connection})
                made = events.OfferMade(connection, f"sha-{connection}", f"offer {connection}")
                self.send("event", number, made)
            case commands.PollStatus():
                looking = client.looking + 1
                self.clients[number] = replace(client, looking=looking)
                self.messages = [
                    each
                    for each in self.messages
                    if not (each.client == number and each.kind in ("status", "view"))
                ]
                self.send(
                    "status",
                    number,
                    looking,
                    command.known,
                    command.wait_s,
                    after_s=command.after_s,
                )
            case commands.Reconnect():
                self.ask(number, command, after)
            case commands.ApplyAnswer(connection, answer):
                if answer != f"answer {connection}":
                    self.breaks("I1", f"{answer} is applied to {connection}")
            case commands.StartChecks(connection):
                self.clients[number] = replace(client, checking=client.checking | {connection})
            case commands.StopChecks(connection):
                self.clients[number] = replace(client, checking=client.checking - {connection})
            case commands.Mute(connection):
                self.clients[number] = replace(client, muted=client.muted | {connection})
            case commands.Unmute(connection):
                self.clients[number] = replace(client, muted=client.muted - {connection})
            case commands.SayGoodbye(connection):
                self.leave(number, connection, closed=False)
                self.send("event", number, events.GoodbyeSaid(connection), after_s=0.06)
            case commands.CloseConnection(connection):
                early = not isinstance(after.phase, Live | Ended) and after.facts.session_id
                if early and connection == before.facts.shown:
                    self.breaks("KEEP", f"{connection} is closed before another plays")
                self.leave(number, connection, closed=True)
            case commands.SaveTicket(seat):
                self.clients[number] = replace(client, seat=seat)
            case commands.DeleteTicket():
                self.clients[number] = replace(client, seat=None)
            case _:
                pass

    def leave(self, number: int, connection: int, *, closed: bool) -> None:
        client = self.clients[number]
        if _connected(self.look()) == connection:
            self.send("goodbye", number, connection)
        self.clients[number] = replace(
            client,
            muted=client.muted | {connection},
            checking=client.checking - {connection},
            opened=client.opened - {connection} if closed else client.opened,
        )

    def ask(self, number: int, command: commands.Reconnect, after: State) -> None:
        client = self.clients[number]
        attempt, connection = command.attempt, command.connection
        if client.call is not None and self.now < client.call[2]:
            self.breaks("I4", "two create calls are in flight")
        for other_attempt, other_connection in client.sent:
            if (other_attempt == attempt) != (other_connection == connection):
                self.breaks("I3", f"attempt {attempt} sends offer {connection}")
        latest_at = last_start_at(after)
        if latest_at is not None and self.now > latest_at + 1e-6:
            self.breaks("I2", "a create request starts too late")
        self.clients[number] = replace(
            client,
            call=(attempt, command.try_number, self.now + command.budget_s),
            sent=tuple(sorted({*client.sent, (attempt, connection)})),
        )
        self.send("create", number, attempt, command.try_number, connection)
        written = events.RequestWritten(attempt, command.try_number)
        self.give(number, written)

    def judge(self, number: int, before: State, after: State) -> None:
        phase, facts = after.phase, after.facts
        wakeup_at = engine.next_wakeup(after)
        if not isinstance(phase, Idle | Ended) and (
            wakeup_at is None or wakeup_at > self.now + 1e5
        ):
            self.breaks("I5", f"{type(phase).__name__} would wait for ever")
        if isinstance(phase, Ended):
            self.judge_end(number, before, phase)
            return
        if isinstance(phase, ConfirmingEnd) and phase.fallback.kind is EndingKind.UNCONFIRMED:
            self.judge_giving_up(after)
        ends_at = lifecycle.window_ends_at(self.service)
        shown_at = facts.window.shown_at
        checking = facts.window.checking_since_at is not None
        if not isinstance(phase, Live) and not checking and None not in (ends_at, shown_at):
            assert ends_at is not None
            assert shown_at is not None
            if shown_at > ends_at + 1e-3:
                self.breaks("I8", f"the deadline is shown {shown_at - ends_at:.3f} s too late")
        healed = (
            isinstance(phase, Live)
            and not isinstance(before.phase, Live | Connecting)
            and phase.connection == before.facts.shown
        )
        if healed and self.create_under_way(number):
            self.breaks("HEAL", f"{facts.shown} is back while a create call is under way")

    def create_under_way(self, number: int) -> bool:
        flying = self.flight is not None and any(who == number for who, _ in self.flight.waiting)
        return flying or any(
            message.kind == "create" and message.client == number for message in self.messages
        )

    def judge_end(self, number: int, before: State, phase: Ended) -> None:
        status = phase.ending.status
        if phase.ending.kind is EndingKind.GAME_ENDED and not service_status.is_terminal(
            status or ""
        ):
            self.breaks("I6", "the game is said to have ended, and the service never said so")
        if self.clients[number].opened:
            self.breaks("I9", f"connections {sorted(self.clients[number].opened)} stay open")
        if phase.ending.kind is EndingKind.UNCONFIRMED:
            self.judge_giving_up(before)

    def judge_giving_up(self, state: State) -> None:
        latest_at = last_start_at(state)
        if latest_at is not None and self.now < latest_at - 1e-6:
            self.breaks("I2", "trying was given up too early")


def _seat(client: Client) -> RejoinState:
    assert client.seat is not None
    return client.seat


def _outlives(message: Message, number: int) -> bool:
    """Whether a message is still worth something when this client has crashed."""
    return message.client != number or message.kind in ("create", "goodbye")


def last_start_at(state: State) -> float | None:
    """What Rule 5 of `session` says, told again from the facts: latest deadline - T_need."""
    episode = getattr(state.phase, "episode", None)
    window = state.facts.window
    if episode is None or window.timeout_s is None:
        return None
    proved_at = episode.dropped_at if window.proved_at is None else window.proved_at
    if window.unseen_until_at is not None:
        proved_at = max(proved_at, window.unseen_until_at)
    latest_at = proved_at + window.timeout_s + POLICY.notice_delay_max_s
    return float(latest_at - POLICY.need_unmeasured_s)
