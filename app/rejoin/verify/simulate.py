"""The engine against a modelled world on a virtual clock: minutes of drops in milliseconds.

The engine and the service's statuses are the real ones (`session`, `lifecycle`); the network, the
host, the backend and the peers are modelled, coarsely but honestly about time: every answer takes
its latency, every silence is noticed late, every lost datagram is lost. Chance comes from one seed.

Time jumps where nothing can come of it: while a stream flows undisturbed, and while nothing flows
at all, nobody is asked every 50 ms whether that is still so.

The trace is held against the invariants (`judge`); I7 is judged here, where the whole world is
known: a game that could be saved is.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf
from typing import assert_never

from rejoin.core import commands, engine, events
from rejoin.core.model import (
    ConnectionNumber,
    ConnectionSample,
    Ending,
    HardEvidence,
    HealthLevel,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
)
from rejoin.core.phases import Connecting, Ended, Facts, Idle, Live, State
from rejoin.core.retry import Draw, Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.core.trace import Record, Recorder, of_fault, of_service
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify import invariants
from rejoin.verify.detector_score import OUTAGE
from rejoin.verify.environment import DARK, Change, World

SESSION = SessionId("simulated")
SAVABLE_S = 5.0
"""Network and backend there for so long, while the service accepts: such a game can be saved."""
OWED_S = 7.0
"""And for so long it has to be (I7): a client may wait 4 s before it asks, and needs 2.5 then."""

_LOOK_EVERY_S = 0.2
_EPSILON_S = 1e-6
_HOPELESS_S = 20.0
"""Everything was fine for so long, and still the player does not play (I7)."""
_RETRY_AFTER_S = 3.0
_DRIP_S = 4.0


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `live`: the player was playing when the time was up.

    `freezes_s`: for each episode that ended live, last frame before to first frame after.
    `dropped`: there was an episode. `savable`: during one, network and backend were there for
    `SAVABLE_S` while the service would have taken the client back. `ticket`: what a life after this
    one would come back with.
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
"""Told of every step: the state before, the event, the state after."""


def simulate(
    world: World,
    *,
    draw: Draw,
    for_s: float = 60.0,
    policy: Policy | None = None,
    observer: Observer | None = None,
) -> RunOutcome:
    """Start a game, go live, let the faults happen, stop `for_s` after going live first."""
    return _Run(world, policy or Policy(), draw, observer).play(for_s)


@dataclass(slots=True)
class _Peer:
    """One modelled connection, seen from both ends."""

    number: ConnectionNumber
    sha256: str
    up: bool = False
    dead: bool = False
    muted: bool = False
    checking: bool = False
    closed: bool = False
    host_closed: bool = False
    framed: bool = False
    heard_at: float = 0.0
    last_packet_at: float = 0.0
    last_rtp_at: float = 0.0
    largest_gap_s: float = 0.0


class _Run:
    """One run: a heap of what will happen, and the two state machines."""

    def __init__(self, world: World, policy: Policy, draw: Draw, observer: Observer | None) -> None:
        self.observer = observer
        self.world = world
        self.policy = policy
        self.draw = draw
        self.now = self.before = self.sampled_at = 1000.0
        self.state = State()
        self.ticket: RejoinState | None = None
        self.life = 0
        self.crashed_at: float | None = None
        self.service: lifecycle.State | None = None
        self.peers: dict[ConnectionNumber, _Peer] = {}
        self.down = self.up = self.media = self.answers = True
        self.backend: FailureKind | None = None
        self.troubles: deque[Change] = deque()
        self.asleep_since_at: float | None = None
        self.missed: list[events.Event] = []
        self.held: str | None = None
        self.answered_tokens: dict[str, str] = {}
        self.connected_look_at: float | None = None
        self.status_call = 0
        self.went_live_at: float | None = None
        self.stops_at = inf
        self.good_since_at = self.now
        self.accepted_since_at: float | None = None
        self.savable = self.owed = False
        self.records: list[Record] = []
        self.freezes_s: list[float] = []
        self._recorder = Recorder(self.records.append, policy)
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    # --- time -------------------------------------------------------------------------------------

    def play(self, for_s: float) -> RunOutcome:
        self.after(0.0, lambda: self.give(events.StartRequested()))
        self.schedule(self.world.at_start)
        limit_at = self.now + self.policy.start_deadline_s + for_s
        while not isinstance(self.state.phase, Ended):
            at, happen = self.next()
            stops_at = min(self.stops_at, limit_at)
            if at >= stops_at:
                self.now = max(self.now, min(stops_at, self.stops_at))
                break
            self.now = max(self.now, at)
            self.flow()
            happen()
            self.before = self.now
            self.watch()
            if self.went_live_at is not None and self.stops_at == inf:
                self.stops_at = self.went_live_at + for_s
        return self.outcome()

    def next(self) -> tuple[float, Callable[[], None]]:
        """What happens next: an entry of the heap, a wake-up that the engine wants, a sample."""
        at = self._heap[0][0] if self._heap else inf
        if self.undisturbed():
            return at, self.pop
        awake = self.asleep_since_at is None
        wakeup_at = engine.next_wakeup(self.state) if awake else None
        sample_at = self.sample_at()
        if wakeup_at is not None and wakeup_at + _EPSILON_S < min(at, sample_at):
            return wakeup_at + _EPSILON_S, lambda: self.give(events.WakeupDue())
        if sample_at < at:
            return sample_at, self.sample
        return at, self.pop

    def pop(self) -> None:
        if self.undisturbed():
            self.sample()  # the last one of a calm that ends now
        _, _, happen = heapq.heappop(self._heap)
        happen()

    def after(self, delay_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.now + max(0.0, delay_s), next(self._order), happen))

    def undisturbed(self) -> bool:
        """The stream flows, both ways, and nobody doubts it."""
        phase, health = self.state.phase, self.state.facts.health
        if not isinstance(phase, Live) or health is None or self.asleep_since_at is not None:
            return False
        peer = self.peers[phase.connection]
        return (
            health.level is HealthLevel.HEALTHY
            and phase.checking_since_at is None
            and self.state.facts.sample is not None
            and self.flows(peer)
            and self.hears(peer)
            and peer is self.current()
            and self.before - peer.last_packet_at <= self.policy.sample_every_s
        )

    def sample_at(self) -> float:
        """When the next look at the connections is worth something."""
        every_s = self.policy.sample_every_s
        current, at = self.current(), inf
        if current is not None and not self.hears(current):
            at = current.heard_at + self.world.notice_silent_s
        looked_at = isinstance(self.state.phase, Live) or (
            not isinstance(self.state.phase, Connecting)
            and any(self.arrives(peer) for peer in self.peers.values() if peer.framed)
        )
        if looked_at and self.asleep_since_at is None:
            at = min(at, self.sampled_at + every_s)
        return max(at, self.before + _EPSILON_S)

    def outcome(self) -> RunOutcome:
        phase = self.state.phase
        live = isinstance(phase, Live)
        found = invariants.violations(self.records)
        idle = self.went_live_at is None and isinstance(phase, Idle)
        ended = isinstance(phase, Ended)
        late = self.now - self.good_since_at >= _HOPELESS_S
        if not live and not idle and self.owed and (ended or late):
            found = (*found, f"I7 at {self.now:.3f}: a game that could be saved was not")
        return RunOutcome(
            live=live,
            ending=phase.ending if isinstance(phase, Ended) else None,
            freezes_s=tuple(self.freezes_s),
            attempts=self.state.facts.attempts,
            dropped=self.state.facts.episodes > 0,
            savable=self.savable,
            ticket=self.ticket,
            violations=found,
            records=tuple(self.records),
        )

    def watch(self) -> None:
        """I7: since when has everything been there that it takes to come back?"""
        gone = self.asleep_since_at is not None or isinstance(self.state.phase, Idle)
        fine = self.down and self.up and self.media and not gone
        if not fine or self.backend is not None or not self.answers or self.troubles:
            self.good_since_at = self.now
        accepts = self.accepts()
        if not accepts or isinstance(self.state.phase, Live) or self.went_live_at is None:
            self.accepted_since_at = None
        elif self.accepted_since_at is None:
            self.accepted_since_at = self.now
        if self.accepted_since_at is not None:
            began_at = max(self.accepted_since_at, self.good_since_at)
            self.savable = self.savable or self.now - began_at >= SAVABLE_S
            self.owed = self.owed or self.now - began_at >= OWED_S

    def accepts(self) -> bool:
        """Whether a create call that begins now would be answered in time.

        In PENDING a call stops the window; in ACTIVE it runs on while the call takes its time.
        """
        match self.service:
            case lifecycle.PendingReconnection():
                return True
            case lifecycle.Active() | lifecycle.ActiveAnswering() as service:
                ends_at = lifecycle.window_ends_at(service)
                takes_s = self.world.create_s + 2 * self.world.backend_s
                return ends_at is not None and self.now + takes_s < ends_at
            case _:
                return False

    # --- the engine -------------------------------------------------------------------------------

    def give(self, event: events.Event) -> None:
        if self.asleep_since_at is not None:
            self.missed.append(event)
            return
        before = self.state
        self._recorder.event(event, self.now)
        self.state, todo = engine.step(before, event, self.now, self.policy, self.draw)
        if self.observer is not None:
            self.observer(before, event, self.state)
        self._recorder.state(self.state, self.now)
        for command in todo:
            self._recorder.command(command, self.now)
            if isinstance(command, commands.ShowConnection):
                self.shown(before)
            self.obey(command)
        if self.went_live_at is None and isinstance(self.state.phase, Live):
            self.went_live_at = self.now
            self.schedule(self.world.faults)

    def shown(self, before: State) -> None:
        if isinstance(before.phase, Connecting) and before.phase.episode is not None:
            dropped_at = before.phase.episode.dropped_at
            if before.facts.shown is None and self.crashed_at is not None:
                dropped_at = self.crashed_at
            self.freezes_s.append(self.now - dropped_at)

    # --- the world --------------------------------------------------------------------------------

    def schedule(self, changes: tuple[tuple[float, Change], ...]) -> None:
        for delay_s, change in changes:
            self.after(delay_s, lambda change=change: self.change(change))  # type: ignore[misc]

    def change(self, change: Change) -> None:
        data = {OUTAGE: None} if change in DARK else {}
        self.records.append(of_fault(change.value, self.now, **data))
        match change:
            case Change.PATH_DOWN:
                self.down = self.up = False
            case Change.DOWNLINK_DOWN:
                self.down = False
            case Change.UPLINK_DOWN:
                self.up = False
            case Change.PATH_UP:
                self.down = self.up = True
            case Change.FLOW_DIES:
                for peer in self.peers.values():
                    peer.dead = True
            case Change.NETWORK_MOVES:
                self.move()
            case Change.MEDIA_STOPS:
                self.media = False
            case Change.MEDIA_GOES:
                self.media = True
            case Change.HOST_CLOSES:
                client = self.current()
                if client is not None:
                    self.notice(client, self.world.notice_graceful_s)
                    self.host_closes(client)
            case Change.GAME_EXITS:
                self.serve(lifecycle.ApplicationExited())
            case Change.GAME_FAILS:
                self.serve(lifecycle.Failed())
            case Change.BACKEND_DOWN:
                self.backend = FailureKind.NOT_SENT
            case Change.BACKEND_PORTAL:
                self.backend = FailureKind.NOT_BACKEND
            case Change.BACKEND_UNTRUSTED:
                self.backend = FailureKind.TLS
            case Change.ANSWERS_LOST:
                self.answers = False
            case Change.BACKEND_UP | Change.ANSWERS_KEPT:
                self.backend = None
                self.answers = True
            case (
                Change.CREATE_THROTTLED
                | Change.CREATE_FAILS
                | Change.CREATE_HANGS
                | Change.CREATE_RESET
                | Change.CREATE_DRIPS
            ):
                self.troubles.append(change)
            case Change.NETWORK_LOST:
                self.give(events.NetworkLost())
            case Change.NETWORK_FOUND:
                self.give(events.NetworkFound())
            case Change.PLAYER_TRIES:
                self.give(events.TryNowRequested())
            case Change.PLAYER_LEAVES:
                self.give(events.CloseForNowRequested())
            case Change.PLAYER_ENDS:
                self.give(events.EndGameRequested())
            case Change.SLEEPS:
                self.asleep_since_at = self.now
            case Change.WAKES:
                self.wakes()
            case Change.CLIENT_CRASHES:
                self.crash()
            case _:
                assert_never(change)

    def wakes(self) -> None:
        """The lid is opened: the clock tells first, then comes what arrived meanwhile."""
        if self.asleep_since_at is None:
            return
        asleep_s = self.now - self.asleep_since_at
        self.asleep_since_at = None
        missed, self.missed = self.missed, []
        self.give(events.Woke(asleep_s))
        for event in missed:
            self.give(event)

    def move(self) -> None:
        """As the driver tells it: the network first, then who has lost its address."""
        open_then = [peer for peer in self.peers.values() if not peer.closed]
        for peer in open_then:
            peer.dead = True
        self.give(events.NetworkFound())
        for peer in open_then:
            if not peer.closed:
                self.give(events.HardEvidenceSeen(peer.number, HardEvidence.ADDRESS_GONE))

    def crash(self) -> None:
        """The process is gone without a word, and all it knew but the ticket."""
        for peer in self.peers.values():
            peer.closed = True
        self.status_call += 1  # nobody waits for the answer any more
        self.life += 1
        self.crashed_at = self.now
        # Connections are numbered on, so that what is on its way to the life before finds nobody.
        self.state = State(facts=Facts(connections=self.state.facts.connections))
        seat = self.ticket
        if seat is None:
            return
        if self.world.reboots:
            seat = replace(seat, proved_at=None, ends_min_at=None, ends_max_at=None)
        self.after(self.world.relaunch_s, lambda: self.give(events.RejoinRequested(seat)))

    def current(self) -> _Peer | None:
        """The peer that the service holds to be its client."""
        match self.service:
            case lifecycle.Connected(connection=number):
                return self.peers.get(ConnectionNumber(number))
            case _:
                return None

    def downward(self, peer: _Peer) -> bool:
        return self.down and not (peer.dead or peer.closed)

    def upward(self, peer: _Peer) -> bool:
        return self.up and not (peer.dead or peer.closed)

    def hears(self, peer: _Peer) -> bool:
        """Whether the host hears this client."""
        speaks = self.asleep_since_at is None and (not peer.muted or peer.checking)
        return peer.up and speaks and self.upward(peer)

    def sends(self, peer: _Peer) -> bool:
        awake = self.asleep_since_at is None
        return peer.up and awake and self.downward(peer) and not peer.host_closed

    def flows(self, peer: _Peer) -> bool:
        """Whether media arrives at the client."""
        return self.media and self.sends(peer)

    def arrives(self, peer: _Peer) -> bool:
        """Whether anything arrives: media, or an answer to a check."""
        return self.sends(peer) and (self.media or (peer.checking and self.upward(peer)))

    def flow(self) -> None:
        """What went over the paths since the last thing that happened, until now."""
        for peer in self.peers.values():
            if not peer.up or peer.closed:
                continue
            if self.hears(peer):
                peer.heard_at = self.now
            if self.arrives(peer):
                gap_s = self.before - peer.last_packet_at
                if gap_s > 2 * self.policy.sample_every_s:
                    peer.largest_gap_s = max(peer.largest_gap_s, gap_s)
                peer.last_packet_at = self.now
                if self.media:
                    peer.last_rtp_at = self.now

    def sample(self) -> None:
        """What each end makes of what it heard; the host of a client's silence, too."""
        self.sampled_at = self.now
        current = self.current()
        patience_s = self.world.notice_silent_s - _EPSILON_S
        unheard = current is not None and not self.hears(current)
        if current is not None and unheard and self.now - current.heard_at >= patience_s:
            self.notice(current, 0.0)
        if self.asleep_since_at is not None:
            return
        for peer in tuple(self.peers.values()):
            if not peer.framed or peer.closed or isinstance(self.state.phase, Connecting):
                continue
            gap_s, peer.largest_gap_s = peer.largest_gap_s, 0.0
            self.give(
                events.Sampled(
                    peer.number,
                    ConnectionSample(
                        last_packet_at=peer.last_packet_at,
                        last_rtp_at=peer.last_rtp_at,
                        last_frame_at=peer.last_rtp_at,
                        frames_decoded=1,
                        frame_interval_s=1 / 60,
                        rtt_s=self.world.rtt_s,
                        loss=0.0,
                        proved_sent_at=min(peer.heard_at, peer.last_packet_at) - self.world.rtt_s,
                        largest_gap_s=gap_s,
                    ),
                )
            )

    def notice(self, peer: _Peer, delay_s: float) -> None:
        """The service learns that this client is gone; the host lets go of it."""

        def noticed() -> None:
            before = self.service
            self.serve(lifecycle.ClientGone(peer.number))
            if self.service is not before:
                self.host_closes(peer)

        self.after(delay_s, noticed)

    def host_closes(self, peer: _Peer) -> None:
        if peer.host_closed:
            return
        peer.host_closed = True
        if self.downward(peer):
            told = events.HardEvidenceSeen(peer.number, HardEvidence.DTLS_CLOSED)
            self.after(self.world.rtt_s / 2, lambda: None if peer.closed else self.give(told))

    def serve(self, event: lifecycle.Event) -> lifecycle.Outcome:
        assert self.service is not None
        before = self.service
        self.service, outcome = lifecycle.step(before, event, self.now, self.world.rules)
        if self.service is not before:
            self.tell_service()
            due_at = lifecycle.next_wakeup(self.service, self.world.rules)
            if due_at is not None:
                self.after(due_at - self.now, lambda: self.let_time_pass(due_at))
        return outcome

    def let_time_pass(self, due_at: float) -> None:
        """A deadline of the service, unless it has moved on."""
        if self.service is not None and due_at == lifecycle.next_wakeup(
            self.service, self.world.rules
        ):
            self.serve(lifecycle.TimerDue())

    def tell_service(self) -> None:
        assert self.service is not None
        ends_at = lifecycle.window_ends_at(self.service)
        self.records.append(of_service(self.service.status, self.now, ends_at))

    # --- commands ---------------------------------------------------------------------------------

    def obey(self, command: commands.Command) -> None:
        match command:
            case commands.MakeOffer(connection):
                sha256 = f"sha-{connection}"
                self.peers[connection] = _Peer(connection, sha256)
                made = events.OfferMade(connection, sha256, f"offer {connection}")
                self.after(0.003, lambda: self.give(made))
            case commands.StartSession():
                self.start(command)
            case commands.PollStatus():
                self.status_call += 1
                call = self.status_call
                self.after(command.after_s, lambda: self.look(command, call, self.now, None))
            case commands.Reconnect():
                self.reconnect(command)
            case commands.ApplyAnswer(connection):
                self.connect(self.peers[connection])
            case commands.StartChecks(connection):
                self.peers[connection].checking = True
            case commands.StopChecks(connection):
                self.peers[connection].checking = False
            case commands.Mute(connection):
                self.peers[connection].muted = True
            case commands.Unmute(connection):
                self.peers[connection].muted = False
            case commands.SayGoodbye(connection):
                self.goodbye(self.peers[connection])
                said = events.GoodbyeSaid(connection)
                self.after(0.060, lambda: self.give(said))
            case commands.CloseConnection(connection):
                peer = self.peers[connection]
                self.goodbye(peer)
                peer.closed = True
            case commands.TerminateSession():
                self.after(self.world.backend_s, self.terminate)
            case commands.SaveTicket(seat):
                self.ticket = seat
            case commands.DeleteTicket():
                self.ticket = None
            case (
                commands.RefreshSignIn()
                | commands.RequestKeyFrame()
                | commands.ShowConnection()
                | commands.Finish()
            ):
                pass
            case _:
                assert_never(command)

    def goodbye(self, peer: _Peer) -> None:
        """DTLS close and its like: noticed at once if they get through."""
        if peer.up and self.upward(peer) and not peer.host_closed:
            self.notice(peer, self.world.rtt_s / 2 + self.world.notice_graceful_s)
        peer.muted = True
        peer.checking = False

    def start(self, command: commands.StartSession) -> None:
        if self.backend is not None:
            failed = events.StartFailed(command.attempt, Failure(self.backend))
            self.after(self.world.backend_s, lambda: self.give(failed))
            return
        asked_at = self.now
        peer = self.peers[command.connection]

        def started() -> None:
            if self.service is None:
                self.service = lifecycle.start(self.now)
                self.held = peer.sha256
                self.tell_service()

                def placed() -> None:
                    self.serve(lifecycle.Placed(command.connection))

                self.after(self.world.placement_s, placed)
            self.give(events.SessionStarted(command.attempt, asked_at, self.view()))

        self.after(self.world.backend_s, started)

    def view(self) -> SessionView:
        assert self.service is not None
        status = self.service.status
        if status == service_status.CONNECTED:
            self.connected_look_at = self.now
        timeout_s = self.world.told_timeout_s or self.world.rules.connection_timeout_s
        remaining = None
        if self.connected_look_at is not None and status != service_status.ACTIVE:
            remaining = RemainingKnowledge(timeout_s, self.now - self.connected_look_at)
        ready = service_status.is_live(status) and status != service_status.ACTIVATING
        return SessionView(
            SESSION,
            status,
            lifecycle.reason_of(self.service),
            connection_timeout_s=timeout_s,
            remaining=remaining,
            signal_request_sha256=self.held,
            signal_response=f"answer {self.held}" if ready else None,
        )

    def look(
        self, command: commands.PollStatus, call: int, asked_at: float, until_at: float | None
    ) -> None:
        """A status call: the backend looks every 200 ms until it is another or time is up."""
        if call != self.status_call:
            return
        if until_at is None:
            until_at = self.now + command.wait_s
        if self.backend is not None:
            failed = events.StatusFailed(asked_at, Failure(self.backend))
            self.after(self.world.backend_s, lambda: self.give_status(call, failed))
            return
        view = self.view()
        if view.status == command.known and self.now + _LOOK_EVERY_S <= until_at:
            ends_at = until_at
            self.after(_LOOK_EVERY_S, lambda: self.look(command, call, asked_at, ends_at))
            return
        age_s = self.world.backend_s / 2
        if view.remaining is not None:
            older = replace(view.remaining, age_s=view.remaining.age_s + age_s)
            view = replace(view, remaining=older)
        arrived = events.StatusArrived(asked_at, view)
        self.after(self.world.backend_s, lambda: self.give_status(call, arrived))

    def give_status(self, call: int, event: events.StatusArrived | events.StatusFailed) -> None:
        if call == self.status_call:
            self.give(event)

    def reconnect(self, command: commands.Reconnect) -> None:
        asked_at = self.now
        sha256 = self.peers[command.connection].sha256
        there_s = self.world.backend_s

        def fail(kind: FailureKind, delay_s: float, **told: object) -> None:
            failure = Failure(kind, **told)  # type: ignore[arg-type]
            event = events.ReconnectFailed(command.attempt, command.try_number, asked_at, failure)
            self.after(delay_s, lambda: give(event))

        life = self.life

        def give(event: events.Event) -> None:
            # The driver lets go of the calls of a connection that is closed.
            if life == self.life and not self.peers[command.connection].closed:
                self.give(event)

        def arrive() -> None:
            trouble = self.troubles.popleft() if self.troubles else None
            match trouble:
                case Change.CREATE_THROTTLED:
                    fail(FailureKind.THROTTLED, there_s, retry_after_s=_RETRY_AFTER_S)
                    return
                case Change.CREATE_FAILS:
                    fail(FailureKind.OUTCOME_UNKNOWN, there_s, http_status=500)
                    return
                case Change.CREATE_HANGS:
                    fail(FailureKind.OUTCOME_UNKNOWN, command.budget_s)
                    return
                case _:
                    pass
            if command.token in self.answered_tokens:
                answer(trouble)
                return
            outcome = self.serve(lifecycle.CreateRequested(command.connection))
            if isinstance(outcome, lifecycle.Refused):
                status = outcome.status
                fail(FailureKind.CONFLICT, there_s, http_status=409, session_status=status)
                return
            self.after(self.world.create_s, lambda: create(trouble))

        def create(trouble: Change | None) -> None:
            self.serve(lifecycle.CreateAnswered(command.connection))
            self.held = sha256
            self.answered_tokens[command.token] = sha256
            answer(trouble)

        def answer(trouble: Change | None) -> None:
            late_s = _DRIP_S if trouble is Change.CREATE_DRIPS else 0.0
            if trouble is Change.CREATE_RESET or not self.answers:
                fail(FailureKind.OUTCOME_UNKNOWN, there_s)
                return
            arrived = events.AnswerArrived(
                command.attempt, command.try_number, asked_at, f"answer {sha256}"
            )
            self.after(there_s + late_s, lambda: give(arrived))

        if self.backend is not None:
            fail(self.backend, there_s)
            return
        written = events.RequestWritten(command.attempt, command.try_number)
        self.after(0.0, lambda: give(written))
        self.after(there_s, arrive)

    def connect(self, peer: _Peer) -> None:
        """ICE and DTLS take three round trips and a half, then frames and channels come.

        A path that is cut is tried again as STUN does: 0.5, 1, 2 and 4 s later.
        """

        def open_up(again_s: float) -> None:
            if peer.closed or peer.up:
                return
            if not (self.upward(peer) and self.downward(peer)):
                if again_s <= 4.0:
                    self.after(again_s, lambda: open_up(2 * again_s))
                return
            if not isinstance(
                self.serve(lifecycle.ClientConnected(peer.number)), lifecycle.Accepted
            ):
                return
            peer.up = True
            peer.heard_at = peer.last_packet_at = peer.last_rtp_at = self.now
            self.give(events.ConnectionOpened(peer.number))
            self.after(self.world.decode_s, picture)
            self.after(self.world.rtt_s, channels)

        def picture() -> None:
            if peer.closed or peer.host_closed:
                return
            if not self.flows(peer):
                self.after(self.policy.sample_every_s, picture)
                return
            peer.framed = True
            self.give(events.FirstFrameDecoded(peer.number))

        def channels() -> None:
            if peer.closed or peer.host_closed:
                return
            if not (self.upward(peer) and self.downward(peer)):
                self.after(1.0, channels)
                return
            self.give(events.InputOpened(peer.number))
            self.give(events.ControlsKnown(peer.number, known=True))

        self.after(2.5 * self.world.rtt_s + 0.010, lambda: open_up(0.5))

    def terminate(self) -> None:
        if self.backend is not None:
            self.give(events.TerminateFailed(Failure(self.backend)))
            return
        self.serve(lifecycle.TerminateRequested())
        self.serve(lifecycle.TerminateDone())
        self.give(events.SessionTerminated())
