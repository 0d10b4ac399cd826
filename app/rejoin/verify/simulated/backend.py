"""The studio's backend: calls have a latency, fail as the world says, or reach the service."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, assert_never

from rejoin.core import commands, events
from rejoin.core.model import RemainingKnowledge, SessionId, SessionView
from rejoin.core.retry import Failure, FailureKind
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify import invariants
from rejoin.verify.environment import BackendChange, Change, CreateTrouble, World
from rejoin.verify.simulated.clock import VirtualClock
from rejoin.verify.simulated.connections import Connection
from rejoin.verify.simulated.service import SimulatedService

SESSION = SessionId("simulated")
_POLL_EVERY_S = 0.2
"""How often the backend polls the service while it holds a long poll."""
_RETRY_AFTER_S = 3.0
_QUEUE_S = 5.0
"""How long it is from the end of the queue of reconnects until the turn comes."""
_ASK_AFTER_S = 1.0
_DRIP_S = 4.0
"""How late an answer is complete that arrives byte by byte."""

_FAILURES: Final = {
    Change.BACKEND_DOWN: FailureKind.NOT_SENT,
    Change.BACKEND_PORTAL: FailureKind.NOT_BACKEND,
    Change.BACKEND_UNTRUSTED: FailureKind.TLS,
}


class SimulatedBackend:
    """`deliver` passes an event to the client. `failure`: how every call fails now, or None.

    `queues`: whether it has a queue of reconnects; those of AWS's samples throttle instead.
    """

    def __init__(
        self,
        world: World,
        clock: VirtualClock,
        service: SimulatedService,
        deliver: Callable[[events.Event], None],
        *,
        queues: bool = True,
    ) -> None:
        self.failure: FailureKind | None = None
        self.answers_arrive = True
        self.troubles: deque[CreateTrouble] = deque()
        self.turn: _Turn | None = None
        """The place of the game in the queue; None: nobody has to wait."""
        self.answered_tokens: set[str] = set()
        self.life = 0
        self._poll = 0
        self._connected_seen_at: float | None = None
        self.world = world
        self.clock = clock
        self.service = service
        self.deliver = deliver
        self.queues = queues

    @property
    def works(self) -> bool:
        """Whether a call that begins now would get an answer from the backend."""
        waits = self.turn is not None and self.clock.now < self.turn.at
        return self.failure is None and self.answers_arrive and not self.troubles and not waits

    @property
    def can_end(self) -> bool:
        """Whether a call that ends the game would succeed, and its answer arrive."""
        state = self.service.state
        placed = state is not None and state.status != service_status.ACTIVATING
        return placed and self.failure is None and self.answers_arrive

    def change(self, change: BackendChange) -> None:
        """Change how calls succeed or fail: all from now on, or only the next create call."""
        match change:
            case Change.BACKEND_DOWN | Change.BACKEND_PORTAL | Change.BACKEND_UNTRUSTED:
                self.failure = _FAILURES[change]
            case Change.ANSWERS_LOST:
                self.answers_arrive = False
            case Change.BACKEND_UP | Change.ANSWERS_KEPT:
                self.failure = None
                self.answers_arrive = True
            case (
                Change.CREATE_THROTTLED
                | Change.CREATE_QUEUED
                | Change.CREATE_FAILS
                | Change.CREATE_HANGS
                | Change.CREATE_RESET
                | Change.CREATE_DRIPS
            ):
                self.troubles.append(change)
            case _:
                assert_never(change)

    def client_crashed(self) -> None:
        """Answers to the calls in flight will not be delivered."""
        self._poll += 1
        self.life += 1

    # --- starting and ending a game ---------------------------------------------------------------

    def start(self, command: commands.StartSession, connection: Connection) -> None:
        """The client requests a new game."""
        if self.failure is not None:
            failed = events.StartFailed(command.attempt, Failure(self.failure))
            self.clock.after(self.world.backend_s, partial(self.deliver, failed))
            return
        started = partial(self._started, command, connection, self.clock.now)
        self.clock.after(self.world.backend_s, started)

    def _started(
        self, command: commands.StartSession, connection: Connection, requested_at: float
    ) -> None:
        if self.service.state is None:
            self.service.start(connection.sha256)
            placed = lifecycle.Placed(command.connection)
            self.clock.after(self.world.placement_s, partial(self.service.step, placed))
        self.deliver(events.SessionStarted(command.attempt, requested_at, self._view()))

    def terminate(self) -> None:
        """The client ends the game."""
        self.clock.after(self.world.backend_s, self._terminated)

    def _terminated(self) -> None:
        if self.failure is not None:
            self.deliver(events.TerminateFailed(Failure(self.failure)))
            return
        outcome = self.service.step(lifecycle.TerminateRequested())
        if isinstance(outcome, lifecycle.Refused):  # ACTIVATING, as `backend.broker` says it
            refused = Failure(FailureKind.CONFLICT, session_status=outcome.status)
            self.deliver(events.TerminateFailed(refused))
            return
        self.service.step(lifecycle.TerminateDone())
        if self.answers_arrive:
            self.deliver(events.SessionTerminated())

    # --- the status -------------------------------------------------------------------------------

    def poll_status(self, command: commands.PollStatus) -> None:
        """The client polls the status; a newer poll replaces an older one."""
        self._poll += 1
        self.clock.after(command.after_s, partial(self._poll_begins, command, self._poll))

    def _poll_begins(self, command: commands.PollStatus, poll: int) -> None:
        now = self.clock.now
        self._poll_service(command, poll, now, now + command.wait_s)

    def _poll_service(
        self, command: commands.PollStatus, poll: int, requested_at: float, until_at: float
    ) -> None:
        """Answer if the status differs from the known one or the wait is over, else poll again."""
        if poll != self._poll:
            return
        if self.failure is not None:
            self._answer_poll(poll, events.StatusFailed(requested_at, Failure(self.failure)))
            return
        view = self._view()
        if view.status == command.known and self.clock.now + _POLL_EVERY_S <= until_at:
            again = partial(self._poll_service, command, poll, requested_at, until_at)
            self.clock.after(_POLL_EVERY_S, again)
            return
        age_s = self.world.backend_s / 2
        if view.remaining is not None:
            older = replace(view.remaining, age_s=view.remaining.age_s + age_s)
            view = replace(view, remaining=older)
        self._answer_poll(poll, events.StatusArrived(requested_at, view))

    def _answer_poll(self, poll: int, event: events.StatusArrived | events.StatusFailed) -> None:
        self.clock.after(self.world.backend_s, partial(self._poll_answered, poll, event))

    def _poll_answered(self, poll: int, event: events.StatusArrived | events.StatusFailed) -> None:
        if poll == self._poll:
            self.deliver(event)

    def _view(self) -> SessionView:
        state = self.service.state
        assert state is not None
        status = state.status
        if status == service_status.CONNECTED:
            self._connected_seen_at = self.clock.now
        world = self.world
        timeout_s = world.reported_timeout_s or world.rules.connection_timeout_s
        remaining = None
        if self._connected_seen_at is not None and status != service_status.ACTIVE:
            age_s = self.clock.now - self._connected_seen_at
            remaining = RemainingKnowledge(timeout_s, age_s)
        ready = service_status.is_live(status) and status != service_status.ACTIVATING
        return SessionView(
            SESSION,
            status,
            lifecycle.reason_of(state),
            connection_timeout_s=timeout_s,
            remaining=remaining,
            signal_request_sha256=self.service.held,
            signal_response=f"answer {self.service.held}" if ready else None,
        )

    # --- create calls -----------------------------------------------------------------------------

    def reconnect(self, command: commands.Reconnect, connection: Connection) -> None:
        """The client requests a reconnect."""
        _CreateCall(self, command, connection, self.clock.now, self.life).begin()

    def joins_queue(self) -> None:
        """The game gets a place at the end of the queue."""
        now = self.clock.now
        self.turn = _Turn(now + _QUEUE_S, now)

    def before_its_turn(self) -> Failure | None:
        """The refusal of a create call that has to wait. A place that lapsed is at the end."""
        now = self.clock.now
        if self.turn is not None and now > self.turn.kept_until_at:
            self.joins_queue()
        if self.turn is None or now >= self.turn.at:
            self.turn = None
            return None
        in_s = self.turn.at - now
        kept_until_at = now + _ASK_AFTER_S + invariants.PLACE_KEPT_S
        self.turn = replace(self.turn, kept_until_at=kept_until_at)
        return Failure(
            FailureKind.QUEUED,
            429,
            "THROTTLED",
            retry_after_s=_ASK_AFTER_S,
            place=math.ceil(in_s),
            turn_in_s=in_s,
        )


@dataclass(frozen=True, slots=True)
class _Turn:
    """A place in the queue. `at`: when its turn comes, if the client keeps asking until then."""

    at: float
    kept_until_at: float


@dataclass(frozen=True, slots=True)
class _CreateCall:
    """One create call, from the client through the backend to the service and back."""

    backend: SimulatedBackend
    command: commands.Reconnect
    connection: Connection
    requested_at: float
    life: int

    def begin(self) -> None:
        backend = self.backend
        if backend.failure is not None:
            self._fail(Failure(backend.failure), backend.world.backend_s)
            return
        written = events.RequestWritten(self.command.attempt, self.command.try_number)
        backend.clock.after(0.0, partial(self._deliver, written))
        backend.clock.after(backend.world.backend_s, self._arrived)

    def _arrived(self) -> None:
        backend, unknown = self.backend, FailureKind.OUTCOME_UNKNOWN
        back_s = backend.world.backend_s
        trouble = backend.troubles.popleft() if backend.troubles else None
        if trouble is Change.CREATE_QUEUED:
            trouble = None if backend.queues else Change.CREATE_THROTTLED
            if backend.queues:
                backend.joins_queue()
        not_yet = backend.before_its_turn()
        if not_yet is not None:
            self._fail(not_yet, back_s)
            return
        match trouble:
            case Change.CREATE_THROTTLED:
                throttled = Failure(FailureKind.THROTTLED, retry_after_s=_RETRY_AFTER_S)
                self._fail(throttled, back_s)
            case Change.CREATE_FAILS:
                self._fail(Failure(unknown, http_status=500), back_s)
            case Change.CREATE_HANGS:
                self._fail(Failure(unknown), self.command.budget_s)
            case Change.CREATE_RESET | Change.CREATE_DRIPS | None:
                self._call_service(trouble)
            case _:
                assert_never(trouble)

    def _call_service(self, trouble: CreateTrouble | None) -> None:
        backend = self.backend
        if self.command.token in backend.answered_tokens:
            self._answer(trouble)
            return
        outcome = backend.service.step(lifecycle.CreateRequested(self.command.connection))
        if isinstance(outcome, lifecycle.Refused):
            conflict = Failure(FailureKind.CONFLICT, http_status=409, session_status=outcome.status)
            self._fail(conflict, backend.world.backend_s)
            return
        backend.clock.after(backend.world.create_s, partial(self._service_answered, trouble))

    def _service_answered(self, trouble: CreateTrouble | None) -> None:
        service = self.backend.service
        service.step(lifecycle.CreateAnswered(self.command.connection))
        service.held = self.connection.sha256
        self.backend.answered_tokens.add(self.command.token)
        self._answer(trouble)

    def _answer(self, trouble: CreateTrouble | None) -> None:
        backend, command = self.backend, self.command
        back_s = backend.world.backend_s
        if trouble is Change.CREATE_RESET or not backend.answers_arrive:
            self._fail(Failure(FailureKind.OUTCOME_UNKNOWN), back_s)
            return
        late_s = _DRIP_S if trouble is Change.CREATE_DRIPS else 0.0
        answer = f"answer {self.connection.sha256}"
        arrived = events.AnswerArrived(
            command.attempt, command.try_number, self.requested_at, answer
        )
        backend.clock.after(back_s + late_s, partial(self._deliver, arrived))

    def _fail(self, failure: Failure, delay_s: float) -> None:
        command = self.command
        failed = events.ReconnectFailed(
            command.attempt, command.try_number, self.requested_at, failure
        )
        self.backend.clock.after(delay_s, partial(self._deliver, failed))

    def _deliver(self, event: events.Event) -> None:
        """The driver drops the calls of a connection that is closed, and of a crashed client."""
        if self.life == self.backend.life and not self.connection.closed:
            self.backend.deliver(event)
