"""The service: the real lifecycle with its timers, and what a trace records of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rejoin.core.model import ConnectionNumber
from rejoin.core.trace import Record, of_service
from rejoin.service_model import lifecycle
from rejoin.service_model.status import is_live
from rejoin.verify.environment import World
from rejoin.verify.simulated.clock import VirtualClock


class SimulatedService:
    """One stream session, from the start of the game on. `state` is None before."""

    def __init__(self, world: World, clock: VirtualClock, record: Callable[[Record], None]) -> None:
        self.state: lifecycle.State | None = None
        self.held: str | None = None
        """SHA-256 of the SignalRequest that the service holds."""
        self._world = world
        self._clock = clock
        self._record = record

    def start(self, sha256: str) -> None:
        """StartStreamSession was accepted, with this SignalRequest."""
        self.state = lifecycle.start(self._clock.now)
        self.held = sha256
        self._record_state(self.state)

    def step(self, event: lifecycle.Event) -> lifecycle.Outcome:
        """One event at the service."""
        assert self.state is not None
        before, rules = self.state, self._world.rules
        self.state, outcome = lifecycle.step(before, event, self._clock.now, rules)
        if self.state is not before:
            self._record_state(self.state)
            due_at = lifecycle.next_wakeup(self.state, rules)
            if due_at is not None:
                self._clock.after(due_at - self._clock.now, partial(self._timer_due, due_at))
        return outcome

    @property
    def connected(self) -> ConnectionNumber | None:
        """The connection that the service considers connected."""
        match self.state:
            case lifecycle.Connected(connection=number):
                return ConnectionNumber(number)
            case _:
                return None

    @property
    def runs(self) -> bool:
        """Whether the game goes on, or may still begin."""
        return self.state is not None and is_live(self.state.status)

    def accepts_create(self) -> bool:
        """Whether a create call that begins now would be answered in time.

        In PENDING_CLIENT_RECONNECTION a call stops the window; in ACTIVE the window runs on while
        the call takes its time.
        """
        match self.state:
            case lifecycle.PendingReconnection():
                return True
            case lifecycle.Active() | lifecycle.ActiveAnswering() as state:
                ends_at = lifecycle.window_ends_at(state)
                takes_s = self._world.create_s + 2 * self._world.backend_s
                return ends_at is not None and self._clock.now + takes_s < ends_at
            case _:
                return False

    def _timer_due(self, due_at: float) -> None:
        """A deadline of the service has come, unless it has moved since."""
        if self.state is not None and due_at == lifecycle.next_wakeup(
            self.state, self._world.rules
        ):
            self.step(lifecycle.TimerDue())

    def _record_state(self, state: lifecycle.State) -> None:
        ends_at = lifecycle.window_ends_at(state)
        self._record(of_service(state.status, self._clock.now, ends_at))
