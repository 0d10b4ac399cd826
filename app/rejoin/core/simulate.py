"""The engine against a modelled world on a virtual clock: minutes of drops in milliseconds.

The engine and the service's statuses are the real ones (`session`, `lifecycle`); the network, the
host, the backend and the peers are modelled, coarsely but honestly about time: every answer takes
its latency, every silence is noticed late, every lost datagram is lost. Chance comes from one seed.
While it runs the invariants of reconnect.md that can be judged from outside are judged, and what
breaks them is listed.
"""

from __future__ import annotations

import enum
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import assert_never

from rejoin.core import commands, deadline, events, lifecycle, session
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Ending,
    HardEvidence,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
)
from rejoin.core.phases import Asking, Ended, Joining, Live, State
from rejoin.core.retry import Draw, Failure, FailureKind
from rejoin.core.trace import Record, Recorder, of_fault

SESSION = SessionId("simulated")
_LOOK_EVERY_S = 0.2
_EPSILON_S = 1e-6


class Change(enum.Enum):
    """What may happen to the world, on purpose."""

    PATH_DOWN = "path_down"  # no datagram passes, either way
    DOWNLINK_DOWN = "downlink_down"  # nothing reaches the client
    UPLINK_DOWN = "uplink_down"  # nothing reaches the host
    PATH_UP = "path_up"
    FLOW_DIES = "flow_dies"  # the path of the connections that exist now is gone for good
    NETWORK_MOVES = "network_moves"  # the client's address becomes another
    BACKEND_DOWN = "backend_down"
    BACKEND_UP = "backend_up"
    ANSWERS_LOST = "answers_lost"  # create calls succeed, but their answers never arrive
    ANSWERS_KEPT = "answers_kept"
    MEDIA_STOPS = "media_stops"  # the host lives, answers checks, sends no media
    MEDIA_GOES = "media_goes"
    HOST_CLOSES = "host_closes"  # a graceful close by the host
    GAME_EXITS = "game_exits"


@dataclass(frozen=True, slots=True)
class World:
    """How the modelled world is; seconds. `faults`: (time after going live first, change)."""

    rtt_s: float = 0.040
    backend_s: float = 0.010
    create_s: float = 0.150
    placement_s: float = 0.200
    decode_s: float = 0.030
    notice_silent_s: float = 5.0
    notice_graceful_s: float = 0.0
    rules: lifecycle.Rules = field(default_factory=lifecycle.Rules)
    told_timeout_s: float | None = None
    """What the backend tells of the timeout; None is the truth."""
    faults: tuple[tuple[float, Change], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `live`: the player was playing when the time was up.

    `freezes_s`: for each episode that ended live, last frame before to first frame after.
    """

    live: bool
    ending: Ending | None
    freezes_s: tuple[float, ...]
    attempts: int
    violations: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)


def simulate(
    world: World, *, draw: Draw, for_s: float = 60.0, policy: Policy | None = None
) -> Outcome:
    """Start a game, go live, let the faults happen, stop `for_s` after going live first."""
    return _Run(world, policy or Policy(), draw).play(for_s)


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
    opened_at: float = 0.0
    heard_at: float = 0.0
    last_packet_at: float = 0.0
    last_rtp_at: float = 0.0
    largest_gap_s: float = 0.0


class _Run:
    """One run: a heap of what will happen, and the two state machines."""

    def __init__(self, world: World, policy: Policy, draw: Draw) -> None:
        self.world = world
        self.policy = policy
        self.draw = draw
        self.now = 1000.0
        self.state = State()
        self.service: lifecycle.State | None = None
        self.peers: dict[ConnectionNumber, _Peer] = {}
        self.offers: dict[str, ConnectionNumber] = {}
        self.down = self.up = self.backend = self.media = True
        self.answers = True
        self.held: str | None = None
        self.answered_tokens: dict[str, str] = {}
        self.creating: set[tuple[ConnectionNumber, int]] = set()
        """Create calls that the client waits for: connection and try."""
        self.connected_look_at: float | None = None
        self.status_call = 0
        self.went_live_at: float | None = None
        self.stops_at = float("inf")
        self.wakeup_at: float | None = None
        self.violations: list[str] = []
        self.records: list[Record] = []
        self.freezes_s: list[float] = []
        self.sent_shas: dict[str, AttemptNumber] = {}
        self._recorder = Recorder(self.records.append)
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def play(self, for_s: float) -> Outcome:
        self.after(0.0, lambda: self.give(events.StartRequested()))
        self.after(0.0, self.sample)
        limit_at = self.now + self.policy.start_deadline_s + for_s
        while self._heap and not isinstance(self.state.phase, Ended):
            at, _, happen = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            if self.now >= min(self.stops_at, limit_at):
                break
            happen()
            if self.went_live_at is not None and self.stops_at == float("inf"):
                self.stops_at = self.went_live_at + for_s
        phase = self.state.phase
        return Outcome(
            live=isinstance(phase, Live),
            ending=phase.ending if isinstance(phase, Ended) else None,
            freezes_s=tuple(self.freezes_s),
            attempts=self.state.facts.attempts,
            violations=tuple(self.violations),
            records=tuple(self.records),
        )

    def after(self, delay_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.now + delay_s, next(self._order), happen))

    # --- the engine -------------------------------------------------------------------------------

    def give(self, event: events.Event) -> None:
        before = self.state
        self._recorder.event(event, self.now)
        self.state, todo = session.step(before, event, self.now, self.policy, self.draw)
        self._recorder.state(self.state, self.now)
        for command in todo:
            self._recorder.command(command, self.now)
            if isinstance(command, commands.ShowConnection):
                self.shown(before)
            self.obey(command)
        self.judge()
        wakeup_at = session.next_wakeup(self.state)
        if wakeup_at is not None and wakeup_at != self.wakeup_at:
            self.wakeup_at = wakeup_at
            self.after(max(0.0, wakeup_at - self.now), self.wake)
        if self.went_live_at is None and isinstance(self.state.phase, Live):
            self.went_live_at = self.now
            for delay_s, change in self.world.faults:
                self.after(delay_s, lambda change=change: self.change(change))  # type: ignore[misc]

    def wake(self) -> None:
        if self.wakeup_at is not None and self.now + _EPSILON_S >= self.wakeup_at:
            self.wakeup_at = None
            self.now += _EPSILON_S
            self.give(events.WakeupDue())

    def judge(self) -> None:
        """The invariants that can be seen from outside at any moment."""
        phase, facts = self.state.phase, self.state.facts
        if len(self.creating) > 1:
            self.violations.append("I4: two create calls in flight")
        if session.next_wakeup(self.state) is None and not isinstance(
            phase, (Ended, type(State().phase))
        ):
            self.violations.append(f"I5: {type(phase).__name__} has no timer")
        if self.service is not None and not isinstance(phase, (Live, Ended)):
            truth_at = lifecycle.window_ends_at(self.service)
            shown_at = facts.window.shown_at if facts.episodes else None
            if truth_at is not None and shown_at is not None and shown_at > truth_at + 1e-3:
                self.violations.append(f"I8: shown {shown_at - truth_at:.3f} s too late")

    # --- the world --------------------------------------------------------------------------------

    def change(self, change: Change) -> None:
        self.records.append(of_fault(change.value, self.now))
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
            case Change.BACKEND_DOWN:
                self.backend = False
            case Change.BACKEND_UP:
                self.backend = True
            case Change.ANSWERS_LOST:
                self.answers = False
            case Change.ANSWERS_KEPT:
                self.answers = True
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
            case _:
                assert_never(change)

    def move(self) -> None:
        """As the driver tells it: the network first, then who has lost its address."""
        open_then = [peer for peer in self.peers.values() if not peer.closed]
        for peer in open_then:
            peer.dead = True
        self.give(events.NetworkFound())
        for peer in open_then:
            if not peer.closed:
                self.give(events.HardEvidenceSeen(peer.number, HardEvidence.ADDRESS_GONE))

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

    def sample(self) -> None:
        """Fifty milliseconds of datagrams, both ways, and what either end makes of them."""
        for peer in tuple(self.peers.values()):
            if peer.up and not peer.closed:
                self.exchange(peer)
            elif peer.closed and peer is self.current():
                self.hear(peer)
        self.after(self.policy.sample_every_s, self.sample)

    def hear(self, peer: _Peer) -> None:
        """What the host hears of a client, and whether the service notices its silence."""
        if self.upward(peer) and (not peer.muted or peer.checking):
            peer.heard_at = self.now
        elif peer is self.current() and self.now - peer.heard_at >= self.world.notice_silent_s:
            self.notice(peer, 0.0)

    def exchange(self, peer: _Peer) -> None:
        self.hear(peer)
        sending = self.downward(peer) and not peer.host_closed
        answering = sending and peer.checking and self.upward(peer)
        if sending and (self.media or answering):
            gap_s = self.now - peer.last_packet_at
            peer.largest_gap_s = gap_s if gap_s > 2 * self.policy.sample_every_s else 0.0
            peer.last_packet_at = self.now
            if self.media:
                peer.last_rtp_at = self.now
                if not peer.framed and self.now - peer.opened_at >= self.world.decode_s:
                    peer.framed = True
                    self.give(events.FirstFrameDecoded(peer.number))
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
                    largest_gap_s=peer.largest_gap_s,
                ),
            )
        )
        peer.largest_gap_s = 0.0

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
        self.service, outcome = lifecycle.step(self.service, event, self.now, self.world.rules)
        due_at = lifecycle.next_wakeup(self.service, self.world.rules)
        if due_at is not None:
            self.after(max(0.0, due_at - self.now), self.let_service_time_pass)
        return outcome

    def let_service_time_pass(self) -> None:
        assert self.service is not None
        self.service, _ = lifecycle.step(
            self.service, lifecycle.TimerDue(), self.now, self.world.rules
        )

    # --- commands ---------------------------------------------------------------------------------

    def obey(self, command: commands.Command) -> None:
        match command:
            case commands.MakeOffer(connection):
                sha256 = f"sha-{connection}"
                self.peers[connection] = _Peer(connection, sha256)
                self.offers[sha256] = connection
                made = events.OfferMade(connection, sha256, f"offer {connection}")
                self.after(0.003, lambda: self.give(made))
            case commands.StartSession():
                self.start(command)
            case commands.AskStatus():
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
                # The driver lets go of its calls; what the service makes of them it still makes.
                self.creating = {call for call in self.creating if call[0] != connection}
            case commands.TerminateSession():
                self.after(self.world.backend_s, self.terminate)
            case (
                commands.RefreshSignIn()
                | commands.RequestKeyFrame()
                | commands.ShowConnection()
                | commands.Finish()
            ):
                pass
            case _:
                assert_never(command)

    def shown(self, before: State) -> None:
        if isinstance(before.phase, Joining) and before.phase.episode is not None:
            self.freezes_s.append(self.now - before.phase.episode.dropped_at)

    def goodbye(self, peer: _Peer) -> None:
        """DTLS close and its like: noticed at once if they get through."""
        if peer.up and self.upward(peer) and not peer.host_closed:
            self.notice(peer, self.world.rtt_s / 2 + self.world.notice_graceful_s)
        peer.muted = True
        peer.checking = False

    def start(self, command: commands.StartSession) -> None:
        if not self.backend:
            failed = events.StartFailed(command.attempt, Failure(FailureKind.NOT_SENT))
            self.after(self.world.backend_s, lambda: self.give(failed))
            return
        asked_at = self.now
        peer = self.peers[command.connection]

        def started() -> None:
            if self.service is None:
                self.service = lifecycle.start(self.now)
                self.held = peer.sha256

                def placed() -> None:
                    self.serve(lifecycle.Placed(command.connection))

                self.after(self.world.placement_s, placed)
            self.give(events.SessionStarted(command.attempt, asked_at, self.view()))

        self.after(self.world.backend_s, started)

    def view(self) -> SessionView:
        assert self.service is not None
        status = self.service.status
        if status == lifecycle.CONNECTED:
            self.connected_look_at = self.now
        timeout_s = self.world.told_timeout_s or self.world.rules.connection_timeout_s
        remaining = None
        if self.connected_look_at is not None and status != lifecycle.ACTIVE:
            remaining = RemainingKnowledge(timeout_s, self.now - self.connected_look_at)
        ready = lifecycle.is_live(status) and status != lifecycle.ACTIVATING
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
        self, command: commands.AskStatus, call: int, asked_at: float, until_at: float | None
    ) -> None:
        """A status call: the backend looks every 200 ms until it is another or time is up."""
        if call != self.status_call:
            return
        if until_at is None:
            until_at = self.now + command.wait_s
        if not self.backend:
            failed = events.StatusFailed(asked_at, Failure(FailureKind.NOT_SENT))
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
        facts = self.state.facts
        phase = self.state.phase
        if isinstance(phase, Asking):
            latest_at = facts.window.latest_at(phase.episode.dropped_at, self.policy)
            if self.now > latest_at - deadline.need_s(facts.latencies_s, None, self.policy):
                self.violations.append("I2: a create call too late")
        sha256 = self.peers[command.connection].sha256
        if self.sent_shas.setdefault(sha256, command.attempt) != command.attempt:
            self.violations.append("I3: an offer was sent in two attempts")

        def failed(failure: Failure) -> Callable[[], None]:
            event = events.ReconnectFailed(command.attempt, command.try_number, asked_at, failure)
            return lambda: self.give(event)

        if not self.backend:
            self.after(self.world.backend_s, failed(Failure(FailureKind.NOT_SENT)))
            return
        written = events.RequestWritten(command.attempt, command.try_number)
        self.after(0.0, lambda: self.give(written))
        call = (command.connection, command.try_number)
        self.creating.add(call)

        def done(happen: Callable[[], None]) -> Callable[[], None]:
            def finish() -> None:
                let_go = call not in self.creating
                self.creating.discard(call)
                if not let_go:
                    happen()

            return finish

        def arrive() -> None:
            if command.token in self.answered_tokens:
                self.after(self.world.backend_s, done(answer))
                return
            outcome = self.serve(lifecycle.CreateRequested(command.connection))
            if isinstance(outcome, lifecycle.Refused):
                refusal = Failure(
                    FailureKind.CONFLICT, 409, "CONFLICT", session_status=outcome.status
                )
                self.after(self.world.backend_s, done(failed(refusal)))
                return
            self.after(self.world.create_s, create)

        def create() -> None:
            self.serve(lifecycle.CreateAnswered(command.connection))
            self.held = sha256
            self.answered_tokens[command.token] = sha256
            self.after(self.world.backend_s, done(answer))

        def answer() -> None:
            if not self.answers:
                unknown = Failure(FailureKind.OUTCOME_UNKNOWN)
                failed(unknown)()
                return
            self.give(
                events.AnswerArrived(
                    command.attempt, command.try_number, asked_at, f"answer {sha256}"
                )
            )

        self.after(self.world.backend_s, arrive)

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
            if not isinstance(self.serve(lifecycle.ClientConnected(peer.number)), lifecycle.Taken):
                return
            peer.up = True
            peer.opened_at = self.now
            peer.heard_at = peer.last_packet_at = peer.last_rtp_at = self.now
            self.give(events.ConnectionOpened(peer.number))
            self.after(self.world.rtt_s, channels)

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
        if not self.backend:
            self.give(events.TerminateFailed(Failure(FailureKind.NOT_SENT)))
            return
        self.serve(lifecycle.TerminateRequested())
        self.serve(lifecycle.TerminateDone())
        self.give(events.Terminated())
