"""Starting a game, and rejoining one with a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.playbook import (
    FIRST,
    ONE,
    SESSION,
    START_BUDGET_S,
    TWO,
    Playbook,
    offer,
    poll,
    sample_backend,
    save_ticket,
    start_session,
)
from rejoin.core import commands, events
from rejoin.core.engine import starting
from rejoin.core.model import (
    AttemptNumber,
    Doing,
    Ending,
    EndingKind,
    HardEvidence,
    Stage,
    Turn,
)
from rejoin.core.phases import (
    Connecting,
    Ended,
    Live,
    Offering,
    Placing,
    StartBackoff,
    StartOffering,
    TerminatingSession,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import Status

TICKET = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def test_a_game_is_live_only_with_a_frame_and_an_open_input_channel() -> None:
    play = Playbook().give(events.StartRequested())
    play.expect(commands.MakeOffer(ONE))
    play.give(offer(ONE))
    play.expect(start_session())
    play.give(events.SessionStarted(FIRST, play.now, play.view("ACTIVATING")))
    play.phase(Placing)
    play.expect(save_ticket(1, play.now), poll("ACTIVATING", 8.0))
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.expect(commands.ApplyAnswer(ONE, "answer 1"))
    play.give(events.ConnectionOpened(ONE))
    play.expect(commands.RequestKeyFrame(ONE))
    play.give(events.FirstFrameDecoded(ONE))
    play.phase(Connecting)
    assert play.shown.stage is Stage.STARTING
    play.give(events.InputOpened(ONE))
    play.phase(Live)
    play.expect(commands.ShowConnection(ONE), commands.AttachInput(ONE), save_ticket(1, play.now))


def test_a_backend_that_does_not_answer_ends_the_start_after_a_few_tries() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    for _ in range(play.policy.start_tries):
        play.give(events.StartFailed(FIRST, Failure(FailureKind.NOT_SENT, detail="refused")))
        if isinstance(play.state.phase, StartBackoff):
            play.wait(5)
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.detail) == (EndingKind.BACKEND_UNREACHABLE, "refused")
    tokens = {command.token for command in play.all_of(commands.StartSession)}
    assert len(tokens) == 1, "a repeated start must be the same start"
    assert len(play.all_of(commands.CloseConnection)) == 1


def test_a_refused_sign_in_is_refreshed_once_and_then_ends_the_start() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    refused = events.StartFailed(FIRST, Failure(FailureKind.UNAUTHENTICATED))
    play.give(refused)
    play.expect(commands.MakeOffer(ONE), start_session(), commands.RefreshSignIn(), start_session())
    play.give(refused)
    assert play.phase(Ended).ending.kind is EndingKind.SIGN_IN_NEEDED


def test_a_placement_that_fails_ends_with_the_reason_of_the_service() -> None:
    play = Playbook().placing()
    play.give(play.status("ERROR", reason="placementTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "placementTimeout")


def test_cancelling_a_placement_terminates_the_session() -> None:
    play = Playbook().placing()
    play.give(events.CloseForNowRequested())
    play.phase(TerminatingSession)
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_the_first_offer_too_is_made_again_and_the_start_keeps_its_deadline() -> None:
    play = Playbook().give(events.StartRequested())
    until_at = play.phase(StartOffering).until_at
    play.wait(0.5).give(events.NetworkFound())
    play.expect(commands.MakeOffer(ONE), commands.CloseConnection(ONE), commands.MakeOffer(TWO))
    assert play.phase(StartOffering) == StartOffering(TWO, until_at)
    play.give(offer(ONE))
    play.expect_no(commands.StartSession)
    play.give(offer(TWO))
    assert play.last(commands.StartSession).signal_request == "offer 2"


def test_a_placement_is_polled_again_over_the_new_network() -> None:
    play = Playbook().placing()
    play.wait(5.0)
    play.commands.clear()
    play.give(events.NetworkFound())
    watch = play.last(commands.PollStatus)
    assert (watch.known, watch.wait_s) == ("ACTIVATING", play.policy.long_poll_max_s)
    assert play.phase(Placing).until_at >= play.now + watch.budget_s


def test_without_a_forwarded_token_a_start_of_unknown_outcome_is_not_repeated() -> None:
    play = sample_backend().give(events.StartRequested(), offer(ONE))
    play.give(events.StartFailed(FIRST, Failure(FailureKind.OUTCOME_UNKNOWN)))
    play.phase(Ended)
    assert len(play.all_of(commands.StartSession)) == 1


def test_a_ticket_is_saved_as_soon_as_the_session_is_known() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    assert not play.tickets
    play.give(events.SessionStarted(FIRST, play.now, play.view("ACTIVATING")))
    assert play.saved() == RejoinState(SESSION, FIRST, 120.0, proved_at=play.now)


def test_a_game_that_never_began_leaves_no_ticket() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(FIRST, play.now, play.view("ERROR")))
    play.phase(Ended)
    assert [type(ticket) for ticket in play.tickets] == [commands.DeleteTicket]


def test_a_start_that_fails_deletes_no_ticket_of_another_game() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), events.CloseForNowRequested())
    play.phase(Ended)
    assert not play.tickets


def test_a_rejoin_polls_the_status_first_and_goes_on_with_the_attempt_numbers() -> None:
    play = Playbook().rejoin(TICKET)
    play.expect(poll())
    assert (play.shown.stage, play.shown.doing) == (Stage.RECONNECTING, Doing.CHECKING)
    assert play.shown.returning
    assert play.shown.shown_deadline_at == 190.0
    play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=3))
    assert play.saved().attempt == 4
    request = play.requests()
    assert (request.session_id, request.attempt, request.connection) == (SESSION, 4, ONE)
    play.answers(request).connects(ONE)
    play.phase(Live)
    play.last(commands.ShowConnection)
    there = play.shown
    assert (there.back_at, there.returning) == (play.now, False)
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION", attempt=4))
    assert play.requests().attempt == 5, "and a later drop is a drop like any other"


def test_after_another_boot_the_countdown_is_checking_until_the_backend_answers() -> None:
    play = Playbook().rejoin(RejoinState(SESSION, AttemptNumber(3), 120.0))
    assert play.shown.deadline_checking
    assert play.shown.shown_deadline_at is None
    told = play.give(play.status("CONNECTED")).shown
    assert not told.deadline_checking
    assert told.shown_deadline_at == play.now + 120.0


def test_a_rejoin_without_a_status_is_an_offer_at_once() -> None:
    play = sample_backend().rejoin(RejoinState(SESSION, AttemptNumber(3)))
    play.phase(Offering)
    assert not play.shown.deadline_checking, "no answer would ever arrive"
    assert play.saved() == RejoinState(SESSION, AttemptNumber(4))
    assert play.requests().attempt == 4


# --- trouble on the way ---------------------------------------------------------------------------


def test_an_offer_that_cannot_be_made_is_a_fault_of_our_own() -> None:
    play = Playbook().give(events.StartRequested(), events.OfferFailed(ONE, "no sockets"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.detail) == (EndingKind.INTERNAL, "no sockets")
    play = Playbook().give(events.StartRequested()).wait(6.0)
    assert play.phase(Ended).ending == Ending(EndingKind.INTERNAL, detail="the offer took too long")


def test_an_offer_whose_address_is_gone_is_made_again() -> None:
    play = Playbook().give(events.StartRequested())
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE))
    play.expect(commands.MakeOffer(ONE))
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.ADDRESS_GONE))
    play.expect(commands.CloseConnection(ONE), commands.MakeOffer(TWO))


def failed(kind: FailureKind, **more: Any) -> events.StartFailed:
    return events.StartFailed(FIRST, Failure(kind, **more))


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.NOT_FOUND, EndingKind.STREAM_NOT_FOUND),
        (FailureKind.CONFLICT, EndingKind.OFFER_REFUSED),
        (FailureKind.INVALID, EndingKind.OFFER_REFUSED),
        (FailureKind.TLS, EndingKind.BACKEND_UNTRUSTED),
        (FailureKind.NOT_BACKEND, EndingKind.BACKEND_UNUSABLE),
    ],
)
def test_a_start_that_failed_for_good_ends_at_once(kind: FailureKind, ending: EndingKind) -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), failed(kind, detail="why"))
    assert play.phase(Ended).ending == Ending(ending, detail="why")


def test_a_success_that_cannot_be_understood_is_an_unusable_backend() -> None:
    play = sample_backend().give(events.StartRequested(), offer(ONE))
    play.give(failed(FailureKind.OUTCOME_UNKNOWN, http_status=200))
    assert play.phase(Ended).ending.kind is EndingKind.BACKEND_UNUSABLE


def test_a_start_without_an_answer_is_repeated_with_the_same_token() -> None:
    play = (
        Playbook()
        .give(events.StartRequested(), offer(ONE))
        .expect(commands.MakeOffer(ONE), start_session())
    )
    play.wait(START_BUDGET_S + 1.0).phase(StartBackoff)
    play.wait(1.0)
    play.expect(start_session())


def test_a_start_that_is_throttled_waits_for_the_retry_after() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(failed(FailureKind.THROTTLED, retry_after_s=30.0))
    assert play.phase(StartBackoff).until_at == play.now + 30.0
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(failed(FailureKind.THROTTLED, retry_after_s=3600.0))
    assert play.phase(Ended).ending.kind is EndingKind.BUSY


def test_a_place_in_a_queue_of_starts_is_kept_and_no_try_counts() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    for ask in range(3 * play.policy.start_tries):
        place = 50 - ask
        play.give(failed(FailureKind.QUEUED, retry_after_s=2.0, place=place, turn_in_s=60.0))
        waiting = play.phase(StartBackoff)
        assert play.now + 2.0 <= waiting.until_at < play.now + 4.0, "the place has lapsed"
        shown = play.shown
        assert (shown.stage, shown.doing) == (Stage.STARTING, Doing.WAITING_FOR_TURN)
        assert shown.turn == Turn(place, play.now + 60.0)
        play.commands.clear()
        play.give(events.TryNowRequested()).phase(StartBackoff)  # before the Retry-After
        play.wait(waiting.until_at - play.now).expect(start_session())
        assert play.shown.doing is Doing.WAITING_FOR_TURN, "the card does not flicker"
    play.give(events.SessionStarted(FIRST, play.now, play.view("ACTIVATING")))
    assert (play.phase(Placing).failures, play.shown.turn) == (0, None)


def test_a_queue_of_starts_ends_for_a_pace_that_is_none_and_at_the_players_wish() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(failed(FailureKind.QUEUED, retry_after_s=3600.0, place=9))
    assert play.phase(Ended).ending.kind is EndingKind.BUSY
    play = Playbook().give(events.StartRequested(), offer(ONE), failed(FailureKind.QUEUED, place=9))
    play.give(events.CloseForNowRequested())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_a_place_is_not_shown_once_the_next_ask_failed_otherwise() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), failed(FailureKind.QUEUED, place=9))
    play.wait(3.0).give(failed(FailureKind.NOT_SENT))
    assert (play.shown.doing, play.shown.turn) == (Doing.WAITING_TO_RETRY, None)


def test_the_player_can_cut_the_wait_of_a_start_short() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), failed(FailureKind.NOT_SENT))
    play.commands.clear()
    play.give(events.TryNowRequested())
    play.expect(start_session())


def test_a_new_network_gets_a_new_offer_if_the_service_does_not_have_the_old_one() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), failed(FailureKind.NOT_SENT))
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(commands.CloseConnection(ONE), commands.MakeOffer(TWO))
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(failed(FailureKind.OUTCOME_UNKNOWN))
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(start_session())


def test_an_answer_to_a_start_that_was_given_up_still_counts() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE)).wait(START_BUDGET_S + 1.0)
    play.phase(StartBackoff)
    play.give(events.SessionStarted(FIRST, play.now, play.view("ACTIVATING")))
    play.phase(Placing)


def test_a_start_whose_answer_is_there_at_once_connects_at_once() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    view = play.view("ACTIVE", sha256="sha-1", answer="answer 1")
    play.give(events.SessionStarted(FIRST, play.now, view))
    play.phase(Connecting)


# --- placement ------------------------------------------------------------------------------------


def test_active_without_its_answer_is_polled_again_after_a_pause() -> None:
    play = Playbook().placing()
    play.commands.clear()
    play.give(play.status("ACTIVE"))
    play.expect(poll(after_s=0.5))
    play.give(play.status("ACTIVE", sha256="sha-9", answer="of another offer"))
    play.phase(Placing)


def test_a_placement_that_takes_too_long_cannot_be_confirmed() -> None:
    play = Playbook().placing()
    play.now += play.policy.start_deadline_s
    play.give(play.status("ACTIVATING"))
    assert play.phase(Ended).ending == Ending(EndingKind.UNCONFIRMED, status=Status("ACTIVATING"))


def test_a_placement_whose_polls_fail_is_polled_again_with_a_growing_backoff() -> None:
    play = Playbook().placing()
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT).expect(poll(after_s=0.25))
    play.wait(0.25 + 10.0 + 1.0)  # and one that is never answered
    play.expect(poll(after_s=0.5))
    assert play.phase(Placing).failures == 2
    play.give(play.status("ACTIVATING"))
    assert play.phase(Placing).failures == 0


def test_a_backend_that_vanishes_while_placing_ends_the_start_in_the_end() -> None:
    play = Playbook().placing()
    play.now += play.policy.start_deadline_s
    play.poll_fails(FailureKind.NOT_SENT, detail="refused")
    assert play.phase(Ended).ending == Ending(EndingKind.BACKEND_UNREACHABLE, detail="refused")


def test_a_refused_sign_in_while_placing_is_refreshed_once() -> None:
    play = Playbook().placing()
    play.commands.clear()
    play.poll_fails(FailureKind.UNAUTHENTICATED)
    play.expect(commands.RefreshSignIn(), poll(after_s=0.25))
    play.poll_fails(FailureKind.UNAUTHENTICATED)
    assert play.phase(Ended).ending.kind is EndingKind.SIGN_IN_NEEDED


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.NOT_FOUND, EndingKind.NOT_FOUND),
    ],
)
def test_a_poll_that_can_never_succeed_ends_a_placement(
    kind: FailureKind, ending: EndingKind
) -> None:
    play = Playbook().placing().poll_fails(kind)
    assert play.phase(Ended).ending.kind is ending


def test_a_sample_backend_is_polled_while_it_places() -> None:
    """Dialects without a status report it until the answer is there."""
    play = sample_backend().placing()
    assert play.last(commands.PollStatus) == poll("ACTIVATING", 8.0)


@pytest.mark.parametrize(
    ("kind", "http_status", "ending"),
    [
        (FailureKind.OUTCOME_UNKNOWN, 502, EndingKind.BACKEND_FAILED),
        (FailureKind.OUTCOME_UNKNOWN, 500, EndingKind.BACKEND_FAILED),
        (FailureKind.OUTCOME_UNKNOWN, None, EndingKind.BACKEND_UNREACHABLE),
        (FailureKind.OUTCOME_UNKNOWN, 200, EndingKind.BACKEND_UNUSABLE),
        (FailureKind.NOT_SENT, None, EndingKind.BACKEND_UNREACHABLE),
        (FailureKind.NOT_FOUND, 404, EndingKind.NOT_FOUND),
    ],
)
def test_a_backend_that_answers_with_errors_is_not_called_unreachable(
    kind: FailureKind, http_status: int | None, ending: EndingKind
) -> None:
    assert starting.ending_of(Failure(kind, http_status=http_status)).kind is ending
