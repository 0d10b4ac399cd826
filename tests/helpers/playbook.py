"""A transcript of one engine: what it is given, what it must want done, in what phase it ends up.

    play = Playbook().live()
    play.silence(1.0)
    play.phase(Lost)
    play.wanted(commands.Mute, commands.PollStatus)

Time stands still but for `wait`, `silence` and `healthy`; chance is one half unless `draw` is set.
Tickets are gathered apart, in `tickets`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rejoin.core import commands, events, session
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    HealthLevel,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
    Snapshot,
)
from rejoin.core.phases import Live, Phase, State
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.snapshot import snapshot
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import Status, StatusReason

_C = TypeVar("_C", bound=commands.Command)
_P = TypeVar("_P", bound=Phase)

SESSION = SessionId("s-1")
ONE = ConnectionNumber(1)
TWO = ConnectionNumber(2)
THREE = ConnectionNumber(3)


class Playbook:
    """One engine under test. `timeout_s`: the connection timeout its backend tells."""

    def __init__(self, policy: Policy | None = None, *, timeout_s: float = 120.0) -> None:
        self.policy = policy or Policy()
        self.timeout_s = timeout_s
        self.now = 100.0
        self.state = State()
        self.todo: list[commands.Command] = []
        self.tickets: list[commands.KeepTicket | commands.DropTicket] = []
        self.rtt_s = 0.04
        self.draw: Callable[[], float] = lambda: 0.5
        self._silent_since_at: float | None = None

    # --- giving -----------------------------------------------------------------------------------

    def give(self, *given: events.Event) -> Playbook:
        for event in given:
            self.state, todo = session.step(self.state, event, self.now, self.policy, self.draw)
            for command in todo:
                if isinstance(command, commands.KeepTicket | commands.DropTicket):
                    self.tickets.append(command)
                else:
                    self.todo.append(command)
        return self

    def wait(self, for_s: float) -> Playbook:
        """Let time pass, waking the engine whenever it wants to be."""
        until_at = self.now + for_s
        while True:
            at = session.next_wakeup(self.state)
            if at is None or at > until_at:
                break
            self.now = max(self.now, at)
            before = self.state
            self.give(events.WakeupDue())
            assert self.state != before or session.next_wakeup(self.state) != at, "a busy loop"
        self.now = until_at
        return self

    def live(self) -> Playbook:
        """Start a game and play it for half a second."""
        self.give(events.StartRequested(), offer(ONE))
        self.give(events.SessionStarted(AttemptNumber(1), self.now, self.view("ACTIVATING")))
        self.now += 0.1
        self.give(self.status("ACTIVE", sha256="sha-1", answer="answer 1"))
        self.now += 0.1
        self.joins(ONE)
        self.healthy(0.5)
        assert isinstance(self.state.phase, Live)
        self.todo.clear()
        return self

    def back(self, seat: RejoinState) -> Playbook:
        """Come back with a ticket, in a new life."""
        return self.give(events.RejoinRequested(seat))

    def joins(self, connection: ConnectionNumber) -> Playbook:
        """The connection opens, shows a frame and takes input."""
        return self.give(
            events.ConnectionOpened(connection),
            events.FirstFrameDecoded(connection),
            events.InputOpened(connection),
            events.ControlsKnown(connection, known=True),
        )

    def healthy(self, for_s: float, connection: ConnectionNumber = ONE) -> Playbook:
        """Samples of a stream without trouble."""
        self._silent_since_at = None
        return self._samples(for_s, connection, lambda: (self.now, self.now, self.now))

    def silence(self, for_s: float, connection: ConnectionNumber = ONE) -> Playbook:
        """Samples in which nothing arrives any more, or still not."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        began_at = self._silent_since_at
        return self._samples(for_s, connection, lambda: (began_at, began_at, began_at))

    def no_media(self, for_s: float, connection: ConnectionNumber = ONE) -> Playbook:
        """Samples in which the path answers but no RTP comes, or still not."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        began_at = self._silent_since_at
        return self._samples(for_s, connection, lambda: (self.now, began_at, began_at))

    def _samples(self, for_s, connection, heard) -> Playbook:  # type: ignore[no-untyped-def]
        for _ in range(round(for_s / self.policy.sample_every_s)):
            self.wait(self.policy.sample_every_s)
            packet_at, rtp_at, frame_at = heard()
            self.give(
                events.Sampled(
                    connection,
                    ConnectionSample(
                        last_packet_at=packet_at,
                        last_rtp_at=rtp_at,
                        last_frame_at=frame_at,
                        frames_decoded=1,
                        frame_interval_s=1 / 60,
                        rtt_s=self.rtt_s,
                        loss=0.0,
                    ),
                )
            )
        return self

    def view(
        self,
        status: str,
        *,
        reason: str | None = None,
        sha256: str | None = None,
        answer: str | None = None,
        attempt: int | None = None,
    ) -> SessionView:
        remaining = RemainingKnowledge(self.timeout_s, 0.0) if status == "CONNECTED" else None
        return SessionView(
            SESSION,
            Status(status),
            StatusReason(reason) if reason else None,
            connection_timeout_s=self.timeout_s,
            remaining=remaining,
            signal_request_sha256=sha256,
            signal_response=answer,
            attempt=None if attempt is None else AttemptNumber(attempt),
        )

    def status(
        self,
        status: str,
        *,
        reason: str | None = None,
        sha256: str | None = None,
        answer: str | None = None,
        attempt: int | None = None,
    ) -> events.StatusArrived:
        view = self.view(status, reason=reason, sha256=sha256, answer=answer, attempt=attempt)
        return events.StatusArrived(self.now, view)

    def asks(self) -> commands.Reconnect:
        """Commit, offer and write the request; the engine must be about to offer."""
        offering = self.last(commands.MakeOffer).connection
        self.give(offer(offering))
        request = self.last(commands.Reconnect)
        self.give(events.RequestWritten(request.attempt, request.try_number))
        return request

    def answers(self, request: commands.Reconnect) -> Playbook:
        return self.give(
            events.AnswerArrived(request.attempt, request.try_number, self.now, "answer")
        )

    def refuses(
        self,
        request: commands.Reconnect,
        kind: FailureKind,
        *,
        status: str | None = None,
        retry_after_s: float | None = None,
    ) -> Playbook:
        failure = Failure(kind, session_status=status, retry_after_s=retry_after_s)
        return self.give(
            events.ReconnectFailed(request.attempt, request.try_number, self.now, failure)
        )

    # --- judging ----------------------------------------------------------------------------------

    def phase(self, kind: type[_P]) -> _P:
        """The phase, which must be of this kind."""
        assert isinstance(self.state.phase, kind), f"{self.state.phase} is no {kind.__name__}"
        return self.state.phase

    def is_in(self, kind: type[Phase]) -> bool:
        return isinstance(self.state.phase, kind)

    def health(self, level: HealthLevel) -> bool:
        return self.shown.health is level

    def wanted(self, *kinds: type[commands.Command]) -> None:
        """Exactly these kinds of command were wanted since the last look, in this order."""
        names = [type(command).__name__ for command in self.todo]
        assert names == [kind.__name__ for kind in kinds]
        self.todo.clear()

    def never_wanted(self, kind: type[commands.Command]) -> None:
        assert not [command for command in self.todo if isinstance(command, kind)]

    def all_of(self, kind: type[_C]) -> list[_C]:
        return [command for command in self.todo if isinstance(command, kind)]

    def last(self, kind: type[_C]) -> _C:
        """The newest command of a kind that was wanted since the last look."""
        found = self.all_of(kind)
        assert found, f"no {kind.__name__} among {[type(c).__name__ for c in self.todo]}"
        return found[-1]

    def kept(self) -> RejoinState:
        """What the newest ticket holds."""
        newest = self.tickets[-1]
        assert isinstance(newest, commands.KeepTicket), "the ticket was dropped"
        return newest.seat

    @property
    def shown(self) -> Snapshot:
        return snapshot(self.state, self.policy)

    def lost(self, status: str | None = None) -> Playbook:
        """Live, then a second of silence, and what the service says of it."""
        self.live().silence(1.1)
        if status is not None:
            self.give(self.status(status))
        return self


def offer(connection: ConnectionNumber) -> events.OfferMade:
    return events.OfferMade(connection, f"sha-{connection}", f"offer {connection}")
