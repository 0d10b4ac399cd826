"""Offering and Requesting: what each failure of a create call leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.playbook import ONE, THREE, TWO, Playbook, offer, sample_backend, save_ticket
from rejoin.core import commands, engine, events
from rejoin.core.model import Ending, EndingKind, HardEvidence, Policy
from rejoin.core.phases import AwaitingService, Backoff, ConfirmingEnd, Ended, Offering, Requesting
from rejoin.core.retry import Action, FailureKind


def test_not_found_is_confirmed_by_one_poll() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_FOUND)
    play.poll_fails(FailureKind.NOT_FOUND)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_FOUND


def test_an_invalid_request_with_a_status_is_decided_by_the_status() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    for _ in range(2):
        play.refuses(play.requests(), FailureKind.INVALID, status="PENDING_CLIENT_RECONNECTION")
        play.phase(Backoff)
        play.wait(1)


def test_a_stale_answer_changes_nothing() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    play.refuses(first, FailureKind.CONFLICT, status="PENDING_CLIENT_RECONNECTION").wait(1)
    second = play.requests()
    assert second.attempt > first.attempt
    before = play.state.phase
    play.answers(first)
    assert play.state.phase == before
    assert play.state.facts.stale_events > 0


def test_an_unknown_outcome_is_retried_once_with_the_same_bytes_then_polled() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    play.refuses(first, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    second = play.last(commands.Reconnect)
    assert (second.token, second.signal_request) == (first.token, first.signal_request)
    assert second.try_number == 2
    play.refuses(second, FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    assert len(play.all_of(commands.Reconnect)) == 2, "identical bytes go twice at most"
    assert play.phase(AwaitingService).then is Action.POLL_STATUS


def test_a_retry_after_that_fits_the_window_is_obeyed() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.commands.clear()
    play.refuses(request, FailureKind.THROTTLED, retry_after_s=3.0).wait(2.9)
    play.expect_no(commands.Reconnect)
    play.wait(0.2)
    assert play.last(commands.Reconnect).token == request.token


def test_a_retry_after_is_obeyed_at_the_end_of_the_window_too() -> None:
    """The backoff is cut there so that one more request fits in; the Retry-After is not."""
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.state = replace(play.state, facts=replace(play.state.facts, failures=3))
    request = play.requests()
    last_start_at = engine.last_start_at(play.state, play.policy)
    assert last_start_at is not None
    play.now = last_start_at - 3.5
    play.refuses(request, FailureKind.THROTTLED, retry_after_s=3.0)
    assert play.phase(Backoff).until_at >= play.now + 3.0


def test_a_retry_after_past_the_window_ends_as_busy_after_one_poll() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.THROTTLED, retry_after_s=3600.0)
    play.phase(ConfirmingEnd)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Ended).ending.kind is EndingKind.BUSY


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.STALE_ATTEMPT, EndingKind.CONTINUED_ELSEWHERE),
    ],
)
def test_failures_that_cannot_pass_end_at_once(kind: FailureKind, ending: EndingKind) -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), kind)
    assert play.phase(Ended).ending.kind is ending
    closed = {command.connection for command in play.all_of(commands.CloseConnection)}
    assert closed == {ONE, TWO}


def test_a_second_refused_sign_in_ends() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.UNAUTHENTICATED)
    play.last(commands.RefreshSignIn)
    play.wait(0.25)
    play.refuses(play.last(commands.Reconnect), FailureKind.UNAUTHENTICATED)
    assert play.phase(Ended).ending.kind is EndingKind.SIGN_IN_NEEDED


def test_a_refused_offer_is_replaced_once() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.INVALID)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.refuses(play.requests(), FailureKind.INVALID)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Ended).ending.kind is EndingKind.OFFER_REFUSED


def test_a_backend_that_is_down_is_tried_for_as_long_as_the_game_may_live() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.give(offer(TWO))
    dropped_at = play.now
    last_try_at = 0.0
    while not play.is_in(ConfirmingEnd):
        if play.is_in(Requesting):
            last_try_at = play.now
            play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)
        if play.is_in(Backoff):
            wait_s = play.phase(Backoff).until_at - play.now
            assert wait_s <= play.policy.backoff_cap_s
            play.wait(wait_s)
    latest_after_s = play.timeout_s + play.policy.notice_delay_max_s
    assert last_try_at - dropped_at > latest_after_s - 10, (
        "the window limits the tries, not a count"
    )
    play.wait(60)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_something_in_place_of_the_backend_is_shown_as_a_portal() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_BACKEND)
    assert play.shown.portal
    assert play.shown.shown_deadline_at is not None, "the countdown goes on"


def test_an_offer_being_made_is_replaced_when_the_network_changes() -> None:
    play = Playbook().live()
    last_media_at = play.now
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Offering).connection == TWO
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(
        commands.CloseConnection(TWO), save_ticket(2, last_media_at), commands.MakeOffer(THREE)
    )
    assert play.phase(Offering).connection == THREE
    play.give(offer(TWO))
    play.expect_no(commands.Reconnect)
    play.give(offer(THREE))
    assert play.last(commands.Reconnect).connection == THREE


def test_a_request_from_an_address_that_is_gone_is_not_waited_for() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    play.commands.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.05)
    assert play.all_of(commands.CloseConnection) == [commands.CloseConnection(TWO)]
    assert play.requests().attempt > first.attempt
    play.answers(first)
    play.phase(Requesting)  # what it was answered is of no use, and changes nothing


def test_after_such_a_request_the_old_connection_cannot_heal_if_it_was_written() -> None:
    for written in (True, False):
        play = Playbook().drop().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        play.give(events.TryNowRequested(), events.GoodbyeSaid(ONE))
        play.give(offer(TWO))
        request = play.last(commands.Reconnect)
        if written:
            play.give(events.RequestWritten(request.attempt, request.try_number))
        play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE))
        assert (play.phase(Backoff).episode.offer_maybe_accepted_at is not None) is written


def test_a_terminal_status_ends_with_the_reason_of_the_service() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.requests()
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")


@pytest.mark.parametrize(
    "kind", [FailureKind.OUTCOME_UNKNOWN, FailureKind.NOT_SENT, FailureKind.THROTTLED]
)
def test_without_a_forwarded_token_no_offer_goes_out_twice(kind: FailureKind) -> None:
    play = sample_backend().live().silence(5.2).give(events.GoodbyeSaid(ONE))
    sent = [play.requests().signal_request]
    for _ in range(3):
        play.refuses(play.last(commands.Reconnect), kind)
        play.phase(Backoff)
        play.wait(9)
        sent.append(play.requests().signal_request)
    assert len(set(sent)) == len(sent)


# --- offers ---------------------------------------------------------------------------------------


def test_an_offer_that_fails_or_never_comes_is_made_again_after_a_backoff() -> None:
    for play in (
        Playbook().drop("PENDING_CLIENT_RECONNECTION").give(events.OfferFailed(TWO, "no sockets")),
        Playbook().drop("PENDING_CLIENT_RECONNECTION").wait(5.0),
    ):
        play.phase(Backoff)
        assert play.last(commands.CloseConnection) == commands.CloseConnection(TWO)
        play.wait(1.0)
        assert play.phase(Offering).connection == THREE


def test_an_offer_whose_address_is_gone_is_made_again_at_once() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.UNREACHABLE))
    assert play.phase(Offering).connection == TWO
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE))
    assert play.phase(Offering).connection == THREE


def test_other_events_do_not_disturb_an_offer_or_a_request() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT).give(events.Woke(1.0), play.status("ACTIVE"))
    play.expect().phase(Offering)
    play.give(offer(TWO))
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT).give(
        events.Woke(1.0), events.NetworkFound(), play.status("RECONNECTING")
    )
    play.expect().phase(Requesting)


# --- requests -------------------------------------------------------------------------------------


def test_a_request_without_an_answer_counts_as_one_of_unknown_outcome() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    play.wait(first.budget_s + play.policy.answer_grace_s)
    episode = play.phase(Backoff).episode
    assert episode.unknown_outcomes == 1
    play.wait(1.0)
    again = play.last(commands.Reconnect)
    assert (again.signal_request, again.try_number) == (first.signal_request, 2)


def test_a_failure_that_reports_a_terminal_status_is_confirmed_before_the_end() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.CONFLICT, status="TERMINATED")
    assert play.phase(ConfirmingEnd).fallback.kind is EndingKind.GAME_ENDED
    play.give(play.status("TERMINATED", reason="applicationExit"))
    assert play.phase(Ended).ending.reason == "applicationExit"


def test_a_call_in_flight_at_the_backend_is_polled() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.CONFLICT, status="ACTIVE", code="IN_FLIGHT")
    assert play.phase(AwaitingService).then is Action.POLL_STATUS


def test_without_a_forwarded_token_a_new_sign_in_needs_a_new_offer() -> None:
    play = sample_backend().live().silence(5.2).give(events.GoodbyeSaid(ONE))
    play.refuses(play.requests(), FailureKind.UNAUTHENTICATED)
    assert play.last(commands.RefreshSignIn) == commands.RefreshSignIn()
    assert play.phase(Offering).connection == THREE


def test_without_a_status_a_refusing_service_gets_a_new_offer_later() -> None:
    play = sample_backend().live().silence(5.2).give(events.GoodbyeSaid(ONE))
    play.refuses(play.requests(), FailureKind.CONFLICT, status="CONNECTED")
    play.phase(Backoff)
    play.refuses(play.wait(5.0).requests(), FailureKind.NOT_FOUND)
    play.phase(Backoff)


def test_without_a_status_the_end_is_not_confirmed() -> None:
    play = sample_backend().live().silence(5.2).give(events.GoodbyeSaid(ONE))
    play.refuses(play.requests(), FailureKind.THROTTLED, retry_after_s=1e6)
    assert play.phase(Ended).ending.kind is EndingKind.BUSY


def test_an_offer_that_is_ready_too_late_is_not_sent() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.now += 100.0
    play.give(offer(TWO))
    play.expect_no(commands.Reconnect)
    play.phase(ConfirmingEnd)


def test_with_one_try_per_attempt_an_unknown_outcome_is_polled_at_once() -> None:
    play = Playbook(Policy(tries_per_attempt=1)).drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.OUTCOME_UNKNOWN)
    assert play.phase(AwaitingService).then is Action.POLL_STATUS


def test_a_failure_too_late_for_another_try_confirms_the_end() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.now += 100.0
    play.refuses(request, FailureKind.NOT_SENT)
    play.phase(ConfirmingEnd)


def test_a_poll_of_a_lost_answer_too_late_confirms_the_end() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.now += 100.0
    play.refuses(request, FailureKind.CONFLICT)
    play.phase(ConfirmingEnd)


def test_an_early_end_that_the_service_did_not_report_is_confirmed() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_FOUND)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.refuses(play.requests(), FailureKind.NOT_FOUND, detail="unknown")
    assert play.phase(ConfirmingEnd).fallback == Ending(EndingKind.NOT_FOUND, detail="unknown")
