"""What holds in every phase, and after the end."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import replace

import pytest

from helpers.playbook import FIRST, ONE, SESSION, TWO, Playbook, offer, poll
from rejoin.core import commands, engine, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    EndingKind,
    HardEvidence,
    HealthLevel,
    NoInput,
    SessionId,
    SessionView,
)
from rejoin.core.phases import (
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Goodbye,
    Idle,
    Live,
    Lost,
    Offering,
    Phase,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    TerminatingSession,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import ACTIVE

TICKET = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def test_a_late_report_of_an_old_connection_hides_nothing_of_the_new_one() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.give(events.InputModuleKnown(TWO, None), events.InputOpened(TWO))
    play.give(events.InputModuleKnown(ONE, NoInput.FAILED), events.InputOpened(ONE))
    assert play.state.facts.stale_events == 2
    play.connects(TWO).give(events.InputModuleKnown(ONE, NoInput.FAILED))
    play.phase(Live)
    assert play.shown.input_open
    assert play.shown.view_only is None


def test_input_that_opens_while_the_connection_is_lost_is_open_when_it_heals() -> None:
    play = Playbook().connecting()
    play.give(events.ConnectionOpened(ONE), events.FirstFrameDecoded(ONE)).wait(6)
    assert play.shown.view_only is NoInput.NO_CHANNEL
    play.healthy(0.2).silence(1.1).phase(Lost)
    play.give(events.InputModuleKnown(ONE, None), events.InputOpened(ONE))
    play.healthy(0.5).phase(Live)
    assert play.shown.input_open
    assert play.shown.view_only is None


def test_the_status_is_polled_again_over_the_new_network() -> None:
    for play in (Playbook().drop(), Playbook().live().silence(0.5)):
        play.commands.clear()
        play.give(events.NetworkFound())
        play.expect(poll())


def test_being_offline_is_shown_and_stops_nothing() -> None:
    play = Playbook().live().give(events.NetworkLost())
    play.phase(Live)
    assert play.health(HealthLevel.STALLED)
    play.expect(commands.StartChecks(ONE), poll())
    assert play.shown.offline
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)
    play.give(events.NetworkFound())
    assert not play.shown.offline


def test_after_the_end_nothing_happens_any_more() -> None:
    play = Playbook().live().give(events.CloseForNowRequested())
    before = play.state.phase
    play.commands.clear()
    play.give(events.StartRequested(), play.status("ACTIVE"), events.WakeupDue())
    assert play.state.phase == before
    play.expect()
    assert engine.next_wakeup(play.state) is None


def test_a_rejoin_while_live_changes_nothing() -> None:
    play = Playbook().live().rejoin(TICKET)
    play.phase(Live)
    assert play.state.facts.stale_events == 1
    assert play.state.facts.attempts == 1


# --- every phase: events that are stale, ignored or too early -------------------------------------

NINE = ConnectionNumber(9)
STALE: list[events.Event] = [
    events.StartRequested(),
    events.OfferMade(NINE, "sha-9", "offer 9"),
    events.OfferFailed(NINE, "no sockets"),
    events.AnswerRefused(NINE, "no fingerprint"),
    events.VideoRefused(NINE, "interlaced video"),
    events.ConnectionOpened(NINE),
    events.ConnectionFailed(NINE, "DTLS"),
    events.InputOpened(NINE),
    events.InputModuleKnown(NINE, None),
    events.FirstFrameDecoded(NINE),
    events.Sampled(NINE, ConnectionSample(1.0, 1.0, 1.0, 1, 1 / 60, 0.04, 0.0)),
    events.HardEvidenceSeen(NINE, HardEvidence.DTLS_CLOSED),
    events.GoodbyeSaid(NINE),
    events.SessionStarted(AttemptNumber(9), 1.0, SessionView(SESSION, ACTIVE)),
    events.StartFailed(AttemptNumber(9), Failure(FailureKind.NOT_SENT)),
    events.RequestWritten(AttemptNumber(9), 1),
    events.AnswerArrived(AttemptNumber(9), 1, 1.0, "answer 9"),
    events.ReconnectFailed(AttemptNumber(9), 1, 1.0, Failure(FailureKind.NOT_SENT)),
    events.StatusArrived(1.0, SessionView(SessionId("another"), ACTIVE)),
]
"""Of another connection, attempt or session, or a second start."""


def start_backoff() -> Playbook:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    return play.give(events.StartFailed(FIRST, Failure(FailureKind.NOT_SENT)))


def goodbye() -> Playbook:
    return Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.5)


def requesting() -> Playbook:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.requests()
    return play


def backoff() -> Playbook:
    play = requesting()
    return play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)


def awaiting_service() -> Playbook:
    play = requesting()
    return play.refuses(play.last(commands.Reconnect), FailureKind.CONFLICT, status="CONNECTED")


def confirming_end() -> Playbook:
    play = requesting()
    return play.refuses(play.last(commands.Reconnect), FailureKind.THROTTLED, retry_after_s=1e6)


def reconnecting() -> Playbook:
    play = requesting()
    return play.answers(play.last(commands.Reconnect))


PHASES: dict[type[Phase], Callable[[], Playbook]] = {
    StartOffering: lambda: Playbook().give(events.StartRequested()),
    StartRequesting: lambda: Playbook().give(events.StartRequested(), offer(ONE)),
    StartBackoff: start_backoff,
    Placing: lambda: Playbook().placing(),
    Connecting: reconnecting,
    Live: lambda: Playbook().live(),
    Lost: lambda: Playbook().drop(),
    Goodbye: goodbye,
    Offering: lambda: Playbook().drop("PENDING_CLIENT_RECONNECTION"),
    Requesting: requesting,
    Backoff: backoff,
    AwaitingService: awaiting_service,
    ConfirmingEnd: confirming_end,
    TerminatingSession: lambda: Playbook().live().give(events.EndGameRequested()),
    Ended: lambda: Playbook().live().give(events.CloseForNowRequested()),
}
"""A playbook in each phase but Idle."""


WITH_SESSION = [
    phase
    for phase in PHASES
    if phase not in (StartOffering, StartRequesting, StartBackoff, TerminatingSession, Ended)
]


def test_there_is_a_playbook_for_every_phase() -> None:
    assert set(PHASES) == set(typing.get_args(Phase)) - {Idle}
    for phase, playbook in PHASES.items():
        assert playbook().is_in(phase)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@pytest.mark.parametrize("event", STALE, ids=lambda event: type(event).__name__)
def test_a_stale_event_changes_only_the_count_of_stale_ones(
    phase: type[Phase], event: events.Event
) -> None:
    play = PHASES[phase]()
    before = play.state
    play.commands.clear()
    play.give(event)
    play.expect()
    count = before.facts.stale_events + 1
    assert play.state == replace(before, facts=replace(before.facts, stale_events=count))


@pytest.mark.parametrize("event", STALE[1:], ids=lambda event: type(event).__name__)
def test_before_the_start_every_other_event_is_stale(event: events.Event) -> None:
    play = Playbook().give(event)
    play.expect()
    assert play.state.facts.stale_events == 1
    play.phase(Idle)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_a_wakeup_before_its_time_changes_nothing(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    before = play.state.phase
    play.commands.clear()
    play.give(events.WakeupDue())
    play.expect()
    assert play.state.phase == before


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_a_lost_network_is_noted_in_every_phase(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    lost_at = play.now
    play.give(events.NetworkLost()).wait(0.01).give(events.NetworkLost())
    assert play.shown.offline is (phase is not Ended)
    assert play.state.facts.offline_since_at == (None if phase is Ended else lost_at)
    play.phase(phase)


@pytest.mark.parametrize(
    "phase", [*WITH_SESSION, TerminatingSession], ids=lambda phase: phase.__name__
)
def test_a_status_that_is_not_terminal_clears_the_sleep(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    play.give(events.Woke(1.0))
    assert play.state.facts.woke_at == play.now
    play.give(play.status("RECONNECTING"))
    assert play.state.facts.woke_at is None


@pytest.mark.parametrize("phase", WITH_SESSION, ids=lambda phase: phase.__name__)
def test_a_terminal_status_ends_every_phase_with_a_session(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    play.give(play.status("TERMINATED", reason="applicationExit"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "applicationExit")


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_the_player_can_end_the_game_in_every_phase(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    play.commands.clear()
    play.give(events.EndGameRequested())
    if phase in (StartOffering, StartRequesting, StartBackoff):
        assert play.phase(Ended).ending.kind is EndingKind.CANCELLED
    elif phase in (TerminatingSession, Ended):
        play.expect()
        play.phase(phase)
    else:
        assert play.phase(TerminatingSession).ending.kind is EndingKind.ENDED_BY_PLAYER
        assert play.last(commands.TerminateSession) == commands.TerminateSession(SESSION, 8.0)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_the_player_can_leave_in_every_phase(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    play.give(events.CloseForNowRequested())
    if phase is Placing:
        assert play.phase(TerminatingSession).ending.kind is EndingKind.CANCELLED
        return
    expected = {
        StartOffering: EndingKind.CANCELLED,
        StartRequesting: EndingKind.CANCELLED,
        StartBackoff: EndingKind.CANCELLED,
        TerminatingSession: EndingKind.UNCONFIRMED,
    }
    assert play.phase(Ended).ending.kind is expected.get(phase, EndingKind.CLOSED_FOR_NOW)


@pytest.mark.parametrize("phase", [Placing, Connecting, Live, Goodbye, Offering, Requesting])
def test_where_nothing_is_waited_for_try_now_is_stale(phase: type[Phase]) -> None:
    play = PHASES[phase]()
    before = play.state
    play.give(events.TryNowRequested())
    assert play.state.phase == before.phase
    assert play.state.facts.stale_events == before.facts.stale_events + 1


def test_leaving_before_the_start_only_ends_the_program() -> None:
    for leave in (events.CloseForNowRequested(), events.EndGameRequested()):
        play = Playbook().give(leave)
        assert play.phase(Ended).ending.kind is EndingKind.CANCELLED
        play.expect(commands.Finish(play.phase(Ended).ending))


def test_machine_events_before_the_start_change_nothing() -> None:
    play = Playbook().give(events.NetworkLost(), events.NetworkFound(), events.Woke(9.0))
    play.give(events.WakeupDue())
    play.poll_fails(FailureKind.NOT_SENT)
    play.expect()
    play.phase(Idle)
    assert engine.next_wakeup(play.state) is None
    assert engine.last_start_at(play.state, play.policy) is None
