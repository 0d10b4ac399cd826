"""Transcripts of the engine: one for each thing that can go wrong on the way back."""

from __future__ import annotations

import random
import re

import pytest

from helpers.playbook import ONE, SESSION, THREE, TWO, Playbook, offer
from rejoin.core import commands, events, session
from rejoin.core.model import (
    AttemptNumber,
    Doing,
    EndingKind,
    HardEvidence,
    HealthLevel,
    Policy,
    Stage,
)
from rejoin.core.phases import (
    ConfirmingEnd,
    Connecting,
    Ended,
    Goodbye,
    Live,
    Lost,
    Offering,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    TerminatingSession,
    Waiting,
)
from rejoin.core.retry import Action, Failure, FailureKind
from rejoin.core.ticket import RejoinState

# --- starting -------------------------------------------------------------------------------------


def test_a_game_starts_and_is_live_only_with_a_frame_and_an_open_input_channel() -> None:
    play = Playbook().give(events.StartRequested())
    play.wanted(commands.MakeOffer)
    play.give(offer(ONE))
    play.wanted(commands.StartSession)
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.phase(Placing)
    play.wanted(commands.PollStatus)
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.wanted(commands.ApplyAnswer)
    play.give(events.ConnectionOpened(ONE))
    play.wanted(commands.RequestKeyFrame)
    play.give(events.FirstFrameDecoded(ONE))
    play.phase(Connecting)
    assert play.shown.stage is Stage.STARTING
    play.give(events.InputOpened(ONE))
    play.phase(Live)
    play.wanted(commands.ShowConnection)


def test_a_picture_without_an_input_channel_is_shown_as_view_only_in_the_end() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.give(events.ConnectionOpened(ONE), events.FirstFrameDecoded(ONE)).wait(6)
    play.phase(Live)
    assert play.shown.view_only


def test_a_backend_that_nobody_answers_for_is_said_so_after_a_few_tries() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    for _ in range(play.policy.start_tries):
        play.give(
            events.StartFailed(AttemptNumber(1), Failure(FailureKind.NOT_SENT, detail="refused"))
        )
        if isinstance(play.state.phase, StartBackoff):
            play.wait(5)
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.detail) == (EndingKind.BACKEND_UNREACHABLE, "refused")
    tokens = {command.token for command in play.all_of(commands.StartSession)}
    assert len(tokens) == 1, "a repeated start must be the same start"
    assert len(play.all_of(commands.CloseConnection)) == 1


def test_a_refused_sign_in_is_refreshed_once_and_then_ends_the_start() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    refused = events.StartFailed(AttemptNumber(1), Failure(FailureKind.UNAUTHENTICATED))
    play.give(refused)
    play.wanted(
        commands.MakeOffer, commands.StartSession, commands.RefreshSignIn, commands.StartSession
    )
    play.give(refused)
    assert play.phase(Ended).ending.kind is EndingKind.SIGN_IN_NEEDED


def test_a_placement_that_fails_ends_with_the_reason_of_the_service() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(play.status("ERROR", reason="placementTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "placementTimeout")


def test_cancelling_while_a_host_is_looked_for_tells_the_service() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(events.CloseForNowRequested())
    play.phase(TerminatingSession)
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_a_first_connection_that_fails_becomes_a_reconnect_of_the_same_game() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.give(events.ConnectionFailed(ONE, "no answer")).wait(1)
    play.phase(Offering)
    assert play.last(commands.MakeOffer).connection == TWO


# --- detecting ------------------------------------------------------------------------------------


def test_nothing_is_done_about_a_moment_of_silence() -> None:
    play = Playbook().live().silence(0.25).healthy(0.5)
    play.phase(Live)
    play.wanted()


def test_a_stall_is_looked_into_and_forgotten_when_it_heals() -> None:
    play = Playbook().live().silence(0.5)
    assert play.health(HealthLevel.STALLED)
    play.wanted(commands.StartChecks, commands.PollStatus)
    play.healthy(4.5)
    assert play.health(HealthLevel.HEALTHY)
    play.wanted(commands.StopChecks)


def test_silence_is_lost_after_about_nine_tenths_of_a_second() -> None:
    play = Playbook().live().silence(0.85)
    play.phase(Live)
    play.silence(0.0).wait(0.0)
    play = Playbook().live().silence(0.95)
    play.phase(Lost)
    assert [type(c) for c in play.todo] == [
        commands.StartChecks,
        commands.PollStatus,
        commands.Mute,
    ]


def test_a_service_that_already_noticed_makes_it_lost_at_once() -> None:
    play = Playbook().live().silence(0.4)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)  # corroborated: no reason to wait for more silence
    play.never_wanted(commands.SayGoodbye)


def test_lost_heals_and_the_old_connection_is_as_before() -> None:
    play = Playbook().lost("CONNECTED")
    play.todo.clear()
    play.healthy(0.2)
    assert play.phase(Live).connection == ONE
    play.wanted(commands.StopChecks, commands.Unmute, commands.RequestKeyFrame, commands.PollStatus)
    assert play.shown.back_at is not None


@pytest.mark.parametrize(
    "evidence",
    [
        HardEvidence.DTLS_CLOSED,
        HardEvidence.CHANNEL_CLOSED,
        HardEvidence.SERVER_DISCONNECTED,
        HardEvidence.RTCP_BYE,
        HardEvidence.ADDRESS_GONE,
    ],
)
def test_hard_evidence_needs_no_silence(evidence: HardEvidence) -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, evidence))
    play.phase(Lost)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


def test_a_closed_connection_does_not_heal_by_what_still_trickles_out_of_it() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.healthy(0.3)
    play.phase(Lost)


def test_an_unreachable_network_is_a_hint_and_no_proof() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE))
    play.phase(Live)
    play.wanted(commands.StartChecks, commands.PollStatus)


def test_a_host_that_sends_no_media_is_waited_for_and_then_told_goodbye() -> None:
    play = Playbook().live().no_media(4.0)
    play.phase(Live)
    assert play.shown.health is HealthLevel.NO_MEDIA
    play.last(commands.RequestKeyFrame)
    play.give(play.status("CONNECTED")).no_media(3.0)
    assert play.last(commands.SayGoodbye).connection == ONE


# --- committing -----------------------------------------------------------------------------------


def test_without_corroboration_commit_waits_for_five_seconds_and_says_goodbye() -> None:
    play = Playbook().lost("CONNECTED").silence(3.8)
    play.phase(Lost)
    play.silence(0.15)
    play.phase(Goodbye)
    assert play.last(commands.SayGoodbye).times == play.policy.goodbye_times
    play.give(events.GoodbyeSaid(ONE))
    assert play.phase(Waiting).then is Action.WAIT_FOR_SERVICE, "the service still says CONNECTED"
    assert play.shown.doing is Doing.WAITING_FOR_SERVICE
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


def test_after_goodbye_the_old_connection_cannot_heal() -> None:
    play = Playbook().lost("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.healthy(1.0)
    play.phase(Waiting)


def test_a_goodbye_that_never_returns_is_outlived() -> None:
    play = Playbook().lost("CONNECTED").silence(3.95)
    play.phase(Goodbye)
    play.wait(1.0)
    play.phase(Waiting)


def test_the_player_can_commit_at_once() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play = Playbook().lost()
    assert play.shown.can_try_now
    play.give(events.TryNowRequested())
    play.phase(Goodbye)


# --- coming back ----------------------------------------------------------------------------------


def test_drop_to_rejoined() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.todo.clear()
    play.answers(request)
    play.wanted(commands.ApplyAnswer, commands.PollStatus)
    play.give(play.status("ACTIVE"), events.ConnectionOpened(TWO), events.InputOpened(TWO))
    play.wanted(commands.RequestKeyFrame)
    play.phase(Connecting)  # ICE connected is not live again
    play.give(events.FirstFrameDecoded(TWO))
    play.wanted(commands.CloseConnection, commands.ShowConnection)
    assert play.phase(Live).connection == TWO
    assert play.shown.back_at == play.now


def test_the_old_connection_stays_open_until_the_new_one_has_a_frame() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.answers(request).give(events.ConnectionOpened(TWO))
    play.never_wanted(commands.CloseConnection)


def test_what_the_service_has_given_up_cannot_heal() -> None:
    """Its window runs: a picture that comes back would be gone when that is over."""
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.phase(Offering)
    play.healthy(0.2)
    play.phase(Offering)


def test_healed_but_the_service_says_otherwise() -> None:
    play = Playbook().lost("CONNECTED").healthy(0.2)
    play.phase(Live)
    play.wait(0.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


def test_what_was_known_of_the_status_is_forgotten_at_the_next_drop() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks()).joins(TWO)
    play.give(play.status("ACTIVE")).healthy(1.0, TWO)
    play.todo.clear()
    play.silence(1.2, TWO)
    play.phase(Lost)
    play.never_wanted(commands.MakeOffer)
    play.silence(4.0, TWO)
    play.last(commands.SayGoodbye)


def test_an_accepted_offer_that_did_not_connect_forbids_healing() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks()).give(events.ConnectionFailed(TWO, "DTLS"))
    play.healthy(0.3)
    assert not play.is_in(Live)


def test_waiting_for_a_service_that_hears_us_still_ends_with_a_goodbye() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.CONFLICT, status="CONNECTED")
    play.todo.clear()
    play.silence(3.0).give(play.status("CONNECTED"))
    play.never_wanted(commands.SayGoodbye)
    play.silence(2.0).give(play.status("CONNECTED"))
    assert play.last(commands.SayGoodbye).connection == ONE


def test_a_lag_of_our_own_is_no_drop() -> None:
    play = Playbook().live()
    play.now += 1.2
    play.give(events.WakeupDue())
    play.phase(Live)


def test_more_time_than_was_known_is_used() -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION")
    play.give(offer(TWO))
    play.now += 69.0
    play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)
    play.phase(ConfirmingEnd)
    play.give(play.status("CONNECTED"))
    assert play.phase(Waiting).then is Action.WAIT_FOR_SERVICE


def test_a_game_that_the_backend_no_longer_knows_is_looked_for_once() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.NOT_FOUND)
    play.give(events.StatusFailed(play.now, Failure(FailureKind.NOT_FOUND)))
    assert play.phase(Ended).ending.kind is EndingKind.NOT_FOUND


def test_an_invalid_request_for_the_wrong_status_is_no_refusal_of_the_offer() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    for _ in range(2):
        play.refuses(play.asks(), FailureKind.INVALID, status="PENDING_CLIENT_RECONNECTION")
        play.phase(Waiting)
        play.wait(1)


def test_an_answer_that_cannot_be_used_at_the_start_gives_the_host_back() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.give(events.AnswerRefused(ONE, "no fingerprint"))
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.BAD_ANSWER


def test_healing_cannot_cancel_a_request_on_the_wire() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.healthy(0.3)
    play.phase(Requesting)
    play.answers(request).joins(TWO)
    assert play.phase(Live).connection == TWO


def test_healing_is_possible_again_once_the_service_refused() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.refuses(request, FailureKind.CONFLICT, status="CONNECTED")
    play.phase(Waiting)
    play.healthy(0.3)
    assert play.phase(Live).connection == ONE


def test_a_stale_answer_changes_nothing() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    play.refuses(first, FailureKind.CONFLICT, status="PENDING_CLIENT_RECONNECTION").wait(1)
    second = play.asks()
    assert second.attempt > first.attempt
    before = play.state.phase
    play.answers(first)
    assert play.state.phase == before
    assert play.state.facts.stale_events > 0


def test_an_answer_that_does_not_connect_gets_a_new_offer() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks())
    play.todo.clear()
    play.wait(7)
    assert play.all_of(commands.CloseConnection)[0].connection == TWO
    assert play.all_of(commands.MakeOffer)[0].connection == THREE


def test_a_connection_that_does_not_come_gets_five_seconds_and_four_round_trips() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks())
    patience_s = play.phase(Connecting).until_at - play.now
    assert patience_s == pytest.approx(5.0 + 4 * (play.rtt_s or 0.0))


@pytest.mark.parametrize("window_s", [4.0, 6.0, 10.0])
def test_a_short_window_is_not_spent_on_one_connection(window_s: float) -> None:
    play = Playbook(timeout_s=window_s).lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    asked_at = play.now
    play.answers(first)
    play.todo.clear()
    play.wait(play.phase(Connecting).until_at - asked_at)
    play.phase(Waiting)
    play.wait(0.5)
    second = play.asks()
    assert second.connection == THREE
    assert play.now < asked_at + window_s - 0.5, "there is time left for it to come"


def test_what_failed_before_an_answer_is_no_reason_to_wait_after_it() -> None:
    """Six refused calls in a dead network, then an answer whose connection never comes."""
    play = Playbook(Policy(passes_token_on=False)).lost("PENDING_CLIENT_RECONNECTION")
    play.draw = lambda: 0.999
    for _ in range(6):
        play.refuses(play.asks(), FailureKind.NOT_SENT)
        play.wait(5.0)
    play.answers(play.asks())
    play.wait(play.phase(Connecting).until_at - play.now)
    waited_s = play.phase(Waiting).until_at - play.now
    assert waited_s < play.policy.backoff_base_s, "as after a first failure"


def test_a_connection_gets_a_second_however_little_is_left() -> None:
    play = Playbook(timeout_s=1.0).lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks())
    assert play.phase(Connecting).until_at - play.now == pytest.approx(play.policy.connect_least_s)


def test_what_an_old_connection_says_late_hides_nothing_of_the_new_one() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks())
    play.give(events.ControlsKnown(TWO, known=True), events.InputOpened(TWO))
    play.give(events.ControlsKnown(ONE, known=False), events.InputOpened(ONE))
    assert play.state.facts.stale_events == 2
    play.joins(TWO).give(events.ControlsKnown(ONE, known=False))
    play.phase(Live)
    assert play.shown.input_open
    assert not play.shown.view_only


def test_input_that_opens_while_the_connection_is_lost_is_open_when_it_heals() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))
    play.give(events.ConnectionOpened(ONE), events.FirstFrameDecoded(ONE)).wait(6)
    assert play.shown.view_only
    play.healthy(0.2).silence(1.1).phase(Lost)
    play.give(events.ControlsKnown(ONE, known=True), events.InputOpened(ONE))
    play.healthy(0.5).phase(Live)
    assert play.shown.input_open
    assert not play.shown.view_only


def test_watching_a_service_that_never_notices_ends_on_the_last_moment_for_a_try() -> None:
    play = Playbook().lost("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.phase(Waiting)
    last_start_at = session.last_start_at(play.state, play.policy)
    assert last_start_at is not None
    play.wait(last_start_at - play.now)
    assert play.now == last_start_at
    play.phase(ConfirmingEnd)


def test_media_that_come_after_all_leave_time_for_a_try() -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION")
    play.now += 3600.0
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)
    play.healthy(0.05)
    play.phase(Offering)


# --- asking again ---------------------------------------------------------------------------------


def test_an_unknown_outcome_is_asked_again_with_the_same_bytes_then_looked_up() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    play.refuses(first, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    second = play.last(commands.Reconnect)
    assert (second.token, second.signal_request) == (first.token, first.signal_request)
    assert second.try_number == 2
    play.refuses(second, FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    assert len(play.all_of(commands.Reconnect)) == 2, "identical bytes go twice at most"
    assert play.phase(Waiting).then is Action.LOOK


def test_a_lost_answer_is_recovered_through_the_status() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.refuses(request, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    play.refuses(play.last(commands.Reconnect), FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    play.give(play.status("ACTIVE", sha256="sha-2", answer="the lost one"))
    assert play.last(commands.ApplyAnswer) == commands.ApplyAnswer(TWO, "the lost one")


def test_an_answer_to_another_offer_is_not_applied() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.refuses(request, FailureKind.OUTCOME_UNKNOWN).wait(0.3)
    play.refuses(play.last(commands.Reconnect), FailureKind.OUTCOME_UNKNOWN).wait(0.6)
    play.todo.clear()
    play.give(play.status("ACTIVE", sha256="sha-1", answer="of the first connection"))
    play.never_wanted(commands.ApplyAnswer)
    assert play.last(commands.MakeOffer).connection == THREE


def test_a_service_that_has_not_noticed_is_watched_and_not_hammered() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.todo.clear()
    play.refuses(request, FailureKind.CONFLICT, status="CONNECTED")
    watch = play.last(commands.PollStatus)
    assert (watch.known, watch.wait_s) == ("CONNECTED", play.policy.status_wait_s)
    play.wait(5.0)
    play.never_wanted(commands.Reconnect)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.last(commands.MakeOffer)


def test_throttling_is_obeyed_when_it_fits_the_window() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    request = play.asks()
    play.todo.clear()
    play.refuses(request, FailureKind.THROTTLED, retry_after_s=3.0).wait(2.9)
    play.never_wanted(commands.Reconnect)
    play.wait(0.2)
    assert play.last(commands.Reconnect).token == request.token


def test_throttling_past_the_window_ends_as_busy_after_one_look() -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.THROTTLED, retry_after_s=3600.0)
    play.phase(ConfirmingEnd)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Ended).ending.kind is EndingKind.BUSY


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.TLS, EndingKind.BACKEND_UNTRUSTED),
        (FailureKind.STALE_ATTEMPT, EndingKind.CONTINUED_ELSEWHERE),
    ],
)
def test_what_cannot_get_better_ends_at_once(kind: FailureKind, ending: EndingKind) -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), kind)
    assert play.phase(Ended).ending.kind is ending
    closed = {command.connection for command in play.all_of(commands.CloseConnection)}
    assert closed == {ONE, TWO}


def test_a_second_refused_sign_in_ends() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.UNAUTHENTICATED)
    play.last(commands.RefreshSignIn)
    play.refuses(play.last(commands.Reconnect), FailureKind.UNAUTHENTICATED)
    assert play.phase(Ended).ending.kind is EndingKind.SIGN_IN_NEEDED


def test_a_refused_offer_is_replaced_once() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.INVALID)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.refuses(play.asks(), FailureKind.INVALID)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Ended).ending.kind is EndingKind.OFFER_REFUSED


def test_a_backend_that_is_down_is_tried_for_as_long_as_the_game_may_live() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.give(offer(TWO))
    dropped_at = play.now
    last_try_at = 0.0
    while play.is_in(Requesting):
        last_try_at = play.now
        play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)
        if play.is_in(Waiting):
            wait_s = play.phase(Waiting).until_at - play.now
            assert wait_s <= play.policy.backoff_cap_s
            play.wait(wait_s)
    latest_after_s = play.timeout_s + play.policy.notice_delay_max_s
    assert last_try_at - dropped_at > latest_after_s - 10, "the window ends it, not some count"
    play.phase(ConfirmingEnd)
    play.wait(60)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_every_attempt_has_a_token_that_the_service_accepts_as_its_client_token() -> None:
    tokens = set()
    chance = random.Random(5)
    for number in range(1, 4):
        play = Playbook()
        play.draw = chance.random
        play.lost("PENDING_CLIENT_RECONNECTION")
        token = play.asks().token
        assert re.fullmatch(r"[\x21-\x7E]{32,128}", token), number
        tokens.add(token)
    assert len(tokens) == 3


def test_something_in_place_of_the_backend_is_called_a_portal() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.NOT_BACKEND)
    assert play.shown.portal
    assert play.shown.shown_deadline_at is not None, "the countdown goes on"


def test_the_network_coming_back_cancels_the_sleep() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.give(events.NetworkLost())
    play.refuses(play.asks(), FailureKind.NOT_SENT)
    assert play.shown.doing is Doing.WAITING_FOR_NETWORK
    play.todo.clear()
    play.give(events.NetworkFound())
    play.last(commands.MakeOffer)


# --- another network ------------------------------------------------------------------------------


def test_an_offer_that_is_being_made_while_the_network_changes_is_thrown_away() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    assert play.phase(Offering).connection == TWO
    play.todo.clear()
    play.give(events.NetworkFound())
    play.wanted(commands.CloseConnection, commands.MakeOffer)
    assert play.phase(Offering).connection == THREE
    play.give(offer(TWO))
    play.never_wanted(commands.Reconnect)
    play.give(offer(THREE))
    assert play.last(commands.Reconnect).connection == THREE


def test_the_first_offer_too_is_made_afresh_and_the_start_keeps_its_deadline() -> None:
    play = Playbook().give(events.StartRequested())
    until_at = play.phase(StartOffering).until_at
    play.wait(0.5).give(events.NetworkFound())
    play.wanted(commands.MakeOffer, commands.CloseConnection, commands.MakeOffer)
    assert play.phase(StartOffering) == StartOffering(TWO, until_at)
    play.give(offer(ONE))
    play.never_wanted(commands.StartSession)
    play.give(offer(TWO))
    assert play.last(commands.StartSession).signal_request == "offer 2"


def test_an_offer_that_nobody_took_is_replaced_when_the_network_changes() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    play.refuses(first, FailureKind.NOT_SENT)
    play.todo.clear()
    play.give(events.NetworkFound())
    play.wanted(commands.CloseConnection, commands.MakeOffer)
    play.give(offer(THREE))
    second = play.last(commands.Reconnect)
    assert second.attempt > first.attempt
    assert second.signal_request != first.signal_request


def test_bytes_that_may_have_arrived_go_again_whatever_the_network_does() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    play.refuses(first, FailureKind.OUTCOME_UNKNOWN)
    play.give(events.NetworkFound())
    again = play.last(commands.Reconnect)
    assert (again.signal_request, again.try_number) == (first.signal_request, 2)


def test_a_retry_after_holds_for_the_offer_of_the_new_network() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.THROTTLED, retry_after_s=3.0)
    play.todo.clear()
    play.give(events.NetworkFound())
    play.wanted(commands.CloseConnection)
    play.wait(2.9)
    play.never_wanted(commands.MakeOffer)
    play.wait(0.2)
    assert play.last(commands.MakeOffer).connection == THREE


def test_a_request_that_left_by_an_address_that_is_gone_is_not_waited_for() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    first = play.asks()
    play.todo.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.05)
    assert play.all_of(commands.CloseConnection) == [commands.CloseConnection(TWO)]
    assert play.asks().attempt > first.attempt
    play.answers(first)
    play.phase(Requesting)  # what it was answered is of no use, and changes nothing


def test_after_such_a_request_the_old_connection_cannot_heal_if_it_was_written() -> None:
    for written in (True, False):
        play = Playbook().lost().give(events.TryNowRequested(), events.GoodbyeSaid(ONE))
        play.give(offer(TWO))
        request = play.last(commands.Reconnect)
        if written:
            play.give(events.RequestWritten(request.attempt, request.try_number))
        play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE))
        assert (play.phase(Waiting).episode.bound_at is not None) is written


def test_the_bytes_of_a_connection_whose_address_is_gone_do_not_go_again() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.OUTCOME_UNKNOWN)
    play.todo.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.05)
    play.never_wanted(commands.Reconnect)
    assert play.last(commands.MakeOffer).connection == THREE


def test_joining_by_an_address_that_is_gone_ends_early_and_by_another_goes_on() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.answers(play.asks()).give(events.NetworkFound())
    assert play.phase(Connecting).connection == TWO
    play.todo.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(1.0)
    assert play.last(commands.MakeOffer).connection == THREE


def test_while_live_another_network_is_looked_into_at_once() -> None:
    play = Playbook().live().give(events.NetworkFound())
    play.wanted(commands.StartChecks, commands.PollStatus)
    play.healthy(4.0)
    assert play.health(HealthLevel.HEALTHY)


def test_a_loss_that_becomes_certain_cannot_heal_and_is_committed_soon() -> None:
    play = Playbook().lost()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.ADDRESS_GONE))
    play.healthy(0.2)
    play.phase(Lost)
    play.never_wanted(commands.SayGoodbye)
    play.wait(0.5)
    assert play.last(commands.SayGoodbye).connection == ONE


def test_a_hint_while_lost_changes_nothing() -> None:
    play = Playbook().lost()
    before = play.state.phase
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE))
    assert play.state.phase == before


def test_the_status_is_asked_again_over_the_new_network() -> None:
    for play in (Playbook().lost(), Playbook().live().silence(0.5)):
        play.todo.clear()
        play.give(events.NetworkFound())
        play.wanted(commands.PollStatus)


def test_a_placement_is_looked_at_again_over_the_new_network() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    play.wait(5.0)
    play.todo.clear()
    play.give(events.NetworkFound())
    watch = play.last(commands.PollStatus)
    assert (watch.known, watch.wait_s) == ("ACTIVATING", play.policy.status_wait_s)
    assert play.phase(Placing).until_at >= play.now + watch.budget_s


def test_being_offline_is_shown_and_stops_nothing() -> None:
    play = Playbook().live().give(events.NetworkLost())
    play.phase(Live)
    assert play.health(HealthLevel.STALLED)
    play.wanted(commands.StartChecks, commands.PollStatus)
    assert play.shown.offline
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)
    play.give(events.NetworkFound())
    assert not play.shown.offline


# --- deadlines and ends ---------------------------------------------------------------------------


def test_the_shown_deadline_is_the_timeout_after_the_last_media() -> None:
    play = Playbook(timeout_s=60.0).live()
    last_media_at = play.now
    play.silence(1.1)
    assert play.shown.shown_deadline_at == pytest.approx(last_media_at + 60.0)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.shown.shown_deadline_at == pytest.approx(last_media_at + 60.0)


def test_connected_moves_the_shown_deadline_and_pending_does_not() -> None:
    play = Playbook(timeout_s=60.0).lost()
    play.wait(1.0)
    asked_at = play.now
    play.give(play.status("CONNECTED"))
    assert play.shown.shown_deadline_at == pytest.approx(asked_at + 60.0)
    play.wait(1.0).give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.shown.shown_deadline_at == pytest.approx(asked_at + 60.0)


def test_tries_go_on_past_the_shown_deadline() -> None:
    play = Playbook(timeout_s=10.0).lost("CONNECTED").silence(4.2)
    play.give(events.GoodbyeSaid(ONE))
    play.wait(8.0)
    shown_at = play.shown.shown_deadline_at
    assert shown_at is not None
    assert shown_at < play.now
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.answers(play.asks()).joins(TWO)
    play.phase(Live)


def test_a_terminal_status_ends_with_the_reason_whenever_it_is_heard() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.asks()
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")


def test_a_word_of_the_service_that_nobody_knows_is_tried() -> None:
    play = Playbook().lost("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.give(play.status("HIBERNATING"))
    play.phase(Offering)
    assert play.shown.status == "HIBERNATING"


def test_sleeping_past_the_window_is_said_as_such() -> None:
    play = Playbook(timeout_s=10.0).live()
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.phase(Lost)
    assert play.shown.deadline_checking
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.expired_asleep


@pytest.mark.parametrize("given", [[], [offer(TWO)]])
def test_after_sleep_in_mid_attempt_the_service_is_asked_before_the_end(
    given: list[events.Event],
) -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION").give(*given)
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.wait(5.0)
    play.phase(ConfirmingEnd)
    assert play.shown.deadline_checking
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.expired_asleep) == (EndingKind.GAME_ENDED, True)


def test_sleep_while_the_end_is_being_confirmed_leaves_time_to_hear_it() -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION")
    play.now += 68.5
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)
    play.todo.clear()
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.last(commands.PollStatus)
    play.wait(5.0)
    play.phase(ConfirmingEnd)
    play.wait(60.0)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_who_comes_too_late_still_gets_an_answer_from_the_service() -> None:
    play = Playbook(timeout_s=10.0).lost("PENDING_CLIENT_RECONNECTION")
    play.now += 3600.0
    play.give(events.WakeupDue()).wait(0.3)
    play.phase(ConfirmingEnd)
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.reason == "reconnectionTimeout"


def test_ending_the_game_tells_the_service() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION").give(events.EndGameRequested())
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


def test_a_game_whose_end_nobody_confirms_is_said_so() -> None:
    play = Playbook().live().give(events.EndGameRequested())
    for _ in range(play.policy.terminate_tries):
        play.give(events.TerminateFailed(Failure(FailureKind.NOT_SENT))).wait(1.0)
    assert len(play.all_of(commands.TerminateSession)) == play.policy.terminate_tries
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_closing_for_now_does_not_end_the_game() -> None:
    play = Playbook().live().give(events.CloseForNowRequested())
    assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
    play.never_wanted(commands.TerminateSession)
    assert play.last(commands.CloseConnection).connection == ONE


def test_after_the_end_nothing_happens_any_more() -> None:
    play = Playbook().live().give(events.CloseForNowRequested())
    before = play.state.phase
    play.todo.clear()
    play.give(events.StartRequested(), play.status("ACTIVE"), events.WakeupDue())
    assert play.state.phase == before
    play.wanted()
    assert session.next_wakeup(play.state) is None


# --- dialects that can tell less ------------------------------------------------------------------


def sample_backend() -> Playbook:
    """A backend of AWS's samples: no status after the start, no token passed on."""
    return Playbook(Policy(tells_status=False, passes_token_on=False))


def test_without_a_status_nothing_is_asked_and_five_seconds_of_silence_commit() -> None:
    play = sample_backend().live().silence(1.2)
    play.phase(Lost)
    play.never_wanted(commands.PollStatus)
    play.silence(4.0)
    play.give(events.GoodbyeSaid(ONE))
    play.phase(Offering)


def test_without_a_status_a_closed_connection_is_committed_at_once() -> None:
    play = sample_backend().live()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.phase(Goodbye)


@pytest.mark.parametrize(
    "kind", [FailureKind.OUTCOME_UNKNOWN, FailureKind.NOT_SENT, FailureKind.THROTTLED]
)
def test_where_no_token_is_passed_on_no_offer_goes_out_twice(kind: FailureKind) -> None:
    play = sample_backend().live().silence(5.2).give(events.GoodbyeSaid(ONE))
    sent = [play.asks().signal_request]
    for _ in range(3):
        play.refuses(play.last(commands.Reconnect), kind)
        play.phase(Waiting)
        play.wait(9)
        sent.append(play.asks().signal_request)
    assert len(set(sent)) == len(sent)


def test_where_no_token_is_passed_on_a_start_of_unknown_outcome_is_not_repeated() -> None:
    play = sample_backend().give(events.StartRequested(), offer(ONE))
    play.give(events.StartFailed(AttemptNumber(1), Failure(FailureKind.OUTCOME_UNKNOWN)))
    play.phase(Ended)
    assert len(play.all_of(commands.StartSession)) == 1


def test_an_offer_whose_fate_nobody_knows_forbids_healing_until_somebody_does() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), FailureKind.OUTCOME_UNKNOWN)
    play.healthy(0.3)
    assert not play.is_in(Live)


# --- the ticket -----------------------------------------------------------------------------------


def test_a_ticket_is_kept_from_the_moment_the_session_is_known() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    assert not play.tickets
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))
    assert play.kept() == RejoinState(SESSION, AttemptNumber(1), 120.0, proved_at=play.now)


def test_a_game_that_never_began_leaves_no_ticket() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ERROR")))
    play.phase(Ended)
    assert [type(ticket) for ticket in play.tickets] == [commands.DropTicket]


def test_while_live_the_ticket_is_kept_fresh() -> None:
    play = Playbook().live()
    since_at = play.now
    play.tickets.clear()
    play.healthy(4 * play.policy.ticket_every_s + 1.0)
    assert len(play.tickets) == 4
    proved_at = play.kept().proved_at
    assert proved_at is not None
    assert play.now - proved_at <= play.policy.ticket_every_s + play.policy.sample_every_s
    assert proved_at > since_at


def test_before_an_offer_the_ticket_holds_the_number_that_it_will_have() -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    assert play.kept().attempt == 2, "before anything of the attempt can have gone out"
    assert play.asks().attempt == 2
    play.refuses(play.last(commands.Reconnect), FailureKind.REUSED_OFFER).wait(9)
    assert play.kept().attempt == 3
    assert play.asks().attempt == 3
    play.answers(play.last(commands.Reconnect)).joins(THREE)
    assert play.kept().attempt == 3, "live again"


def test_the_ticket_is_wanted_before_the_offer() -> None:
    play = Playbook().lost()
    _, todo = session.step(
        play.state,
        play.status("PENDING_CLIENT_RECONNECTION"),
        play.now,
        play.policy,
        play.draw,
    )
    names = [type(command).__name__ for command in todo]
    assert names.index("KeepTicket") < names.index("MakeOffer")


def test_closing_for_now_keeps_the_ticket_as_fresh_as_can_be() -> None:
    play = Playbook().live().healthy(5.0).give(events.CloseForNowRequested())
    assert play.kept().proved_at == play.now


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (lambda play: play.give(play.status("TERMINATED")), EndingKind.GAME_ENDED),
        (
            lambda play: play.give(events.EndGameRequested(), events.SessionTerminated()),
            EndingKind.ENDED_BY_PLAYER,
        ),
    ],
)
def test_the_ticket_goes_with_the_game(end, kind: EndingKind) -> None:  # type: ignore[no-untyped-def]
    play = end(Playbook().live())
    assert play.phase(Ended).ending.kind is kind
    assert play.tickets[-1] == commands.DropTicket(SESSION)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.TLS, EndingKind.BACKEND_UNTRUSTED),
        (FailureKind.STALE_ATTEMPT, EndingKind.CONTINUED_ELSEWHERE),
    ],
)
def test_the_ticket_outlives_an_end_of_the_client_alone(
    failure: FailureKind, kind: EndingKind
) -> None:
    play = Playbook().lost("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.asks(), failure)
    assert play.phase(Ended).ending.kind is kind
    assert play.kept().attempt == 2


def test_a_start_that_fails_drops_no_ticket_of_another_game() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE), events.CloseForNowRequested())
    play.phase(Ended)
    assert not play.tickets


# --- coming back with it --------------------------------------------------------------------------

BACK_SEAT = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def test_coming_back_asks_the_status_first_and_goes_on_with_the_numbers() -> None:
    play = Playbook().back(BACK_SEAT)
    play.wanted(commands.PollStatus)
    assert (play.shown.stage, play.shown.doing) == (Stage.RECONNECTING, Doing.CHECKING)
    assert play.shown.returning
    assert play.shown.shown_deadline_at == 190.0
    play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=3))
    assert play.kept().attempt == 4
    request = play.asks()
    assert (request.session_id, request.attempt, request.connection) == (SESSION, 4, ONE)
    play.answers(request).joins(ONE)
    play.phase(Live)
    play.last(commands.ShowConnection)
    there = play.shown
    assert (there.back_at, there.returning) == (play.now, False)
    play.silence(1.1).give(play.status("PENDING_CLIENT_RECONNECTION", attempt=4))
    assert play.asks().attempt == 5, "and a later drop is a drop like any other"


def test_a_service_that_has_not_noticed_the_crash_is_waited_for() -> None:
    play = Playbook().back(BACK_SEAT)
    play.give(play.status("CONNECTED"))
    assert play.phase(Waiting).then is Action.WAIT_FOR_SERVICE
    assert play.shown.doing is Doing.WAITING_FOR_SERVICE
    play.never_wanted(commands.SayGoodbye)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING_CLIENT_RECONNECTION"])
def test_a_session_that_takes_a_connection_gets_an_offer_at_once(status: str) -> None:
    play = Playbook().back(BACK_SEAT)
    play.give(play.status(status))
    play.phase(Offering)


def test_coming_back_to_a_game_that_is_over_says_why_and_drops_the_ticket() -> None:
    play = Playbook().back(BACK_SEAT)
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")
    assert play.tickets == [commands.DropTicket(SESSION)]


def test_coming_back_to_a_game_that_nobody_knows_ends_after_a_second_look() -> None:
    play = Playbook().back(BACK_SEAT)
    for _ in range(2):
        play.phase(Waiting)
        play.give(events.StatusFailed(play.now, Failure(FailureKind.NOT_FOUND))).wait(0.5)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_FOUND
    assert play.tickets == [commands.DropTicket(SESSION)]


def test_after_another_boot_the_countdown_is_checking_until_the_backend_answers() -> None:
    play = Playbook().back(RejoinState(SESSION, AttemptNumber(3), 120.0))
    assert play.shown.deadline_checking
    assert play.shown.shown_deadline_at is None
    told = play.give(play.status("CONNECTED")).shown
    assert not told.deadline_checking
    assert told.shown_deadline_at == play.now + 120.0


def test_a_backend_that_is_away_is_asked_until_the_latest_moment_a_game_could_live() -> None:
    """The old life may have played on until a moment before this one, and the service sleeps."""
    play = Playbook().back(BACK_SEAT)
    began_at = play.now
    latest_at = began_at + 120.0 + play.policy.notice_delay_max_s
    assert play.shown.latest_deadline_at == latest_at
    while not play.is_in(Ended):
        play.give(events.StatusFailed(play.now, Failure(FailureKind.NOT_SENT))).wait(1.0)
    ending = play.phase(Ended).ending
    assert ending.kind is EndingKind.UNCONFIRMED, "it had begun, and nobody knows its end"
    assert play.now == pytest.approx(latest_at, abs=1.5)
    assert not play.tickets, "it may still be running"


def test_coming_back_through_a_backend_that_tells_no_status_is_an_offer_at_once() -> None:
    play = sample_backend().back(RejoinState(SESSION, AttemptNumber(3)))
    play.phase(Offering)
    assert not play.shown.deadline_checking, "nobody would ever answer"
    assert play.kept() == RejoinState(SESSION, AttemptNumber(4))
    assert play.asks().attempt == 4


def test_a_second_wish_to_come_back_changes_nothing() -> None:
    play = Playbook().live().back(BACK_SEAT)
    play.phase(Live)
    assert play.state.facts.stale_events == 1
    assert play.state.facts.attempts == 1


@pytest.mark.parametrize(
    "leave", [events.CloseForNowRequested(), events.EndGameRequested()], ids=["close", "end"]
)
def test_leaving_while_coming_back(leave: events.Event) -> None:
    play = Playbook().back(BACK_SEAT).give(leave)
    if isinstance(leave, events.EndGameRequested):
        play.give(events.SessionTerminated())
        assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER
        assert play.tickets[-1] == commands.DropTicket(SESSION)
    else:
        assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
        assert play.kept() == BACK_SEAT, "as it was found"


# --- somebody else goes on ------------------------------------------------------------------------


def test_who_comes_back_goes_on_from_the_highest_number_that_was_seen() -> None:
    """A ticket that could not be written, or another device: the player wants the game here."""
    play = Playbook().back(BACK_SEAT)
    play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=7))
    assert play.kept().attempt == 8
    assert play.asks().attempt == 8


@pytest.mark.parametrize("status", ["CONNECTED", "ACTIVE", "PENDING_CLIENT_RECONNECTION"])
def test_a_connection_that_somebody_else_took_over_is_not_snatched_back(status: str) -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.give(play.status(status, attempt=2)).wait(1.0)
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE
    play.never_wanted(commands.Reconnect)
    play.never_wanted(commands.MakeOffer)
    assert play.kept().attempt == 1, "the player may want it back here later"


def test_a_higher_number_ends_no_game_that_is_being_played() -> None:
    """Somebody tried while we are connected; the service refused, and we play on."""
    play = Playbook().live().silence(0.5)
    play.give(play.status("CONNECTED", attempt=2)).healthy(4.5)
    play.phase(Live)
    assert play.health(HealthLevel.HEALTHY)


def test_a_higher_number_does_not_stop_a_connection_from_healing() -> None:
    play = Playbook().lost()
    play.give(play.status("CONNECTED", attempt=2)).silence(1.0)
    play.phase(Lost)
    play.healthy(0.3)
    play.phase(Live)


def test_a_higher_number_heard_while_waiting_for_the_service_ends_it() -> None:
    play = Playbook().lost("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    assert play.phase(Waiting).then is Action.WAIT_FOR_SERVICE
    play.give(play.status("CONNECTED", attempt=2))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_who_waits_for_the_service_stops_when_the_other_one_comes_back_by_itself() -> None:
    """The other device was not gone: its connection dropped, and it was quicker."""
    play = Playbook().back(BACK_SEAT)
    play.give(play.status("CONNECTED", attempt=3))
    play.phase(Waiting)
    play.give(play.status("CONNECTED", attempt=4))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_after_an_own_attempt_a_higher_number_is_somebody_elses() -> None:
    play = Playbook().back(BACK_SEAT)
    play.give(play.status("ACTIVE", attempt=3))
    play.refuses(play.asks(), FailureKind.CONFLICT, status="CONNECTED")
    play.give(play.status("CONNECTED", attempt=4))
    play.phase(Waiting)  # our own number
    play.give(play.status("CONNECTED", attempt=5))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_who_is_connected_for_longer_than_a_crash_goes_unnoticed_is_somebody_else() -> None:
    play = Playbook().back(BACK_SEAT)
    until_at = play.now + play.policy.notice_delay_max_s
    while play.now <= until_at:
        play.give(play.status("CONNECTED", attempt=3))
        assert play.phase(Waiting).then is Action.WAIT_FOR_SERVICE
        play.wait(6.0)
    play.give(play.status("CONNECTED", attempt=3)).wait(6.0)
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_two_clients_never_take_the_game_from_each_other_in_a_loop() -> None:
    """Whoever's number is passed stops; the other one's is then the highest for good."""
    numbers = [1]

    def drop(play: Playbook) -> None:
        play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=max(numbers)))
        if play.is_in(Offering):
            numbers.append(play.asks().attempt)

    first, second = (
        Playbook().live(),
        Playbook().back(RejoinState(SESSION, AttemptNumber(1), 120.0)),
    )
    drop(second)
    second.answers(second.last(commands.Reconnect)).joins(ONE)
    first.silence(1.1)
    for _ in range(5):
        drop(first)
        second.silence(1.1)
        drop(second)
        if second.is_in(Requesting):
            second.answers(second.last(commands.Reconnect))
            second.joins(second.last(commands.MakeOffer).connection)
    assert first.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE
    assert numbers == sorted(set(numbers)), "each number was used once"
    first.never_wanted(commands.Reconnect)
