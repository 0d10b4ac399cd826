"""The engine under a world that does anything: what has to hold after every single event.

The machine answers commands as a world would (late, never, twice, wrong), lets time pass by any
amount, and throws events of numbers that are not current in between. `REJOIN_MACHINE_EXAMPLES=5000`
makes it look longer than the gate does, and elsewhere each time.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import replace
from typing import get_args

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers.playbook import SESSION
from rejoin.core import commands, events, session
from rejoin.core.judge import violations
from rejoin.core.lifecycle import PENDING_CLIENT_RECONNECTION, REASONS, STATUSES
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    HardEvidence,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
    Stage,
    Status,
    StatusReason,
)
from rejoin.core.phases import Confirming, Ended, Idle, Live, Offering, State
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.snapshot import snapshot
from rejoin.core.trace import Record, Recorder
from rejoin.gui.texts import announcement, ending_text, support_code

EXAMPLES = int(os.environ.get("REJOIN_MACHINE_EXAMPLES", "0"))
"""How many lives to look at, by chance; 0: a hundred and twenty, the same in every run."""

AT_ONCE = 6
"""Wake-ups at one moment that may lead from one to the next; more would be a busy loop."""
LEFT_ALONE = 3000
"""Wake-ups within which an engine that nobody answers is at its end."""
PATIENCE_S = 1500.0
"""An engine that still has longer than this need not be at its end so soon."""

ANSWERED = (
    commands.MakeOffer,
    commands.StartSession,
    commands.AskStatus,
    commands.Reconnect,
    commands.ApplyAnswer,
    commands.SayGoodbye,
    commands.TerminateSession,
)
"""Commands that come back as events."""

ANY_NUMBER = st.integers(-1, 6)
"""Numbers of connections and attempts: mostly of others than the current one."""

DURATIONS_S = st.one_of(
    st.sampled_from([0.0, 0.001, 0.05, 0.15, 0.3, 0.5, 0.9, 1.0, 3.0, 5.0, 10.0, 60.0, 120.0]),
    st.floats(0.0, 20.0),
    st.sampled_from([600.0, 3600.0, 86400.0, 1e7]),
)
TIMEOUTS_S = st.sampled_from([None, 0.0, 1.0, 5.0, 10.0, 30.0, 120.0, 120.0, 120.0, 600.0])
RETRY_AFTER_S = st.sampled_from([None, None, 0.0, 0.3, 2.0, 30.0, 500.0, 3600.0, 86400.0])

STATUS = st.one_of(
    st.sampled_from([*STATUSES[:6]] * 3 + [*STATUSES[6:]]),
    st.sampled_from([Status("SOMETHING_NEW")]),
)
REASON = st.sampled_from([None, *REASONS, StatusReason("somethingNew")])

FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    http_status=st.sampled_from([None, 200, 400, 401, 409, 429, 500, 511]),
    code=st.sampled_from(["", "IN_FLIGHT", "CONFLICT", "STATUS_NOT_TOLD"]),
    retryable=st.sampled_from([None, True, False]),
    retry_after_s=RETRY_AFTER_S,
    session_status=st.one_of(st.none(), STATUS),
    detail=st.sampled_from(["", "It failed."]),
)
PASSING = FAILURES.map(
    lambda failure: replace(
        failure, kind=FailureKind.OUTCOME_UNKNOWN, session_status=None, retry_after_s=None
    )
)

REMAINING = st.one_of(
    st.none(), st.builds(RemainingKnowledge, st.floats(0, 700), st.floats(0, 700))
)
SHA256 = st.one_of(st.none(), ANY_NUMBER.map(lambda number: f"sha-{number}"))

VIEWS = st.builds(
    SessionView,
    session_id=st.sampled_from([SESSION] * 6 + [SessionId("s-2")]),
    status=STATUS,
    reason=REASON,
    connection_timeout_s=TIMEOUTS_S,
    session_ends_in_s=st.sampled_from([None, None, None, 0.0, 5.0, 3600.0, 1e7]),
    remaining=REMAINING,
    signal_request_sha256=SHA256,
    signal_response=st.sampled_from([None, "answer"]),
    attempt=st.one_of(st.none(), ANY_NUMBER.map(AttemptNumber)),
)

POLICIES = st.builds(
    Policy,
    tells_status=st.sampled_from([True, True, False]),
    passes_token_on=st.sampled_from([True, True, False]),
    connection_timeout_default_s=st.sampled_from([None, 10.0, 120.0]),
)

TIME = st.one_of(
    st.sampled_from([0.0, 0.01, 0.04, 0.2, 0.5, 1.0, 5.0]), st.sampled_from([-3.0, 60.0, 1e6, 1e9])
)
"""How long before now something was, as a sample tells it; below 0 it is to come."""
RTT_S = st.sampled_from([None, 0.0, 0.04, 0.3, 2.0, 60.0])

CONNECTION = ANY_NUMBER.map(ConnectionNumber)
ATTEMPT = ANY_NUMBER.map(AttemptNumber)


def anything(now: float) -> st.SearchStrategy[events.Event]:
    """An event that need not belong to anything."""
    asked_at = DURATIONS_S.map(lambda age_s: now - age_s)
    made = CONNECTION.map(lambda number: events.OfferMade(number, f"sha-{number}", "offer"))
    return st.one_of(
        made,
        st.builds(events.OfferFailed, CONNECTION, st.just("no")),
        st.builds(events.AnswerRefused, CONNECTION, st.just("no")),
        st.builds(events.ConnectionOpened, CONNECTION),
        st.builds(events.ConnectionFailed, CONNECTION, st.just("no")),
        st.builds(events.InputOpened, CONNECTION),
        st.builds(events.ControlsKnown, CONNECTION, st.booleans()),
        st.builds(events.FirstFrameDecoded, CONNECTION),
        st.builds(events.Sampled, CONNECTION, samples(now)),
        st.builds(events.HardEvidenceSeen, CONNECTION, st.sampled_from(HardEvidence)),
        st.builds(events.GoodbyeSaid, CONNECTION),
        st.builds(events.SessionStarted, ATTEMPT, asked_at, VIEWS),
        st.builds(events.StartFailed, ATTEMPT, FAILURES),
        st.builds(events.StatusArrived, asked_at, VIEWS),
        st.builds(events.StatusFailed, asked_at, FAILURES),
        st.builds(events.RequestWritten, ATTEMPT, st.integers(0, 3)),
        st.builds(events.AnswerArrived, ATTEMPT, st.integers(0, 3), asked_at, st.just("answer")),
        st.builds(events.ReconnectFailed, ATTEMPT, st.integers(0, 3), asked_at, FAILURES),
        st.just(events.Terminated()),
        st.builds(events.TerminateFailed, FAILURES),
    )


def samples(now: float) -> st.SearchStrategy[ConnectionSample]:
    """What a connection may tell of itself, nonsense included."""
    return st.builds(
        ConnectionSample,
        last_packet_at=TIME.map(lambda ago_s: now - ago_s),
        last_rtp_at=TIME.map(lambda ago_s: now - ago_s),
        last_frame_at=TIME.map(lambda ago_s: now - ago_s),
        frames_decoded=st.integers(0, 3),
        frame_interval_s=st.sampled_from([0.0, 1 / 60, 5.0]),
        rtt_s=RTT_S,
        loss=st.sampled_from([0.0, 0.03, 0.2, 1.0]),
        check_answered_at=st.one_of(st.none(), TIME.map(lambda ago_s: now - ago_s)),
        proved_sent_at=st.one_of(st.none(), TIME.map(lambda ago_s: now - ago_s)),
        loop_lag_s=st.sampled_from([0.0, 0.0, 0.2, 10.0]),
        largest_gap_s=st.sampled_from([0.0, 0.1, 0.7, 30.0]),
    )


def numbers_of(event: events.Event) -> tuple[ConnectionNumber | None, AttemptNumber | None]:
    return getattr(event, "connection", None), getattr(event, "attempt", None)


class SessionMachine(RuleBasedStateMachine):
    """One engine, its world, and everything that is always true of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.state = State()
        self.policy = Policy()
        self.open: set[ConnectionNumber] = set()
        self.ended_by: list[commands.Finish] = []
        self.to_answer: list[commands.Command] = []
        self.records: list[Record] = []
        self.recorder = Recorder(self.records.append, self.policy, samples=True)
        self.chance = random.Random(0)

    # --- one event --------------------------------------------------------------------------------

    def take(self, event: events.Event) -> None:
        """Give the engine one event and hold what comes of it against the rules."""
        before, seed = self.state, self.chance.random()
        self.recorder.event(event, self.now)
        after, todo = session.step(before, event, self.now, self.policy, random.Random(seed).random)
        again = session.step(before, event, self.now, self.policy, random.Random(seed).random)
        assert again == (after, todo), "the same inputs gave something else"
        self.state = after
        self.recorder.state(after, self.now)
        for command in todo:
            self.recorder.command(command, self.now)
            self._carry_out(command)
        self._numbers_rise(before)
        self._belongs(before, event, todo)
        self._deadline(before, event)
        gave_up = isinstance(event, events.WakeupDue) and isinstance(after.phase, Ended)
        if gave_up and isinstance(before.phase, Confirming):
            assert self.now > before.phase.asked_at, "the last look had no time"
        self._all_is_closed_but_what_is_used()

    def _carry_out(self, command: commands.Command) -> None:
        assert not self.ended_by, f"{command} comes after the end"
        match command:
            case commands.MakeOffer(connection):
                assert connection not in self.open
                self.open.add(connection)
            case commands.CloseConnection(connection):
                assert connection in self.open, f"{connection} is not open"
                self.open.discard(connection)
            case commands.Finish():
                self.ended_by.append(command)
            case commands.AskStatus():
                assert 0.0 <= command.after_s < math.inf
                assert 0.0 < command.budget_s < math.inf
                self.to_answer = [
                    each for each in self.to_answer if not isinstance(each, commands.AskStatus)
                ]
            case commands.Reconnect() | commands.StartSession():
                assert 0.0 < command.budget_s < math.inf
                assert command.connection in self.open
                assert 32 <= len(command.token) <= 128
            case (
                commands.ApplyAnswer(connection)
                | commands.ShowConnection(connection)
                | commands.SayGoodbye(connection)
                | commands.RequestKeyFrame(connection)
                | commands.StartChecks(connection)
                | commands.StopChecks(connection)
                | commands.Mute(connection)
                | commands.Unmute(connection)
            ):
                assert connection in self.open, f"{command} is about what is not open"
            case _:
                pass
        if isinstance(command, ANSWERED):
            self.to_answer.append(command)

    def _numbers_rise(self, before: State) -> None:
        for name in ("connections", "attempts", "episodes", "stale_events"):
            assert getattr(self.state.facts, name) >= getattr(before.facts, name)

    def _belongs(
        self, before: State, event: events.Event, todo: tuple[commands.Command, ...]
    ) -> None:
        """Rule 11 of the engine: what belongs to nothing changes nothing but the count."""
        connection, attempt = numbers_of(event)
        ask = getattr(before.phase, "ask", None)
        stale = isinstance(before.phase, Ended)
        stale |= connection is not None and connection not in used(before, self.policy)
        stale |= attempt is not None and (ask is None or ask.attempt != attempt)
        stale |= (
            isinstance(event, events.StatusArrived)
            and event.view.session_id != before.facts.session_id
        )
        if stale:
            count = before.facts.stale_events + 1
            assert self.state == State(before.phase, replace(before.facts, stale_events=count))
            assert todo == ()

    def _deadline(self, before: State, event: events.Event) -> None:
        """PENDING proves nothing about its own start."""
        if (
            isinstance(event, events.StatusArrived)
            and event.view.status == PENDING_CLIENT_RECONNECTION
            and event.view.remaining is None
            and event.view.connection_timeout_s in (None, before.facts.window.timeout_s)
            and event.view.session_ends_in_s is None
        ):
            was, shown = before.facts.window.shown_at, self.state.facts.window.shown_at
            assert was is None or (shown is not None and shown <= was)

    def _all_is_closed_but_what_is_used(self) -> None:
        assert self.open == used(self.state, self.policy)

    # --- time -------------------------------------------------------------------------------------

    def wake(self) -> None:
        """A wake-up that is due; what it leads to at the same moment comes to an end."""
        for _ in range(AT_ONCE):
            at = session.next_wakeup(self.state)
            if at is None or at > self.now:
                return
            before = self.state
            self.take(events.WakeupDue())
            assert self.state != before, f"a busy loop in {before.phase}"
        raise AssertionError(f"a busy loop in {self.state.phase}")

    def pass_time(self, for_s: float, wakeups: int) -> bool:
        """Let time pass with every wake-up, or until there were `wakeups`; True: all passed."""
        until_at = self.now + for_s
        for _ in range(wakeups):
            at = session.next_wakeup(self.state)
            if at is None or at > until_at:
                self.now = until_at
                return True
            self.now = max(self.now, at)
            self.wake()
        return False

    # --- the rules --------------------------------------------------------------------------------

    @initialize(
        policy=POLICIES, seed=st.integers(0, 1000), begun=st.sampled_from([2, 2, 2, 2, 1, 1, 0])
    )
    def begins(self, policy: Policy, seed: int, begun: int) -> None:
        """Idle, started, or already playing."""
        self.policy = policy
        self.chance = random.Random(seed)
        self.recorder = Recorder(self.records.append, policy, samples=True)
        if begun:
            self.take(events.StartRequested())
        if begun == 2:
            self.goes_well(8)
            assert isinstance(self.state.phase, Live)

    @rule(
        event=st.sampled_from(
            [
                events.StartRequested(),
                events.TryNowRequested(),
                events.TryNowRequested(),
                events.NetworkLost(),
                events.NetworkFound(),
                events.NetworkFound(),
            ]
        )
    )
    def player_or_machine(self, event: events.Event) -> None:
        self.take(event)

    @rule(asleep_s=st.sampled_from([0.5, 4.0, 30.0, 600.0]), told_late=st.booleans())
    def sleeps(self, asleep_s: float, told_late: bool) -> None:
        self.now += asleep_s
        if told_late:
            self.wake()
        self.take(events.Woke(asleep_s))

    @rule(
        event=st.sampled_from([events.CloseForNowRequested(), events.EndGameRequested()]),
        meant=st.sampled_from([True, False, False, False]),
    )
    def leaves(self, event: events.Event, meant: bool) -> None:
        if meant:
            self.take(event)

    @rule(times=st.integers(2, 6), gap_s=st.sampled_from([0.0, 0.01]))
    def presses_try_now_again_and_again(self, times: int, gap_s: float) -> None:
        for _ in range(times):
            self.take(events.TryNowRequested())
            self.now += gap_s

    @rule(data=st.data())
    def anything_happens(self, data: st.DataObject) -> None:
        self.take(data.draw(anything(self.now), label="event"))

    @rule(data=st.data())
    def something_of_what_is_open_happens(self, data: st.DataObject) -> None:
        """The numbers are right, the moment may be wrong."""
        event = data.draw(anything(self.now), label="event")
        connection, attempt = numbers_of(event)
        ask = getattr(self.state.phase, "ask", None)
        if connection is not None and self.open:
            right = data.draw(st.sampled_from(sorted(self.open)), label="connection")
            event = replace(event, connection=right)  # type: ignore[arg-type]
            if isinstance(event, events.OfferMade):
                event = replace(event, sha256=f"sha-{right}")
        if attempt is not None and ask is not None:
            event = replace(event, attempt=ask.attempt)
            if hasattr(event, "try_number"):
                event = replace(event, try_number=ask.tries)
        note(f"{event}")
        self.take(event)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), silent_s=st.sampled_from([0.0, 0.4, 1.0, 1.0, 6.0]))
    def is_sampled(self, data: st.DataObject, silent_s: float) -> None:
        """A connection that is well, or silent for so long: time passes with it."""
        connection = data.draw(st.sampled_from(sorted(self.open)), label="connection")
        since_at = self.now
        while True:
            at = self.now if silent_s == 0.0 else since_at
            sample = ConnectionSample(at, at, at, 1, 1 / 60, 0.04, 0.0)
            self.take(events.Sampled(connection, sample))
            if self.now - since_at >= silent_s:
                break
            self.pass_time(0.3, AT_ONCE)

    @rule(view=VIEWS, age_s=st.sampled_from([0.0, 0.0, 0.1, 9.0, 100.0]))
    def the_status_is_told(self, view: SessionView, age_s: float) -> None:
        self.take(events.StatusArrived(self.now - age_s, view))

    @rule(
        status=st.sampled_from(["CONNECTED", "PENDING_CLIENT_RECONNECTION", "ACTIVE"]),
        age_s=st.sampled_from([0.0, 0.2]),
    )
    def the_status_is_plain(self, status: str, age_s: float) -> None:
        view = SessionView(SESSION, Status(status), connection_timeout_s=120.0)
        self.take(events.StatusArrived(self.now - age_s, view))

    @rule(turns=st.integers(1, 9))
    def goes_well(self, turns: int) -> None:
        """The world answers what it was asked, as it should."""
        for _ in range(turns):
            if self.to_answer:
                self._answer(self.to_answer.pop(0))

    @precondition(lambda self: self.to_answer)
    @rule(failure=st.one_of(FAILURES, PASSING), written=st.booleans())
    def goes_badly(self, failure: Failure, written: bool) -> None:
        """What was asked first fails."""
        match self.to_answer.pop(0):
            case commands.MakeOffer(connection):
                if isinstance(self.state.phase, Offering) or failure.retryable is False:
                    self.take(events.OfferFailed(connection, "no socket"))
            case commands.StartSession(attempt):
                self.take(events.StartFailed(attempt, failure))
            case commands.AskStatus():
                self.take(events.StatusFailed(self.now, failure))
            case commands.Reconnect(_, attempt, number):
                asked_at = self.now
                if written:
                    self.take(events.RequestWritten(attempt, number))
                self.take(events.ReconnectFailed(attempt, number, asked_at, failure))
            case commands.ApplyAnswer(connection):
                if written:
                    self.take(events.ConnectionFailed(connection, "no way"))
                else:
                    self.take(events.AnswerRefused(connection, "no good"))
            case commands.TerminateSession():
                self.take(events.TerminateFailed(failure))
            case _:
                pass

    @precondition(lambda self: self.to_answer)
    @rule(turns=st.integers(1, 3), for_s=st.sampled_from([0.0, 0.1, 1.0, 6.0]))
    def goes_well_in_time(self, turns: int, for_s: float) -> None:
        self.pass_time(for_s, AT_ONCE)
        self.goes_well(turns)

    @precondition(lambda self: self.to_answer)
    @rule()
    def gets_lost(self) -> None:
        """Nobody will ever hear what became of what was asked first."""
        self.to_answer.pop(0)

    def _answer(self, command: commands.Command) -> None:
        match command:
            case commands.MakeOffer(connection):
                self.take(events.OfferMade(connection, f"sha-{connection}", f"offer {connection}"))
            case commands.StartSession(attempt, connection):
                placed = self.chance.random() < 0.5
                view = self._view("ACTIVE", connection) if placed else self._view("ACTIVATING")
                self.take(events.SessionStarted(attempt, self.now, view))
            case commands.AskStatus():
                live = isinstance(self.state.phase, Live)
                ask = getattr(self.state.phase, "ask", None)
                view = self._view("CONNECTED" if live else "PENDING_CLIENT_RECONNECTION")
                if ask is not None:
                    view = self._view("ACTIVE", ask.connection)
                self.take(events.StatusArrived(self.now, view))
            case commands.Reconnect(_, attempt, number):
                self.take(events.RequestWritten(attempt, number))
                self.now += 0.2
                self.take(events.AnswerArrived(attempt, number, self.now - 0.2, "answer"))
            case commands.ApplyAnswer(connection):
                self.take(events.ConnectionOpened(connection))
                self.take(events.ControlsKnown(connection, known=True))
                self.take(events.FirstFrameDecoded(connection))
                self.take(events.InputOpened(connection))
            case commands.SayGoodbye(connection):
                self.take(events.GoodbyeSaid(connection))
            case commands.TerminateSession():
                self.take(events.Terminated())
            case _:
                pass

    def _view(self, status: str, answered: ConnectionNumber | None = None) -> SessionView:
        return SessionView(
            SESSION,
            Status(status),
            connection_timeout_s=120.0 if self.policy.tells_status else None,
            signal_request_sha256=None if answered is None else f"sha-{answered}",
            signal_response=None if answered is None else f"answer {answered}",
        )

    @rule(for_s=DURATIONS_S)
    def time_passes(self, for_s: float) -> None:
        """With all wake-ups in time."""
        self.pass_time(for_s, 40)

    @rule(for_s=DURATIONS_S)
    def time_passes_unseen(self, for_s: float) -> None:
        """Nobody wakes the engine in between; then it is late."""
        self.now += for_s
        self.wake()

    @rule(more_s=st.sampled_from([0.0, 0.0, 1e-9, 0.001]))
    def wakes_when_it_wanted(self, more_s: float) -> None:
        at = session.next_wakeup(self.state)
        if at is not None:
            self.now = max(self.now, at) + more_s
            self.wake()

    @rule(share=st.sampled_from([0.0, 0.5, 0.999]))
    def wakes_too_early(self, share: float) -> None:
        at = session.next_wakeup(self.state)
        if at is None or at <= self.now:
            return
        early_at = self.now + (at - self.now) * share
        if early_at >= at:
            return
        self.now, before, asked = early_at, self.state, len(self.to_answer)
        self.take(events.WakeupDue())
        assert (self.state, len(self.to_answer)) == (before, asked)

    # --- what is always true ----------------------------------------------------------------------

    @invariant()
    def it_wants_to_be_woken(self) -> None:
        at = session.next_wakeup(self.state)
        if isinstance(self.state.phase, Idle | Ended):
            assert at is None
        else:
            assert at is not None
            assert math.isfinite(at)

    @invariant()
    def it_can_be_shown(self) -> None:
        shown = snapshot(self.state, self.policy)
        announcement(shown, self.now)
        if isinstance(self.state.phase, Live):
            assert shown.stage is Stage.LIVE
            assert shown.shown_deadline_at is shown.latest_deadline_at is shown.next_try_at is None
        if shown.shown_deadline_at is not None and shown.latest_deadline_at is not None:
            assert shown.shown_deadline_at <= shown.latest_deadline_at

    @invariant()
    def it_ends_once_and_says_why(self) -> None:
        if not isinstance(self.state.phase, Ended):
            assert not self.ended_by
            return
        assert self.ended_by == [commands.Finish(self.state.phase.ending)]
        text = ending_text(self.state.phase.ending)
        assert text.title
        assert text.meaning
        assert support_code(self.state.phase.ending).startswith("RJ-")
        assert snapshot(self.state, self.policy).ending == self.state.phase.ending

    def teardown(self) -> None:
        """Left alone it comes to an end; and what it did broke none of the invariants."""
        if not self._may_stay() and self._left_s() < PATIENCE_S:
            self.pass_time(10 * PATIENCE_S, LEFT_ALONE)
            assert self._may_stay(), f"it goes on for ever in {self.state.phase}"
        found = violations(self.records)
        assert not found, found

    def _may_stay(self) -> bool:
        return isinstance(self.state.phase, Idle | Live | Ended)

    def _left_s(self) -> float:
        episode = getattr(self.state.phase, "episode", None)
        if episode is None:
            return 0.0
        return self.state.facts.window.latest_at(episode.dropped_at, self.policy) - self.now


def used(state: State, policy: Policy) -> set[ConnectionNumber]:
    """The connections that the engine believes are open."""
    turn = session._Turn(state.phase, state.facts, 0.0, policy, lambda: 0.5)
    return turn._open_connections()


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(
    max_examples=EXAMPLES or 120, stateful_step_count=40, derandomize=not EXAMPLES
)


def test_the_machine_knows_every_event() -> None:
    """A new event has to be given its place here."""
    drawn = {
        "StartRequested",
        "TryNowRequested",
        "CloseForNowRequested",
        "EndGameRequested",
        "NetworkLost",
        "NetworkFound",
        "Woke",
        "WakeupDue",
    }
    random_ones = repr(anything(0.0))
    lacking = [
        each.__name__
        for each in get_args(events.Event)
        if each.__name__ not in drawn and each.__name__ not in random_ones
    ]
    assert not lacking
