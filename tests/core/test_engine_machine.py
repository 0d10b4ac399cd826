"""Any events in any order, with likely and unlikely numbers: the engine's invariants always hold.

`verify/interleavings` models a world that makes sense; this one need not make sense. Numbers are
finite: `signaling/wire` and `rtc/statistics` let no others through.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from helpers.documented_transitions import assert_documented
from rejoin.core import commands, engine, events
from rejoin.core.engine import ending, enter
from rejoin.core.engine.transition import Transition, open_connections
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
from rejoin.core.phases import (
    Connecting,
    Ended,
    Idle,
    Live,
    Offering,
    Requesting,
    State,
    TerminatingSession,
    Waiting,
    episode_of,
)
from rejoin.core.reconnect_report import CAUSES, EpisodeObserver, ReconnectReport
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.snapshot import snapshot
from rejoin.core.ticket import RejoinState
from rejoin.service_model import status as service_status
from rejoin.service_model.status import Status, StatusReason

SESSION = SessionId("s-1")

durations_s = st.sampled_from([0.0, 0.02, 0.15, 0.5, 1.0, 2.5, 6.0, 30.0, 200.0, 1e6])
ages_s = st.sampled_from([0.0, 0.0, 0.02, 0.4, 1.0, 7.0, 300.0, -5.0, -1e6, 1e9])
"""How long ago something was; negative: in the future, as with a wrong clock."""
maybe_s = st.none() | st.sampled_from([0.0, 1.0, 10.0, 120.0, 43200.0, 1e9])
nearby = st.sampled_from([0, 0, 0, 1, 2])
statuses = st.sampled_from([*service_status.STATUSES, "A_STATUS_OF_TOMORROW"]).map(Status)
live_statuses = st.sampled_from(["ACTIVE", "CONNECTED", "PENDING_CLIENT_RECONNECTION"]).map(Status)
failures = st.builds(
    Failure,
    st.sampled_from(FailureKind),
    http_status=st.none() | st.sampled_from([200, 400, 409, 500]),
    code=st.sampled_from(["", "IN_FLIGHT"]),
    retryable=st.none() | st.booleans(),
    retry_after_s=st.none() | st.sampled_from([0.0, 1.0, 20.0, 1e6]),
    session_status=st.none() | statuses,
    place=st.none() | st.sampled_from([1, 10_000]),
    turn_in_s=maybe_s,
)
passing_failures = st.builds(
    Failure,
    st.sampled_from([FailureKind.OUTCOME_UNKNOWN, FailureKind.NOT_SENT, FailureKind.CONFLICT]),
    session_status=st.none() | live_statuses,
)
ending_fails = st.builds(
    Failure,
    st.sampled_from(
        [FailureKind.NOT_SENT, FailureKind.OUTCOME_UNKNOWN, FailureKind.CONFLICT, FailureKind.TLS]
    ),
    retry_after_s=st.none() | st.sampled_from([3.0, 100.0]),
)
policies = st.builds(
    Policy,
    reports_status=st.booleans(),
    forwards_token=st.booleans(),
    can_terminate=st.booleans(),
)


class Engine(RuleBasedStateMachine):
    """One engine, any events, and what an observer of its commands has counted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.policy = Policy()
        self.state = State()
        self.steps = 0
        self.open: set[ConnectionNumber] = set()
        self.made: set[ConnectionNumber] = set()
        self.sent: dict[str, tuple[AttemptNumber, str]] = {}
        self.call: tuple[AttemptNumber, int, float] | None = None
        self.finished = False
        self.observe()

    @initialize(policy=policies, ticket=st.none() | st.sampled_from([0, 1, 7]))
    def begin(self, policy: Policy, ticket: int | None) -> None:
        self.policy = policy
        if ticket is None:
            self.give(events.StartRequested())
        elif ticket == 0:
            self.play()
        else:
            self.give(
                events.RejoinRequested(RejoinState(SESSION, AttemptNumber(ticket), 120.0, 990.0))
            )

    def play(self) -> None:
        """A live game: most of the interesting transitions start there."""
        one = ConnectionNumber(1)
        self.give(events.StartRequested())
        self.give(events.OfferMade(one, "sha-1", "offer 1"))
        view = SessionView(
            SESSION,
            service_status.ACTIVE,
            connection_timeout_s=120.0,
            signal_request_sha256="sha-1",
            signal_response="answer 1",
        )
        self.give(events.SessionStarted(AttemptNumber(1), self.now, view))
        self.comes_up(0)
        assert isinstance(self.state.phase, Live)

    @precondition(lambda self: self.finished)
    @rule()
    def start_another_game(self) -> None:
        """After the end every event is stale, so start another game."""
        self.reset()
        self.play()

    def reset(self) -> None:
        self.state, self.call, self.finished = State(), None, False
        self.open, self.made, self.sent = set(), set(), {}
        self.observe()

    def observe(self) -> None:
        self.momentary = 0
        """Episodes that began and ended in one step."""
        self.reports: list[ReconnectReport] = []
        self.observer = EpisodeObserver(self.reports.append)

    # --- one step, and what holds of every step ---------------------------------------------

    def give(self, event: events.Event) -> None:
        before, self.steps = self.state, self.steps + 1
        after, todo = self.step(before, event)
        assert (after, todo) == self.step(before, event), "the same input gives the same output"
        self.state = after
        self.observer.step(event, after, self.now)
        assert_documented(before, event, after)
        if after.facts.stale_events > before.facts.stale_events:
            facts = replace(before.facts, stale_events=after.facts.stale_events)
            assert after == replace(before, facts=facts), "a stale event changes the count alone"
            assert todo == ()
        if isinstance(event, events.AnswerArrived | events.ReconnectFailed) and (
            self.call is not None
            and (event.attempt, event.try_number) == (self.call[0], self.call[1])
        ):
            self.call = None
        for command in todo:
            self.carry_out(command)
        self.check_state(before)

    def step(self, state: State, event: events.Event) -> tuple[State, tuple[commands.Command, ...]]:
        return engine.step(state, event, self.now, self.policy, random.Random(self.steps).random)

    def carry_out(self, command: commands.Command) -> None:
        assert not self.finished, "Finish is the last command of a game"
        match command:
            case commands.MakeOffer(connection):
                assert connection not in self.made, "a number is never used again"
                self.made.add(connection)
                self.open.add(connection)
            case commands.CloseConnection(connection):
                assert connection in self.open, "closed twice, or never opened"
                self.open.remove(connection)
                if self.call is not None and self.sent_on(self.call[0]) == connection:
                    self.call = None  # `runtime` ends the call with the connection it is for
            case commands.StartSession(attempt, _, token, _, signal_request):
                self.check_once(attempt, token, signal_request)
            case commands.Reconnect(_, attempt, try_number, connection, token, budget_s):
                assert connection in self.open
                assert budget_s > 0.0
                self.check_once(attempt, token, command.signal_request)
                assert self.call is None or self.now >= self.call[2], "I4: two calls in flight"
                self.call = (attempt, try_number, self.now + budget_s)
                assert isinstance(self.state.phase, Requesting)
                latest_at = self.state.facts.window.latest_at(
                    self.state.phase.episode.dropped_at, self.policy
                )
                assert self.now <= latest_at, "I2"
            case commands.ApplyAnswer(connection, answer):
                assert connection in self.open
                assert answer == f"answer {connection}", "I1"
            case commands.ShowConnection(connection):
                assert connection in self.open
            case commands.SayGoodbye(connection) | commands.Mute(connection):
                assert connection in self.open
            case commands.TerminateSession():
                assert self.policy.can_terminate, "Rule 15: this backend cannot end a game"
                phase = self.state.phase
                assert isinstance(phase, TerminatingSession)
                assert self.now >= phase.not_before_at, "Rule 20: a Retry-After is waited for"
            case commands.Finish():
                self.finished = True
            case _:
                pass

    def check_once(self, attempt: AttemptNumber, token: str, signal_request: str) -> None:
        """I3: an offer belongs to one attempt, an attempt has one token, and numbers rise."""
        if signal_request in self.sent:
            assert self.sent[signal_request] == (attempt, token), "I3"
            return
        assert all(attempt > earlier for earlier, _ in self.sent.values())
        assert all(token != earlier for _, earlier in self.sent.values())
        self.sent[signal_request] = (attempt, token)

    def sent_on(self, attempt: AttemptNumber) -> ConnectionNumber | None:
        for signal_request, (sent, _) in self.sent.items():
            if sent == attempt:
                return ConnectionNumber(int(signal_request.removeprefix("offer ")))
        return None

    def check_state(self, before: State) -> None:
        phase, facts = self.state.phase, self.state.facts
        wakeup_at = engine.next_wakeup(self.state)
        assert (wakeup_at is None) == isinstance(phase, Idle | Ended), "I5"
        assert open_connections(phase) == self.open, "I9: the engine knows what is open"
        assert isinstance(phase, Ended) == self.finished, "I6: the end is reported, once"
        if isinstance(phase, Connecting) and phase.episode is not None:
            had = episode_of(before.phase)
            assert had is None or had.old is None or had.old in self.open, "KEEP"
        bound = isinstance(before.phase, Requesting) and before.phase.written_at is not None
        assert not (bound and isinstance(phase, Live)), "HEAL"
        if facts.episodes > before.facts.episodes and isinstance(phase, Ended):
            self.momentary += 1  # begun and ended in one step
        if isinstance(phase, Live | Ended):
            reported = len(self.reports) + self.momentary
            assert reported == facts.episodes, "each episode is reported once"
        for report in self.reports[-1:]:
            assert report.cause in CAUSES
            assert 0.0 <= report.noticed_after_s <= report.lost_s
            assert (report.ending is None) == (report.outcome != "ended")
        shown = snapshot(self.state, self.policy)
        assert (shown.ending is not None) == isinstance(phase, Ended), "I6"
        proved_at, earlier_at = facts.window.proved_at, before.facts.window.proved_at
        if earlier_at is not None and not isinstance(before.phase, Idle):
            assert proved_at is not None
            assert proved_at >= earlier_at, "what was proved stays proved"
        assert facts.attempts >= before.facts.attempts
        assert facts.connections >= before.facts.connections

    # --- numbers of things, near to those in use --------------------------------------------------

    def connection(self, back: int) -> ConnectionNumber:
        return ConnectionNumber(self.state.facts.connections - back)

    def answer_to(self, attempt: AttemptNumber) -> str:
        return f"answer {self.sent_on(attempt)}"

    def attempt(self, back: int) -> AttemptNumber:
        return AttemptNumber(self.state.facts.attempts - back)

    # --- what may happen --------------------------------------------------------------------------

    @rule(after_s=durations_s)
    def time_passes(self, after_s: float) -> None:
        """With the wakeups that are due, at most twenty of them."""
        until_at = self.now + after_s
        for _ in range(20):
            at = engine.next_wakeup(self.state)
            if at is None or at > until_at:
                break
            self.wakes_in_time()
        self.now = max(self.now, until_at)

    @rule()
    def wakes_in_time(self) -> None:
        at = engine.next_wakeup(self.state)
        if at is None:
            return
        self.now = max(self.now, at)
        before = self.state
        self.give(events.WakeupDue())
        assert self.state != before, "a timer that does nothing is a busy loop"

    @rule()
    def wakes_whenever(self) -> None:
        self.give(events.WakeupDue())

    @rule(back=nearby)
    def offer_is_made(self, back: int) -> None:
        number = self.connection(back)
        self.give(events.OfferMade(number, f"sha-{number}", f"offer {number}"))

    @rule(back=nearby)
    def offer_fails(self, back: int) -> None:
        self.give(events.OfferFailed(self.connection(back), "no sockets"))

    @rule(back=nearby, age_s=ages_s, status=statuses, answered=st.booleans())
    def game_is_started(self, back: int, age_s: float, status: Status, answered: bool) -> None:
        attempt = self.attempt(back)
        answer = self.answer_to(attempt) if answered else None
        view = SessionView(SESSION, status, signal_response=answer)
        self.give(events.SessionStarted(attempt, self.now - age_s, view))

    @rule(back=nearby, failure=failures)
    def start_fails(self, back: int, failure: Failure) -> None:
        self.give(events.StartFailed(self.attempt(back), failure))

    @rule(
        age_s=ages_s,
        status=live_statuses | live_statuses | live_statuses | statuses,
        timeout_s=maybe_s,
        ends_in_s=maybe_s,
        known_s=maybe_s,
        known_age_s=ages_s,
        held=st.none() | nearby,
        ours=st.integers(0, 9).map(bool),
        attempt=st.integers(-9, 1),
    )
    def status_arrives(
        self,
        age_s: float,
        status: Status,
        timeout_s: float | None,
        ends_in_s: float | None,
        known_s: float | None,
        known_age_s: float,
        held: int | None,
        ours: bool,
        attempt: int,
    ) -> None:
        view = SessionView(
            SESSION if ours else SessionId("another"),
            status,
            StatusReason("applicationExit") if service_status.is_terminal(status) else None,
            connection_timeout_s=timeout_s,
            session_ends_in_s=ends_in_s,
            remaining=None if known_s is None else RemainingKnowledge(known_s, known_age_s),
            signal_request_sha256=None if held is None else f"sha-{self.connection(held)}",
            signal_response=None if held is None else f"answer {self.connection(held)}",
            attempt=AttemptNumber(max(0, self.state.facts.attempts + attempt)),
        )
        self.give(events.StatusArrived(self.now - age_s, view))

    @rule(age_s=ages_s, failure=passing_failures | failures)
    def status_fails(self, age_s: float, failure: Failure) -> None:
        self.give(events.StatusFailed(self.now - age_s, failure))

    @rule(back=nearby, try_number=st.integers(1, 3))
    def request_is_written(self, back: int, try_number: int) -> None:
        self.give(events.RequestWritten(self.attempt(back), try_number))

    @rule(back=nearby, try_number=st.integers(1, 3), age_s=ages_s)
    def answer_arrives(self, back: int, try_number: int, age_s: float) -> None:
        attempt = self.attempt(back)
        self.give(
            events.AnswerArrived(attempt, try_number, self.now - age_s, self.answer_to(attempt))
        )

    @rule(
        back=nearby,
        try_number=st.integers(1, 3),
        age_s=ages_s,
        failure=passing_failures | failures,
    )
    def reconnect_fails(self, back: int, try_number: int, age_s: float, failure: Failure) -> None:
        self.give(events.ReconnectFailed(self.attempt(back), try_number, self.now - age_s, failure))

    @precondition(lambda self: self.call is not None)
    @rule(failure=passing_failures)
    def the_call_in_flight_fails(self, failure: Failure) -> None:
        assert self.call is not None
        attempt, try_number, _ = self.call
        self.give(events.RequestWritten(attempt, try_number))
        self.give(events.ReconnectFailed(attempt, try_number, self.now, failure))

    @precondition(lambda self: self.call is not None)
    @rule(back=nearby)
    def the_call_in_flight_is_answered(self, back: int) -> None:
        assert self.call is not None
        attempt, try_number, _ = self.call
        self.give(events.AnswerArrived(attempt, try_number, self.now, self.answer_to(attempt)))
        self.comes_up(back)

    @rule(back=nearby)
    def comes_up(self, back: int) -> None:
        number = self.connection(back)
        self.give(events.ConnectionOpened(number))
        self.give(events.FirstFrameDecoded(number))
        self.give(events.InputOpened(number))
        self.give(events.InputModuleKnown(number, None))

    @rule(back=nearby)
    def answer_is_refused(self, back: int) -> None:
        self.give(events.AnswerRefused(self.connection(back), "a rule"))

    @rule(back=nearby)
    def video_is_refused(self, back: int) -> None:
        self.give(events.VideoRefused(self.connection(back), "interlaced video"))

    @rule(back=nearby)
    def connection_fails(self, back: int) -> None:
        self.give(events.ConnectionFailed(self.connection(back), "gave up"))

    @rule(
        back=nearby,
        packet=ages_s,
        rtp=ages_s,
        frame=ages_s,
        rtt_s=st.none() | st.sampled_from([0.0, 0.04, 0.6, 1e4]),
        loss=st.sampled_from([0.0, 0.03, 0.5, 1.0]),
        proved=st.none() | ages_s,
        lag_s=st.sampled_from([0.0, 0.3, 1e4]),
        gap_s=st.sampled_from([0.0, 0.2, 1e4]),
    )
    def sampled(
        self,
        back: int,
        packet: float,
        rtp: float,
        frame: float,
        rtt_s: float | None,
        loss: float,
        proved: float | None,
        lag_s: float,
        gap_s: float,
    ) -> None:
        sample = ConnectionSample(
            last_packet_at=self.now - packet,
            last_rtp_at=self.now - rtp,
            last_frame_at=self.now - frame,
            frames_decoded=1,
            frame_interval_s=1 / 60,
            rtt_s=rtt_s,
            loss=loss,
            proved_sent_at=None if proved is None else self.now - proved,
            loop_lag_s=lag_s,
            largest_gap_s=gap_s,
        )
        self.give(events.Sampled(self.connection(back), sample))

    @precondition(lambda self: isinstance(self.state.phase, Live))
    @rule(for_s=st.sampled_from([0.4, 1.2, 6.0]))
    def falls_silent(self, for_s: float) -> None:
        heard_at = self.now
        number = self.connection(0)
        for at in (heard_at, heard_at + for_s):
            self.now = at
            sample = ConnectionSample(heard_at, heard_at, heard_at, 1, 1 / 60, 0.04, 0.0)
            self.give(events.Sampled(number, sample))

    @precondition(lambda self: isinstance(self.state.phase, Offering))
    @rule()
    def the_offer_is_made(self) -> None:
        self.offer_is_made(0)

    @precondition(lambda self: isinstance(self.state.phase, Live))
    @rule()
    def is_committed(self) -> None:
        self.falls_silent(1.2)
        view = SessionView(SESSION, service_status.PENDING_CLIENT_RECONNECTION)
        self.give(events.StatusArrived(self.now, view))

    @precondition(lambda self: isinstance(self.state.phase, Offering))
    @rule(written=st.booleans(), failure=st.none() | passing_failures)
    def requests(self, written: bool, failure: Failure | None) -> None:
        self.offer_is_made(0)
        if self.call is None:
            return  # too late for it
        attempt, try_number, _ = self.call
        if written:
            self.give(events.RequestWritten(attempt, try_number))
        if failure is not None:
            self.give(events.ReconnectFailed(attempt, try_number, self.now, failure))

    @precondition(lambda self: isinstance(self.state.phase, Requesting))
    @rule()
    def is_answered(self) -> None:
        assert isinstance(self.state.phase, Requesting)
        attempt = self.state.phase.attempt
        answer = self.answer_to(attempt.number)
        self.give(events.AnswerArrived(attempt.number, attempt.tries, self.now, answer))

    @precondition(lambda self: isinstance(self.state.phase, Requesting) and len(self.sent) > 1)
    @rule()
    def an_older_one_is_answered(self) -> None:
        attempt = self.attempt(1)
        self.give(events.AnswerArrived(attempt, 1, self.now, self.answer_to(attempt)))

    @precondition(lambda self: len(self.sent) > 1)
    @rule()
    def an_older_answer_is_shown(self) -> None:
        older = self.sent_on(self.attempt(1))
        view = SessionView(
            SESSION,
            service_status.ACTIVE,
            signal_request_sha256=f"sha-{older}",
            signal_response=f"answer {older}",
        )
        self.give(events.StatusArrived(self.now, view))

    @precondition(lambda self: episode_of(self.state.phase) is not None)
    @rule()
    def the_old_connection_is_heard(self) -> None:
        episode = episode_of(self.state.phase)
        if episode is None or episode.old is None:
            return
        self.now += 0.1
        at = self.now
        sample = ConnectionSample(at, at, at, 1, 1 / 60, 0.04, 0.0)
        self.give(events.Sampled(episode.old, sample))

    @rule(back=nearby, evidence=st.sampled_from(HardEvidence))
    def hard_evidence(self, back: int, evidence: HardEvidence) -> None:
        self.give(events.HardEvidenceSeen(self.connection(back), evidence))

    @rule(back=nearby)
    def goodbye_is_said(self, back: int) -> None:
        self.give(events.GoodbyeSaid(self.connection(back)))

    @rule(known=st.booleans())
    def network(self, known: bool) -> None:
        self.give(events.NetworkFound() if known else events.NetworkLost())

    @rule(asleep_s=st.sampled_from([0.5, 10.0, 1e6]))
    def woke(self, asleep_s: float) -> None:
        self.now += asleep_s
        self.give(events.Woke(asleep_s))

    @rule()
    def player_tries_now(self) -> None:
        self.give(events.TryNowRequested())

    @rule(what=st.integers(0, 7))
    def player_leaves(self, what: int) -> None:
        """Rarely, or most runs would end at once."""
        if what == 0:
            self.give(events.CloseForNowRequested())
        elif what == 1:
            self.give(events.EndGameRequested())
        elif what == 2:
            self.give(events.StartRequested())

    @precondition(lambda self: isinstance(self.state.phase, TerminatingSession))
    @rule(failure=ending_fails, times=st.integers(1, 6))
    def the_end_fails(self, failure: Failure, times: int) -> None:
        """The call that ends the game fails, and is made again when it is due."""
        for _ in range(times):
            phase = self.state.phase
            if not isinstance(phase, TerminatingSession):
                return
            if phase.again_at is not None:
                assert phase.again_at <= max(phase.over_at, phase.not_before_at), "Rule 24"
                self.wakes_in_time()
            self.give(events.TerminateFailed(failure))
            waits_s = failure.retry_after_s or 0.0
            if self.now + waits_s < phase.over_at and phase.ending.kind not in enter.CANNOT_JOIN:
                assert isinstance(self.state.phase, TerminatingSession), "Rule 24: given up early"

    @rule(failure=st.none() | failures)
    def termination(self, failure: Failure | None) -> None:
        self.give(
            events.SessionTerminated() if failure is None else events.TerminateFailed(failure)
        )

    def teardown(self) -> None:
        """I9: leaving closes everything, in every phase."""
        if not self.finished:
            self.give(events.CloseForNowRequested())
        if not self.finished:
            self.give(events.CloseForNowRequested())
        assert isinstance(self.state.phase, Ended)
        assert not self.open, "I9"


class EndsOften(Engine):
    """The player ends the game in most runs."""

    @rule()
    def player_ends_the_game(self) -> None:
        self.give(events.EndGameRequested())


Patch = tuple[Any, str, Callable[..., Any]]
CLOSE, WAKEUP = Transition.close, engine.next_wakeup


def leaves_connections_open(t: Transition, *connections: ConnectionNumber) -> None:
    if not isinstance(t.phase, Connecting):
        CLOSE(t, *connections)


def waits_without_a_timer(state: State) -> float | None:
    return None if isinstance(state.phase, Waiting) else WAKEUP(state)


def ends_the_game_of_any_backend(t: Transition, why: Ending) -> None:
    assert t.facts.session_id is not None
    t.close_all()
    t.phase = TerminatingSession(why, t.now + 9.0, t.now + 180.0, t.now)
    t.do(commands.TerminateSession(t.facts.session_id, 8.0))


def gives_up_after_a_few_calls(t: Transition, phase: TerminatingSession, failure: Failure) -> bool:
    return phase.tries >= t.policy.terminate_tries


@pytest.mark.parametrize(
    ("machine", "patch", "rule_of_it"),
    [
        (Engine, (Transition, "close", leaves_connections_open), "I9"),
        (Engine, (engine, "next_wakeup", waits_without_a_timer), "I5"),
        (EndsOften, (enter, "terminating", ends_the_game_of_any_backend), "Rule 15"),
        (EndsOften, (ending, "refused_for_good", gives_up_after_a_few_calls), "Rule 24"),
    ],
)
def test_a_seeded_bug_is_found(
    machine: type[Engine], patch: Patch, rule_of_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state machine can fail. It stops at the first example that does.

    Which examples come first depends on the modules that are loaded, because Hypothesis takes
    constants from them.
    """
    monkeypatch.setattr(*patch)
    hunt = settings(
        max_examples=5000,
        stateful_step_count=40,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError, match=rule_of_it):
        run_state_machine_as_test(machine, settings=hunt)


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=200, stateful_step_count=40)
