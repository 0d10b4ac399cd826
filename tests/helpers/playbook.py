"""A transcript of one engine: the events it gets, the commands it must give, the phase it is in.

    play = Playbook().live()
    play.silence(1.0)
    play.phase(Lost)
    play.expect(commands.StartChecks(ONE), poll(), commands.Mute(ONE))

Commands are compared whole. Where a value is random, write ANY in its place; `draw` is one half
unless a test sets it, so tokens are not random here (`TOKEN`). Time stands still except in `wait`,
`silence`, `no_media`, `healthy` and `live`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar
from unittest import mock

from helpers.documented_transitions import assert_documented
from rejoin.core import commands, engine, events
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
from rejoin.core.phases import Backoff, Live, Phase, State
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.snapshot import snapshot
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import Status, StatusReason

_C = TypeVar("_C", bound=commands.Command)
_P = TypeVar("_P", bound=Phase)

ANY = mock.ANY
SESSION = SessionId("s-1")
ONE = ConnectionNumber(1)
TWO = ConnectionNumber(2)
THREE = ConnectionNumber(3)
FIRST = AttemptNumber(1)
TOKEN = "80000000" * 4
BUDGET_S = 10.0
"""What a call may take where the window leaves enough time: 1 s to connect, 9 s to read."""
START_BUDGET_S = 14.0
"""What a start may take: 5 s to connect, 9 s to read."""


class Playbook:
    """One engine under test. `timeout_s`: the connection timeout that its backend reports.

    `commands`: what the engine gave since the last `expect`. `tickets`: every ticket command.
    """

    def __init__(self, policy: Policy | None = None, *, timeout_s: float = 120.0) -> None:
        self.policy = policy or Policy()
        self.timeout_s = timeout_s
        self.now = 100.0
        self.state = State()
        self.commands: list[commands.Command] = []
        self.tickets: list[commands.SaveTicket | commands.DeleteTicket] = []
        self.rtt_s = 0.04
        self.draw: Callable[[], float] = lambda: 0.5
        self._silent_since_at: float | None = None

    # --- events -----------------------------------------------------------------------------------

    def give(self, *given: events.Event) -> Playbook:
        for event in given:
            before = self.state
            self.state, done = engine.step(before, event, self.now, self.policy, self.draw)
            assert_documented(before, event, self.state)
            self.commands += done
            self.tickets += [
                each
                for each in done
                if isinstance(each, commands.SaveTicket | commands.DeleteTicket)
            ]
        return self

    def wait(self, for_s: float) -> Playbook:
        """Let time pass, and wake the engine whenever it asks for it."""
        until_at = self.now + for_s
        while True:
            at = engine.next_wakeup(self.state)
            if at is None or at > until_at:
                break
            self.now = max(self.now, at)
            before = self.state
            self.give(events.WakeupDue())
            assert self.state != before or engine.next_wakeup(self.state) != at, "a busy loop"
        self.now = until_at
        return self

    def placing(self) -> Playbook:
        """Start a game, up to the placement by the service."""
        self.give(events.StartRequested(), offer(ONE))
        return self.give(events.SessionStarted(FIRST, self.now, self.view("ACTIVATING")))

    def connecting(self) -> Playbook:
        """Start a game, up to the first answer."""
        return self.placing().give(self.status("ACTIVE", sha256="sha-1", answer="answer 1"))

    def live(self) -> Playbook:
        """Start a game and play it for half a second."""
        self.placing()
        self.now += 0.1
        self.give(self.status("ACTIVE", sha256="sha-1", answer="answer 1"))
        self.now += 0.1
        self.connects(ONE)
        self.healthy(0.5)
        assert isinstance(self.state.phase, Live)
        self.commands.clear()
        return self

    def rejoin(self, state: RejoinState) -> Playbook:
        """Rejoin with a ticket after a crash."""
        return self.give(events.RejoinRequested(state))

    def drop(self, status: str | None = None) -> Playbook:
        """Live, then a second of silence, and what the service says then."""
        self.live().silence(1.1)
        if status is not None:
            self.give(self.status(status))
        return self

    def connects(self, connection: ConnectionNumber) -> Playbook:
        """The connection opens, shows a frame and takes input."""
        return self.give(
            events.ConnectionOpened(connection),
            events.FirstFrameDecoded(connection),
            events.InputOpened(connection),
            events.InputModuleKnown(connection, None),
        )

    def healthy(
        self, for_s: float, connection: ConnectionNumber = ONE, *, loss: float = 0.0
    ) -> Playbook:
        """Samples of a stream without trouble, but for `loss`."""
        self._silent_since_at = None
        return self._samples(for_s, connection, lambda: (self.now, self.now, self.now), loss=loss)

    def silence(self, for_s: float, connection: ConnectionNumber = ONE) -> Playbook:
        """Samples in which nothing arrives any more, or still not."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        began_at = self._silent_since_at
        return self._samples(for_s, connection, lambda: (began_at, began_at, began_at))

    def no_media(self, for_s: float, connection: ConnectionNumber = ONE) -> Playbook:
        """Samples in which checks are answered but no RTP arrives, or still not."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        began_at = self._silent_since_at
        return self._samples(for_s, connection, lambda: (self.now, began_at, began_at))

    def dead_uplink(
        self, for_s: float, connection: ConnectionNumber = ONE, *, refused: bool = False
    ) -> Playbook:
        """Samples in which everything arrives here, and nothing that is sent arrives there, or
        still not. `refused`: the operating system does not even send it."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        since_at = self._silent_since_at
        seen = {"proved_sent_at": since_at - 0.1, "unanswered_since_at": since_at}
        if refused:
            seen["sends_fail_since_at"] = since_at
        return self._samples(for_s, connection, lambda: (self.now, self.now, self.now), **seen)

    def answered(self, connection: ConnectionNumber = ONE) -> Playbook:
        """One sample: a check that has just been sent is answered, and everything arrives."""
        self._silent_since_at = None
        now = self.now + self.policy.sample_every_s
        return self._samples(
            self.policy.sample_every_s, connection, lambda: (now, now, now), proved_sent_at=now
        )

    def frozen(
        self, for_s: float, missing: float | None, connection: ConnectionNumber = ONE
    ) -> Playbook:
        """Samples in which sound arrives and no frame does, or still not. `missing`: the share of
        the video that did not arrive, by the sender reports."""
        if self._silent_since_at is None:
            self._silent_since_at = self.now
        since_at = self._silent_since_at
        return self._samples(
            for_s, connection, lambda: (self.now, self.now, since_at), video_missing=missing
        )

    def _samples(
        self,
        for_s: float,
        connection: ConnectionNumber,
        arrived: Callable[[], tuple[float, float, float]],
        *,
        loss: float = 0.0,
        **seen: float | None,
    ) -> Playbook:
        for _ in range(round(for_s / self.policy.sample_every_s)):
            self.wait(self.policy.sample_every_s)
            packet_at, rtp_at, frame_at = arrived()
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
                        loss=loss,
                        **seen,  # type: ignore[arg-type]
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
        ends_in_s: float | None = None,
    ) -> SessionView:
        remaining = RemainingKnowledge(self.timeout_s, 0.0) if status == "CONNECTED" else None
        return SessionView(
            SESSION,
            Status(status),
            StatusReason(reason) if reason else None,
            connection_timeout_s=self.timeout_s,
            session_ends_in_s=ends_in_s,
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
        ends_in_s: float | None = None,
    ) -> events.StatusArrived:
        view = self.view(
            status,
            reason=reason,
            sha256=sha256,
            answer=answer,
            attempt=attempt,
            ends_in_s=ends_in_s,
        )
        return events.StatusArrived(self.now, view)

    def poll_fails(
        self, kind: FailureKind, *, retry_after_s: float | None = None, detail: str = ""
    ) -> Playbook:
        failure = Failure(kind, retry_after_s=retry_after_s, detail=detail)
        return self.give(events.StatusFailed(self.now, failure))

    def requests(self) -> commands.Reconnect:
        """The offer that the engine has just asked for is made, and the request is written.

        So soon after another create call, the request waits (Rule 17 of the engine).
        """
        self.give(offer(self.last(commands.MakeOffer).connection))
        if isinstance(self.state.phase, Backoff):
            self.wait(self.state.phase.until_at - self.now)
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
        code: str = "",
        detail: str = "",
    ) -> Playbook:
        failure = Failure(
            kind, session_status=status, retry_after_s=retry_after_s, code=code, detail=detail
        )
        return self.give(
            events.ReconnectFailed(request.attempt, request.try_number, self.now, failure)
        )

    # --- what the engine did ----------------------------------------------------------------------

    def phase(self, kind: type[_P]) -> _P:
        """The phase, which must be of this kind."""
        assert isinstance(self.state.phase, kind), f"{self.state.phase} is no {kind.__name__}"
        return self.state.phase

    def is_in(self, kind: type[Phase]) -> bool:
        return isinstance(self.state.phase, kind)

    def health(self, level: HealthLevel) -> bool:
        return self.shown.health is level

    def expect(self, *expected: commands.Command) -> Playbook:
        """Exactly these commands since the last `expect`, in this order."""
        done, self.commands = self.commands, []
        assert done == list(expected), difference(expected, done)
        return self

    def expect_no(self, kind: type[commands.Command]) -> None:
        assert not [command for command in self.commands if isinstance(command, kind)]

    def all_of(self, kind: type[_C]) -> list[_C]:
        return [command for command in self.commands if isinstance(command, kind)]

    def last(self, kind: type[_C]) -> _C:
        """The newest command of a kind since the last `expect`."""
        found = self.all_of(kind)
        assert found, f"no {kind.__name__} among {[type(c).__name__ for c in self.commands]}"
        return found[-1]

    def saved(self) -> RejoinState:
        """What the newest ticket holds."""
        newest = self.tickets[-1]
        assert isinstance(newest, commands.SaveTicket), "the ticket was deleted"
        return newest.state

    @property
    def shown(self) -> Snapshot:
        return snapshot(self.state, self.policy)


def difference(expected: tuple[commands.Command, ...], done: list[commands.Command]) -> str:
    """A diff for a person: one line for each field, secret fields included."""
    lines = difflib.unified_diff(
        [line for command in expected for line in _lines(command)],
        [line for command in done for line in _lines(command)],
        "expected",
        "done",
        n=3,
        lineterm="",
    )
    return "\n" + "\n".join(lines)


def _lines(command: commands.Command) -> list[str]:
    values = [f"    {each.name}={getattr(command, each.name)!r}" for each in fields(command)]
    return [f"{type(command).__name__}:", *values]


def sample_backend() -> Playbook:
    """A backend of AWS's samples: no status after the start, and it does not forward the token."""
    return Playbook(Policy(reports_status=False, forwards_token=False))


def offer(connection: ConnectionNumber) -> events.OfferMade:
    return events.OfferMade(connection, f"sha-{connection}", f"offer {connection}")


def start_session() -> commands.StartSession:
    """The request for a new game with the first offer."""
    return commands.StartSession(FIRST, ONE, TOKEN, START_BUDGET_S, "offer 1")


def poll(
    known: str | None = None,
    wait_s: float = 0.0,
    budget_s: float = BUDGET_S,
    after_s: float = 0.0,
) -> commands.PollStatus:
    status = None if known is None else Status(known)
    return commands.PollStatus(SESSION, status, wait_s, budget_s, after_s)


def save_ticket(
    attempt: int, proved_at: float | None, timeout_s: float | None = 120.0
) -> commands.SaveTicket:
    return commands.SaveTicket(
        RejoinState(SESSION, AttemptNumber(attempt), timeout_s, proved_at=proved_at)
    )
