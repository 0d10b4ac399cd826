"""The backend's queue of reconnects: nothing fails, and the place in it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.playbook import TWO, Playbook, offer
from rejoin.core import commands, engine, events
from rejoin.core.model import (
    Doing,
    Ending,
    EndingKind,
    HardEvidence,
    Policy,
    Stage,
    Turn,
)
from rejoin.core.phases import Backoff, ConfirmingEnd, Ended, Live, Requesting
from rejoin.core.retry import Failure, FailureKind

PENDING = "PENDING_CLIENT_RECONNECTION"
LAPSES_AFTER_S = 2.0
"""How long after the Retry-After a backend keeps a place."""


def queued(
    play: Playbook,
    request: commands.Reconnect,
    *,
    place: int | None = 7,
    turn_in_s: float | None = 40.0,
    retry_after_s: float | None = 1.0,
) -> Playbook:
    failure = Failure(
        FailureKind.QUEUED,
        429,
        "THROTTLED",
        retry_after_s=retry_after_s,
        place=place,
        turn_in_s=turn_in_s,
    )
    return play.give(events.ReconnectFailed(request.attempt, request.try_number, play.now, failure))


def asks_again(play: Playbook) -> commands.Reconnect:
    """The next ask, written."""
    play.commands.clear()
    play.wait(play.phase(Backoff).until_at - play.now)
    request = play.last(commands.Reconnect)
    play.give(events.RequestWritten(request.attempt, request.try_number))
    return request


def last_start(play: Playbook) -> float:
    at = engine.last_start_at(play.state, play.policy)
    assert at is not None
    return at


def in_queue(timeout_s: float = 120.0, policy: Policy | None = None) -> Playbook:
    play = Playbook(policy, timeout_s=timeout_s).drop(PENDING)
    return queued(play, play.requests())


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_it_asks_again_after_the_retry_after_and_before_the_place_lapses(draw: float) -> None:
    play = in_queue()
    play.draw = lambda: draw
    for _ in range(60):
        asked_at = play.now
        again = asks_again(play)
        assert play.now - asked_at >= 1.0
        queued(play, again)
    waits_s = []
    for _ in range(5):
        refused_at = play.now
        again = asks_again(play)
        waits_s.append(play.now - refused_at)
        queued(play, again)
    assert max(waits_s) < 1.0 + LAPSES_AFTER_S, "no backoff grows"
    assert max(waits_s) <= 1.5, "and a late wake-up still finds the place"
    assert play.state.facts.failures == 0


def test_the_identical_request_goes_out_as_often_as_it_takes() -> None:
    play = Playbook().drop(PENDING)
    first = play.requests()
    request = first
    for number in range(2, 12):
        request = asks_again(queued(play, request))
        assert (request.token, request.attempt) == (first.token, first.attempt)
        assert request.signal_request == first.signal_request
        assert request.try_number == number
    play.answers(request).connects(TWO)
    assert play.phase(Live).connection == TWO


def test_each_ask_says_how_much_time_there_is() -> None:
    play = Playbook(timeout_s=120.0).drop(PENDING)
    dropped_at = play.now - 1.1
    first = play.requests()
    window = play.state.facts.window
    assert first.shown_deadline_at == window.shown_at == pytest.approx(dropped_at + 120.0, abs=0.1)
    assert first.latest_deadline_at == window.latest_at(dropped_at, play.policy)
    again = asks_again(queued(play, first))
    assert again.shown_deadline_at == first.shown_deadline_at


def test_without_a_timeout_only_the_latest_deadline_is_known() -> None:
    play = Playbook(Policy(reports_status=False)).live()
    play.state = replace(
        play.state,
        facts=replace(play.state.facts, window=replace(play.state.facts.window, timeout_s=None)),
    )
    play.silence(6.5)
    request = play.requests()
    assert request.shown_deadline_at is None
    assert request.latest_deadline_at > play.now + play.policy.unknown_timeout_s


@pytest.mark.parametrize("turn_in_s", [20.0, 1e4])
def test_an_estimate_past_the_window_ends_nothing(turn_in_s: float) -> None:
    """Nobody is sent away by an estimate: the client asks until the last moment for a request."""
    play = Playbook(Policy(notice_delay_max_s=5.0), timeout_s=10.0).drop(PENDING)
    request = play.requests()
    last_at = play.now
    while True:
        queued(play, request, turn_in_s=turn_in_s)
        if not play.is_in(Backoff):
            break
        play.commands.clear()
        play.wait(play.phase(Backoff).until_at - play.now)
        if not play.is_in(Requesting):
            break
        last_at = play.now
        request = play.last(commands.Reconnect)
    fallback = play.phase(ConfirmingEnd).fallback
    assert fallback == Ending(EndingKind.UNCONFIRMED), "the service decides how it ended"
    last_start_at = last_start(play)
    assert last_start_at - last_at < 1.5
    assert play.now >= last_start_at
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.kind is EndingKind.GAME_ENDED


def test_a_last_ask_is_not_missed_by_its_spread() -> None:
    play = Playbook(Policy(notice_delay_max_s=5.0), timeout_s=10.0).drop(PENDING)
    play.draw = lambda: 0.999
    request = play.requests()
    last_start_at = last_start(play)
    play.now = last_start_at - 1.2
    queued(play, request)
    assert play.phase(Backoff).until_at == pytest.approx(last_start_at)
    assert asks_again(play).try_number == 2


def test_a_real_retry_after_past_the_window_ends_as_busy() -> None:
    play = Playbook(timeout_s=10.0).drop(PENDING)
    queued(play, play.requests(), retry_after_s=3600.0)
    assert play.phase(ConfirmingEnd).fallback.kind is EndingKind.BUSY


def test_a_longer_retry_after_that_fits_is_obeyed() -> None:
    play = Playbook().drop(PENDING)
    queued(play, play.requests(), retry_after_s=20.0)
    refused_at = play.now
    asks_again(play)
    assert 20.0 <= play.now - refused_at <= 20.5


@pytest.mark.parametrize("retry_after_s", [None, 0.0])
def test_a_backend_that_names_no_time_is_not_asked_more_than_once_a_second(
    retry_after_s: float | None,
) -> None:
    play = Playbook().drop(PENDING)
    queued(play, play.requests(), retry_after_s=retry_after_s)
    refused_at = play.now
    asks_again(play)
    assert play.now - refused_at >= 1.0


def test_the_pause_behind_a_firewall_does_not_cost_the_place() -> None:
    """That pause is owed to the service, which a refused ask does not reach."""
    play = in_queue()
    play.state = replace(play.state, facts=replace(play.state.facts, unheard_attempts=3))
    queued(play, asks_again(play))
    assert play.phase(Backoff).until_at - play.now < 1.0 + LAPSES_AFTER_S


def test_a_failure_after_it_counts_as_ever_and_is_no_turn() -> None:
    play = in_queue()
    play.refuses(asks_again(play), FailureKind.OUTCOME_UNKNOWN)
    assert play.state.facts.failures == 1
    attempt = play.phase(Backoff).attempt
    assert attempt is not None
    assert attempt.turn is None
    assert play.shown.doing is Doing.WAITING_TO_RETRY


def test_the_wait_for_a_turn_is_not_taken_for_the_time_that_a_call_needs() -> None:
    """A backend may hold a call until its turn comes; T_need must not grow by that."""
    play = in_queue()
    before = play.state.facts.latencies_s
    request = asks_again(play)
    requested_at = play.now
    play.now += 8.0
    arrived = events.AnswerArrived(request.attempt, request.try_number, requested_at, "answer")
    assert play.give(arrived).state.facts.latencies_s == before


def test_a_terminal_status_ends_the_wait() -> None:
    play = in_queue()
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.kind is EndingKind.GAME_ENDED


def test_a_new_network_gets_a_new_offer_when_the_time_has_come() -> None:
    play = in_queue().give(events.NetworkFound())
    play.commands.clear()
    play.wait(0.9)
    play.expect_no(commands.MakeOffer)
    play.wait(0.7)
    made = play.last(commands.MakeOffer)
    play.give(offer(made.connection))
    assert play.last(commands.Reconnect).attempt == 3


def test_an_address_that_is_gone_keeps_the_retry_after() -> None:
    play = in_queue()
    play.commands.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.9)
    play.expect_no(commands.MakeOffer)
    play.wait(0.7)
    assert play.all_of(commands.MakeOffer)


def test_the_window_shows_the_place_and_the_turn_while_it_waits_and_while_it_asks() -> None:
    play = in_queue()
    assert play.shown.stage is Stage.RECONNECTING
    assert play.shown.doing is Doing.WAITING_FOR_TURN
    assert play.shown.turn == Turn(7, play.now + 40.0)
    assert not play.shown.can_try_now
    expected_at = play.now + 40.0
    again = asks_again(play)
    assert play.shown.doing is Doing.WAITING_FOR_TURN, "it does not flicker with each ask"
    assert play.shown.turn == Turn(7, expected_at)
    queued(play, again, place=3, turn_in_s=None)
    assert play.shown.turn == Turn(3, None)
    play.answers(asks_again(play))
    shown = play.shown
    assert shown.doing is Doing.CONNECTING
    assert shown.turn is None


def test_offline_is_said_before_the_turn() -> None:
    assert in_queue().give(events.NetworkLost()).shown.doing is Doing.WAITING_FOR_NETWORK


def test_where_no_token_is_forwarded_a_new_offer_is_made() -> None:
    play = in_queue(policy=Policy(forwards_token=False))
    assert play.phase(Backoff).attempt is None
