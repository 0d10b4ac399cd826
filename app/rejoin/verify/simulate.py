"""The engine in a simulated world on a virtual clock: minutes of drops in milliseconds.

The engine and the service's lifecycle are the real ones; network, host, backend and connections are
models (`simulated`). All randomness comes from one seeded stream.

Time jumps while nothing can happen: there are no samples every 50 ms while a stream flows
undisturbed, nor while nothing flows at all.

The trace is checked against the invariants. I7 (a game that could be saved was saved) is checked
here, because it needs the state of the whole world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import assert_never

from rejoin.core import commands, engine, events
from rejoin.core.model import Ending, HardEvidence, HealthLevel, Policy
from rejoin.core.phases import (
    Connecting,
    Ended,
    Facts,
    Idle,
    Live,
    State,
    TerminatingSession,
)
from rejoin.core.retry import Draw
from rejoin.core.ticket import RejoinState
from rejoin.core.trace import Record, Recorder, of_fault
from rejoin.service_model import lifecycle
from rejoin.verify import invariants
from rejoin.verify.detector_score import OUTAGE
from rejoin.verify.environment import (
    DARK,
    Change,
    GameChange,
    Picture,
    PlayerChange,
    Schedule,
    World,
)
from rejoin.verify.simulated.backend import SimulatedBackend
from rejoin.verify.simulated.clock import Callback, VirtualClock
from rejoin.verify.simulated.connections import SimulatedConnections
from rejoin.verify.simulated.promises import Promises
from rejoin.verify.simulated.service import SimulatedService

_EPSILON_S = 1e-6
_OFFER_S = 0.003
_GOODBYE_S = 0.060

_ConnectionCommand = (
    commands.MakeOffer
    | commands.ApplyAnswer
    | commands.RequestKeyFrame
    | commands.StartChecks
    | commands.StopChecks
    | commands.Mute
    | commands.Unmute
    | commands.SayGoodbye
    | commands.CloseConnection
)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `live`: the player was playing when the time was up.

    `freezes_s`: for each episode that ended live, last frame before to first frame after.
    `dropped`: there was an episode. `savable`: during an episode, network and backend worked for
    `invariants.SAVABLE_S` while the service would have taken the client back. `ticket`: the one
    with which the client could start again.
    """

    live: bool
    ending: Ending | None
    freezes_s: tuple[float, ...]
    attempts: int
    dropped: bool
    savable: bool
    ticket: RejoinState | None
    violations: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)


Observer = Callable[[State, events.Event, State], None]
"""Called with every step: the state before, the event, the state after."""


def simulate(
    world: World,
    *,
    draw: Draw,
    for_s: float = 60.0,
    policy: Policy | None = None,
    observer: Observer | None = None,
) -> RunOutcome:
    """Start a game; once it is live, let the faults happen; stop `for_s` after it became live."""
    return _Run(world, policy or Policy(), draw, observer).play(for_s)


class _Run:
    """One run: the engine and the parts of the world; it decides what happens next."""

    def __init__(self, world: World, policy: Policy, draw: Draw, observer: Observer | None) -> None:
        self.world = world
        self.policy = policy
        self.draw = draw
        self.observer = observer
        self.clock = VirtualClock(1000.0)
        self.last_event_at = self.sampled_at = self.clock.now
        self.records: list[Record] = []
        self.service = SimulatedService(world, self.clock, self.records.append)
        self.connections = SimulatedConnections(
            world, policy, self.clock, self.service, self.handle
        )
        self.backend = SimulatedBackend(
            world, self.clock, self.service, self.handle, queues=policy.forwards_token
        )
        self.recovery = invariants.RecoveryWatch(self.clock.now)
        self.promises = Promises(world, self.connections, self.service, policy)
        # The client.
        self.state = State()
        self.ticket: RejoinState | None = None
        self.crashed_at: float | None = None
        self.asleep_since_at: float | None = None
        self.missed: list[events.Event] = []
        """What arrived while the client was asleep."""
        self.went_live_at: float | None = None
        self.freezes_s: list[float] = []
        self.over_at = inf
        """When the server's word that the game is over arrives."""
        self.asked_after_the_end: invariants.Violation | None = None
        self._recorder = Recorder(self.records.append, policy)

    # --- time -------------------------------------------------------------------------------------

    def play(self, for_s: float) -> RunOutcome:
        clock = self.clock
        clock.after(0.0, partial(self.handle, events.StartRequested()))
        self.schedule(self.world.at_start)
        limit_at, stops_at = clock.now + self.policy.start_deadline_s + for_s, inf
        while not isinstance(self.state.phase, Ended):
            at, action = self.next()
            if at >= min(stops_at, limit_at):
                clock.now = max(clock.now, min(stops_at, limit_at))
                break
            clock.now = max(clock.now, at)
            self.connections.flow(self.last_event_at)
            action()
            self.last_event_at = clock.now
            self.watch_recovery()
            awake = self.asleep_since_at is None
            can_end = self.backend.can_end
            self.promises.watch(self.state, clock.now, awake=awake, can_end=can_end)
            if self.went_live_at is not None and stops_at == inf:
                stops_at = self.went_live_at + for_s
        return self.outcome()

    def next(self) -> tuple[float, Callback]:
        """What happens next: something scheduled, the engine's wake-up, or a sample."""
        at = self.clock.next_at
        if self.undisturbed():
            return at, self.happens_next
        awake = self.asleep_since_at is None
        wakeup_at = engine.next_wakeup(self.state) if awake else None
        sample_at = self.next_sample_at()
        if wakeup_at is not None and wakeup_at + _EPSILON_S < min(at, sample_at):
            return wakeup_at + _EPSILON_S, partial(self.handle, events.WakeupDue())
        if sample_at < at:
            return sample_at, self.sample
        return at, self.happens_next

    def happens_next(self) -> None:
        if self.undisturbed():
            self.sample()  # the last one before something happens
        self.clock.pop()()

    def undisturbed(self) -> bool:
        """Whether the stream flows in both directions and the engine has no doubt about that."""
        phase, health = self.state.phase, self.state.facts.health
        if not isinstance(phase, Live) or health is None or self.asleep_since_at is not None:
            return False
        connection = self.connections[phase.connection]
        return (
            health.level is HealthLevel.HEALTHY
            and phase.checking_since_at is None
            and self.state.facts.sample is not None
            and self.connections.flows(connection)
            and connection.picture is Picture.ARRIVES
            and self.connections.host_hears(connection)
            and connection is self.connections.current
            and self.last_event_at - connection.last_packet_at <= self.policy.sample_every_s
        )

    def next_sample_at(self) -> float:
        """When the next sample can make a difference, or the service notices a silence."""
        at = self.connections.silence_noticed_at
        sampled = isinstance(self.state.phase, Live) or (
            not isinstance(self.state.phase, Connecting)
            and any(self.connections.arrives(each) for each in self.connections if each.framed)
        )
        if sampled and self.asleep_since_at is None:
            at = min(at, self.sampled_at + self.policy.sample_every_s)
        return max(at, self.last_event_at + _EPSILON_S)

    def sample(self) -> None:
        """The client samples its connections; the service notices a client that is silent."""
        self.sampled_at = self.clock.now
        self.connections.notice_silence()
        if self.asleep_since_at is not None:
            return
        for connection in self.connections:
            if not connection.framed or connection.closed:
                continue
            if not isinstance(self.state.phase, Connecting):
                sample = self.connections.sample(connection)
                self.handle(events.Sampled(connection.number, sample))

    def watch_recovery(self) -> None:
        """Note for I7 whether everything works that the player needs to get back."""
        phase, paths = self.state.phase, self.connections
        client_runs = self.asleep_since_at is None and not isinstance(phase, Idle)
        path_works = paths.down and paths.up and paths.media and paths.handshakes
        back_or_done = isinstance(phase, Live | TerminatingSession)
        dropped = self.went_live_at is not None and not back_or_done
        self.recovery.update(
            self.clock.now,
            working=client_runs and path_works and self.backend.works,
            accepting=dropped and self.service.accepts_create(),
        )

    def outcome(self) -> RunOutcome:
        phase, now = self.state.phase, self.clock.now
        live, ended = isinstance(phase, Live), isinstance(phase, Ended)
        found = (*invariants.violations(self.records), *self.promises.broken)
        if self.asked_after_the_end is not None:
            found = (*found, self.asked_after_the_end.at(self.over_at))
        never_started = self.went_live_at is None and isinstance(phase, Idle)
        if not live and not never_started:
            lost = self.recovery.violation(now, over=ended)
            found = found if lost is None else (*found, lost.at(now))
        return RunOutcome(
            live=live,
            ending=phase.ending if isinstance(phase, Ended) else None,
            freezes_s=tuple(self.freezes_s),
            attempts=self.state.facts.attempts,
            dropped=self.state.facts.episodes > 0,
            savable=self.recovery.savable,
            ticket=self.ticket,
            violations=found,
            records=tuple(self.records),
        )

    # --- the engine -------------------------------------------------------------------------------

    def handle(self, event: events.Event) -> None:
        """Pass an event to the engine, carry out its commands. A sleeping client gets it later."""
        if self.asleep_since_at is not None:
            self.missed.append(event)
            return
        before, now = self.state, self.clock.now
        self._recorder.event(event, now)
        self.state, todo = engine.step(before, event, now, self.policy, self.draw)
        self.promises.step(before, event, self.state, now)
        if self.observer is not None:
            self.observer(before, event, self.state)
        self._recorder.state(self.state, now)
        for command in todo:
            self._recorder.command(command, now)
            if isinstance(command, commands.ShowConnection):
                self.note_freeze(before)
            self.carry_out(command)
        if self.went_live_at is None and isinstance(self.state.phase, Live):
            self.went_live_at = now
            self.schedule(self.world.faults)

    def note_freeze(self, before: State) -> None:
        """A new connection is shown: the freeze of its episode is over."""
        if isinstance(before.phase, Connecting) and before.phase.episode is not None:
            dropped_at = before.phase.episode.dropped_at
            if before.facts.shown is None and self.crashed_at is not None:
                dropped_at = self.crashed_at
            self.freezes_s.append(self.clock.now - dropped_at)

    def carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.StartSession(connection=number):
                self.backend.start(command, self.connections[number])
            case commands.PollStatus():
                self.backend.poll_status(command)
            case commands.Reconnect(connection=number):
                self.promises.asks(self.state, self.clock.now)
                if self.clock.now > self.over_at and not self.policy.reports_status:
                    asked = invariants.asked_after_the_end(self.clock.now, self.over_at)
                    self.asked_after_the_end = self.asked_after_the_end or asked
                self.backend.reconnect(command, self.connections[number])
            case commands.TerminateSession():
                self.backend.terminate()
            case commands.SaveTicket(ticket):
                self.ticket = ticket
            case commands.DeleteTicket():
                self.ticket = None
            case (
                commands.MakeOffer()
                | commands.ApplyAnswer()
                | commands.RequestKeyFrame()
                | commands.StartChecks()
                | commands.StopChecks()
                | commands.Mute()
                | commands.Unmute()
                | commands.SayGoodbye()
                | commands.CloseConnection()
            ):
                self.change_connection(command)
            case commands.AttachInput(connection):
                self.connections.attach_input(self.connections[connection])
            case (
                commands.RefreshSignIn()
                | commands.ShowConnection()
                | commands.SuspendInput()
                | commands.Finish()
            ):
                pass
            case _:
                assert_never(command)

    def change_connection(self, command: _ConnectionCommand) -> None:
        number = command.connection
        if isinstance(command, commands.MakeOffer):
            made = events.OfferMade(number, self.connections.new(number).sha256, f"offer {number}")
            self.clock.after(_OFFER_S, partial(self.handle, made))
            return
        connection = self.connections[number]
        match command:
            case commands.ApplyAnswer():
                self.connections.connect(connection)
            case commands.RequestKeyFrame():
                self.connections.request_key_frame(connection)
            case commands.StartChecks():
                connection.checking = True
            case commands.StopChecks():
                connection.checking = False
            case commands.Mute():
                connection.muted = True
            case commands.Unmute():
                connection.muted = False
            case commands.SayGoodbye():
                self.connections.say_goodbye(connection)
                self.clock.after(_GOODBYE_S, partial(self.handle, events.GoodbyeSaid(number)))
            case commands.CloseConnection():
                self.connections.close(connection)
            case _:
                assert_never(command)

    # --- what happens to the world ----------------------------------------------------------------

    def schedule(self, changes: Schedule) -> None:
        for delay_s, change in changes:
            self.clock.after(delay_s, partial(self.change, change))

    def change(self, change: Change) -> None:
        """Record the change and let it happen."""
        data = {OUTAGE: None} if change in DARK else {}
        self.records.append(of_fault(change.value, self.clock.now, **data))
        match change:
            case (
                Change.PATH_DOWN
                | Change.DOWNLINK_DOWN
                | Change.UPLINK_DOWN
                | Change.UPLINK_REFUSED
                | Change.PATH_UP
                | Change.FLOW_DIES
                | Change.MEDIA_STOPS
                | Change.MEDIA_GOES
                | Change.PICTURE_LOST
                | Change.PICTURE_BLINKS
                | Change.PICTURE_STOPS
                | Change.PICTURE_GOES
                | Change.HOST_CLOSES
                | Change.HANDSHAKES_FAIL
                | Change.HANDSHAKES_WORK
            ):
                self.connections.change(change)
            case Change.GAME_EXITS | Change.GAME_SAID_OVER:
                self.game_ends(change)
            case (
                Change.BACKEND_DOWN
                | Change.BACKEND_PORTAL
                | Change.BACKEND_UNTRUSTED
                | Change.ANSWERS_LOST
                | Change.BACKEND_UP
                | Change.ANSWERS_KEPT
                | Change.CREATE_THROTTLED
                | Change.CREATE_QUEUED
                | Change.CREATE_FAILS
                | Change.CREATE_HANGS
                | Change.CREATE_RESET
                | Change.CREATE_DRIPS
            ):
                self.backend.change(change)
            case Change.NETWORK_MOVES:
                self.network_moves()
            case Change.NETWORK_LOST:
                self.handle(events.NetworkLost())
            case Change.NETWORK_FOUND:
                self.handle(events.NetworkFound())
            case Change.SLEEPS:
                self.asleep_since_at = self.clock.now
                self.connections.client_asleep = True
            case Change.WAKES:
                self.wakes()
            case Change.CLIENT_CRASHES:
                self.crashes()
            case Change.PLAYER_TRIES | Change.PLAYER_LEAVES | Change.PLAYER_ENDS:
                self.player_acts(change)
            case _:
                assert_never(change)

    def game_ends(self, change: GameChange) -> None:
        if change is Change.GAME_SAID_OVER and self.connections.say_over() is not None:
            self.over_at = self.clock.now + self.world.rtt_s / 2
        self.service.step(lifecycle.ApplicationExited())

    def player_acts(self, change: PlayerChange) -> None:
        if isinstance(self.state.phase, Idle):
            return  # the program crashed: there is no window
        match change:
            case Change.PLAYER_TRIES:
                self.handle(events.TryNowRequested())
            case Change.PLAYER_LEAVES:
                self.handle(events.CloseForNowRequested())
            case Change.PLAYER_ENDS:
                self.handle(events.EndGameRequested())
            case _:
                assert_never(change)

    def wakes(self) -> None:
        """The machine wakes up. First the client gets the event of the sleep, then what arrived
        during it."""
        if self.asleep_since_at is None:
            return
        self.watch_recovery()  # until now it could do nothing
        asleep_s = self.clock.now - self.asleep_since_at
        self.asleep_since_at = None
        self.connections.client_asleep = False
        missed, self.missed = self.missed, []
        self.handle(events.Woke(asleep_s))
        for event in missed:
            self.handle(event)

    def network_moves(self) -> None:
        """The client's address changes. As in the real client, the event of the network is first,
        then one for each connection that has lost its address."""
        open_before = [each for each in self.connections if not each.closed]
        for connection in open_before:
            connection.dead = True
        self.handle(events.NetworkFound())
        for connection in open_before:
            if not connection.closed:
                gone = events.HardEvidenceSeen(connection.number, HardEvidence.ADDRESS_GONE)
                self.handle(gone)

    def crashes(self) -> None:
        """The client's process is gone without a goodbye; only the ticket is left."""
        for connection in self.connections:
            connection.closed = True
        self.backend.client_crashed()
        self.crashed_at = self.clock.now
        # Numbers go on, so that no event from before the crash fits a new connection.
        self.state = State(facts=Facts(connections=self.state.facts.connections))
        ticket = self.ticket
        if ticket is None:
            return
        if self.world.reboots:
            ticket = replace(ticket, proved_at=None, ends_min_at=None, ends_max_at=None)
        again = partial(self.handle, events.RejoinRequested(ticket))
        self.clock.after(self.world.relaunch_s, again)
