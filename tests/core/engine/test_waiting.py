"""Backoff and AwaitingService: what happens between two tries."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.playbook import ANY, ONE, SESSION, THREE, TWO, Playbook, offer, poll, save_ticket
from rejoin.core import commands, engine, events
from rejoin.core.model import AttemptNumber, Doing, Ending, EndingKind, HardEvidence
from rejoin.core.phases import (
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Live,
    Offering,
)
from rejoin.core.retry import Action, FailureKind
from rejoin.core.ticket import RejoinState

TICKET = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def test_waiting_for_a_service_that_may_still_hear_us_ends_with_a_goodbye() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.CONFLICT, status="CONNECTED")
    play.commands.clear()
    play.silence(3.0).give(play.status("CONNECTED"))
    play.expect_no(commands.SayGoodbye)
    play.silence(2.0).give(play.status("CONNECTED"))
    assert play.last(commands.SayGoodbye).connection == ONE


def test_watching_a_service_that_never_notices_ends_at_the_last_moment_for_a_try() -> None:
    play = Playbook().drop("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.phase(AwaitingService)
    last_start_at = engine.last_start_at(play.state, play.policy)
    assert last_start_at is not None
    play.wait(last_start_at - play.now)
    assert play.now == last_start_at
    play.phase(ConfirmingEnd)


def test_a_lost_answer_is_recovered_through_the_status() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.refuses(request, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    play.refuses(play.last(commands.Reconnect), FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    play.give(play.status("ACTIVE", sha256="sha-2", answer="the lost one"))
    assert play.last(commands.ApplyAnswer) == commands.ApplyAnswer(TWO, "the lost one")


def test_an_answer_to_another_offer_is_not_applied() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.refuses(request, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    play.refuses(play.last(commands.Reconnect), FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    play.commands.clear()
    play.give(play.status("ACTIVE", sha256="sha-1", answer="of the first connection"))
    play.expect_no(commands.ApplyAnswer)
    assert play.last(commands.MakeOffer).connection == THREE


def test_a_service_that_has_not_noticed_is_watched_without_new_requests() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.commands.clear()
    play.refuses(request, FailureKind.CONFLICT, status="CONNECTED")
    watch = play.last(commands.PollStatus)
    assert (watch.known, watch.wait_s) == ("CONNECTED", play.policy.long_poll_max_s)
    play.wait(5.0)
    play.expect_no(commands.Reconnect)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.last(commands.MakeOffer)


def test_the_network_coming_back_ends_the_backoff() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.give(events.NetworkLost())
    play.refuses(play.requests(), FailureKind.NOT_SENT)
    assert play.shown.doing is Doing.WAITING_FOR_NETWORK
    play.commands.clear()
    play.give(events.NetworkFound())
    play.last(commands.MakeOffer)


def test_an_offer_that_no_service_has_is_replaced_when_the_network_changes() -> None:
    play = Playbook().live()
    last_media_at = play.now
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    first = play.requests()
    play.refuses(first, FailureKind.NOT_SENT)
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(
        commands.CloseConnection(TWO), save_ticket(3, last_media_at), commands.MakeOffer(THREE)
    )
    play.give(offer(THREE)).wait(0.25)
    second = play.last(commands.Reconnect)
    assert second.attempt > first.attempt
    assert second.signal_request != first.signal_request


def test_bytes_that_may_have_arrived_go_out_again_over_the_new_network() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    play.refuses(first, FailureKind.OUTCOME_UNKNOWN)
    play.give(events.NetworkFound()).wait(0.25)
    again = play.last(commands.Reconnect)
    assert (again.signal_request, again.try_number) == (first.signal_request, 2)


def test_a_retry_after_holds_for_the_offer_of_the_new_network() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.THROTTLED, retry_after_s=3.0)
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(commands.CloseConnection(TWO))
    play.wait(2.9)
    play.expect_no(commands.MakeOffer)
    play.wait(0.2)
    assert play.last(commands.MakeOffer).connection == THREE


def test_the_bytes_of_a_connection_whose_address_is_gone_do_not_go_out_again() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.OUTCOME_UNKNOWN)
    play.commands.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.05)
    play.expect_no(commands.Reconnect)
    assert play.last(commands.MakeOffer).connection == THREE


def test_tries_go_on_past_the_shown_deadline() -> None:
    play = Playbook(timeout_s=10.0).drop("CONNECTED").silence(4.2)
    play.give(events.GoodbyeSaid(ONE))
    play.wait(8.0)
    shown_at = play.shown.shown_deadline_at
    assert shown_at is not None
    assert shown_at < play.now
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.answers(play.requests()).connects(TWO)
    play.phase(Live)


def test_in_an_unknown_status_an_offer_is_tried() -> None:
    play = Playbook().drop("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.give(play.status("HIBERNATING"))
    play.phase(Offering)
    assert play.shown.status == "HIBERNATING"


def test_a_service_that_has_not_noticed_the_crash_is_waited_for() -> None:
    play = Playbook().rejoin(TICKET)
    play.give(play.status("CONNECTED"))
    assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE
    assert play.shown.doing is Doing.WAITING_FOR_SERVICE
    play.expect_no(commands.SayGoodbye)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING_CLIENT_RECONNECTION"])
def test_a_session_that_accepts_a_connection_gets_an_offer_at_once(status: str) -> None:
    play = Playbook().rejoin(TICKET)
    play.give(play.status(status))
    play.phase(Offering)


def test_a_rejoin_of_a_game_that_is_over_reports_why_and_deletes_the_ticket() -> None:
    play = Playbook().rejoin(TICKET)
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")
    assert play.tickets == [commands.DeleteTicket(SESSION)]


def test_a_rejoin_of_an_unknown_game_ends_after_the_second_poll() -> None:
    play = Playbook().rejoin(TICKET)
    for _ in range(2):
        play.phase(AwaitingService)
        play.poll_fails(FailureKind.NOT_FOUND).wait(0.5)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_FOUND
    assert play.tickets == [commands.DeleteTicket(SESSION)]


def test_a_backend_that_is_away_is_polled_until_the_latest_moment_a_game_could_live() -> None:
    """The crashed client may have played on until just now, and the service notices late."""
    play = Playbook().rejoin(TICKET)
    began_at = play.now
    latest_at = began_at + 120.0 + play.policy.notice_delay_max_s
    episode = play.phase(AwaitingService).episode
    assert play.state.facts.window.latest_at(episode.dropped_at, play.policy) == latest_at
    while not play.is_in(Ended):
        play.poll_fails(FailureKind.NOT_SENT).wait(1.0)
    ending = play.phase(Ended).ending
    assert ending.kind is EndingKind.UNCONFIRMED, "it had begun, and its end is unknown"
    assert play.now == pytest.approx(latest_at, abs=1.5)
    assert not play.tickets, "it may still be running"


@pytest.mark.parametrize(
    "leave", [events.CloseForNowRequested(), events.EndGameRequested()], ids=["close", "end"]
)
def test_leaving_while_rejoining(leave: events.Event) -> None:
    play = Playbook().rejoin(TICKET).give(leave)
    if isinstance(leave, events.EndGameRequested):
        play.give(events.SessionTerminated())
        assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER
        assert play.tickets[-1] == commands.DeleteTicket(SESSION)
    else:
        assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
        assert play.saved() == TICKET, "as it was found"


def test_a_higher_number_while_waiting_for_the_service_ends_it() -> None:
    play = Playbook().drop("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE
    play.give(play.status("CONNECTED", attempt=2))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_a_rejoin_stops_when_the_other_client_reconnects_by_itself() -> None:
    """The other device was not gone: its connection dropped, and it was quicker."""
    play = Playbook().rejoin(TICKET)
    play.give(play.status("CONNECTED", attempt=3))
    play.phase(AwaitingService)
    play.give(play.status("CONNECTED", attempt=4))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_after_an_attempt_of_our_own_a_higher_number_belongs_to_another_client() -> None:
    play = Playbook().rejoin(TICKET)
    play.give(play.status("ACTIVE", attempt=3))
    play.refuses(play.requests(), FailureKind.CONFLICT, status="CONNECTED")
    play.give(play.status("CONNECTED", attempt=4))
    play.phase(AwaitingService)  # our own number
    play.give(play.status("CONNECTED", attempt=5))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_connected_for_longer_than_a_crash_goes_unnoticed_means_another_client() -> None:
    play = Playbook().rejoin(TICKET)
    until_at = play.now + play.policy.notice_delay_max_s
    while play.now <= until_at:
        play.give(play.status("CONNECTED", attempt=3))
        assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE
        play.wait(6.0)
    play.give(play.status("CONNECTED", attempt=3)).wait(6.0)
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


# --- more of the backoff --------------------------------------------------------------------------


def refused(kind: FailureKind, **more: Any) -> Playbook:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), kind, **more)
    play.commands.clear()
    return play


def test_the_player_can_end_a_backoff_but_not_a_retry_after() -> None:
    play = refused(FailureKind.NOT_SENT)
    play.draw = lambda: 0.999
    play.refuses(play.wait(0.25).last(commands.Reconnect), FailureKind.NOT_SENT)
    play.commands.clear()
    play.now += 0.25
    play.give(events.TryNowRequested())
    assert play.last(commands.Reconnect).try_number == 3
    play = refused(FailureKind.THROTTLED, retry_after_s=3.0)
    assert not play.shown.can_try_now
    play.give(events.TryNowRequested())
    play.expect()
    play.phase(Backoff)


def test_a_late_answer_to_the_attempts_offer_connects() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.refuses(request, FailureKind.OUTCOME_UNKNOWN)
    play.phase(Backoff)
    play.answers(request)
    assert play.phase(Connecting).connection == TWO


def test_a_late_answer_while_the_status_is_watched_connects_too() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.refuses(request, FailureKind.CONFLICT)
    play.phase(AwaitingService)
    play.answers(request)
    assert play.phase(Connecting).connection == TWO


def test_a_status_with_the_answer_ends_a_backoff() -> None:
    play = refused(FailureKind.OUTCOME_UNKNOWN)
    play.give(play.status("ACTIVE", sha256="sha-1", answer="of another offer")).phase(Backoff)
    play.give(play.status("ACTIVE", sha256="sha-2", answer="answer 2"))
    play.expect(commands.ApplyAnswer(TWO, "answer 2"), poll("ACTIVE", 8.0, after_s=0.1))


def test_a_poll_that_fails_during_a_backoff_changes_nothing_unless_it_ends_all() -> None:
    play = refused(FailureKind.NOT_SENT)
    before = play.state.phase
    play.poll_fails(FailureKind.NOT_SENT).expect()
    assert play.state.phase == before
    play.poll_fails(FailureKind.FORBIDDEN)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_ALLOWED


def test_a_game_that_is_not_found_twice_ends_in_a_backoff_as_well() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_FOUND)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.refuses(play.requests(), FailureKind.REUSED_OFFER)
    play.phase(Backoff)
    play.poll_fails(FailureKind.NOT_FOUND, detail="unknown")
    assert play.phase(Ended).ending == Ending(EndingKind.NOT_FOUND, detail="unknown")


def test_a_backoff_that_ends_too_late_confirms_the_end() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_SENT)
    play.now += 100.0
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)


def test_sleep_polls_the_status_while_waiting() -> None:
    for play in (refused(FailureKind.NOT_SENT), refused(FailureKind.CONFLICT)):
        before = type(play.state.phase)
        play.give(events.Woke(1.0)).expect(poll(budget_s=ANY))
        play.phase(before)


# --- more of watching -----------------------------------------------------------------------------


def test_while_the_service_has_not_noticed_the_player_and_the_network_can_cause_a_poll() -> None:
    for event in (events.TryNowRequested(), events.NetworkFound()):
        play = refused(FailureKind.CONFLICT, status="CONNECTED")
        play.give(event).expect(poll())
        assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE


def test_the_status_can_be_polled_again_for_a_lost_answer() -> None:
    for event in (events.TryNowRequested(), events.NetworkFound()):
        play = refused(FailureKind.CONFLICT)
        play.give(event).expect(poll())
        assert play.phase(AwaitingService).then is Action.POLL_STATUS


def test_a_poll_is_not_sent_before_a_retry_after_either() -> None:
    play = refused(FailureKind.CONFLICT, retry_after_s=3.0)
    stale_events = play.state.facts.stale_events
    play.give(events.NetworkFound(), events.TryNowRequested()).expect()
    assert play.state.facts.stale_events == stale_events + 1
    play.wait(3.0).expect(poll())


def test_a_status_that_still_refuses_is_watched_on() -> None:
    play = refused(FailureKind.CONFLICT)
    play.poll_fails(FailureKind.NOT_BACKEND)
    assert play.shown.portal
    play.commands.clear()
    play.give(play.status("RECONNECTING"))
    play.expect(poll("RECONNECTING", 8.0))
    assert not play.shown.portal


def test_after_many_failed_tries_even_a_service_that_accepts_waits_for_a_backoff() -> None:
    play = refused(FailureKind.CONFLICT)
    for _ in range(3):
        play.give(play.status("PENDING_CLIENT_RECONNECTION")).phase(Offering)
        play.refuses(play.requests(), FailureKind.CONFLICT)
    play.commands.clear()
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Backoff)
    play.expect_no(commands.MakeOffer)


@pytest.mark.parametrize("kind", [FailureKind.NOT_SENT, FailureKind.NOT_BACKEND, FailureKind.TLS])
def test_once_the_backend_answers_the_polls_that_failed_delay_no_offer(kind: FailureKind) -> None:
    """It was out of reach, and the window has been running. No network event tells that it is back
    where the network is broken further away."""
    play = refused(FailureKind.CONFLICT)
    for _ in range(9):
        play.wait(play.phase(AwaitingService).until_at - play.now)
        play.poll_fails(kind)
    assert play.phase(AwaitingService).until_at == play.now + 2.0, "half of the cap of 4 s"
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)
    play.refuses(play.requests(), FailureKind.CONFLICT).poll_fails(kind)
    assert play.phase(AwaitingService).until_at < play.now + 1.0, "those polls are forgotten"


def test_connected_after_a_lost_answer_means_that_the_offer_was_not_accepted() -> None:
    play = refused(FailureKind.CONFLICT)
    play.give(play.status("CONNECTED"))
    watching = play.phase(AwaitingService)
    assert (watching.then, watching.attempt) == (Action.WAIT_FOR_SERVICE, None)
    assert play.all_of(commands.CloseConnection) == [commands.CloseConnection(TWO)]
    play.healthy(0.3)
    play.phase(Live)


def test_an_address_that_is_gone_ends_the_wait_for_a_lost_answer() -> None:
    play = refused(FailureKind.CONFLICT)
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.UNREACHABLE)).phase(AwaitingService)
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE))
    assert play.phase(Backoff).until_at == play.now


def test_a_poll_that_can_never_succeed_ends_the_watching() -> None:
    play = refused(FailureKind.CONFLICT).poll_fails(FailureKind.FORBIDDEN)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_ALLOWED


def test_polls_that_fail_are_repeated_with_a_backoff_that_grows() -> None:
    play = refused(FailureKind.CONFLICT)
    for failures in (1, 2, 3):
        play.poll_fails(FailureKind.NOT_SENT)
        assert play.phase(AwaitingService).until_at == play.now + 0.5 * 0.25 * 2**failures
    play.poll_fails(FailureKind.THROTTLED, retry_after_s=9.0)
    assert play.phase(AwaitingService).until_at == play.now + 9.0


def test_a_poll_without_an_answer_is_sent_again() -> None:
    play = refused(FailureKind.CONFLICT)
    play.wait(play.phase(AwaitingService).until_at - play.now)
    play.expect(poll())


def test_a_retry_after_holds_when_the_address_of_the_attempt_is_gone() -> None:
    play = refused(FailureKind.THROTTLED, retry_after_s=3.0)
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE))
    waiting = play.phase(Backoff)
    assert (waiting.attempt, waiting.until_at) == (None, play.now + 3.0)
    play.give(events.TryNowRequested()).wait(2.9)
    play.expect_no(commands.MakeOffer)
    play.wait(0.2)
    assert play.last(commands.MakeOffer).connection == THREE
