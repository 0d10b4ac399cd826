"""ConfirmingEnd and TerminatingSession: how a game ends."""

from __future__ import annotations

from functools import partial

import pytest

from helpers.playbook import ANY, ONE, SESSION, TWO, Playbook, offer, poll
from rejoin.core import commands, events
from rejoin.core.model import Doing, Ending, EndingKind, Stage
from rejoin.core.phases import AwaitingService, ConfirmingEnd, Ended, Offering, TerminatingSession
from rejoin.core.retry import Action, Failure, FailureKind


def test_a_status_that_proves_more_time_leads_back_to_trying() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.give(offer(TWO))
    play.now += 69.0
    play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)
    play.phase(ConfirmingEnd)
    play.give(play.status("CONNECTED"))
    assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE


def test_media_that_arrives_while_confirming_leaves_time_for_a_try() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.now += 3600.0
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)
    play.healthy(0.05)
    play.phase(Offering)


@pytest.mark.parametrize("given", [[], [offer(TWO)]])
def test_after_sleep_in_mid_attempt_the_status_is_polled_before_the_end(
    given: list[events.Event],
) -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION").give(*given)
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.wait(5.0)
    play.phase(ConfirmingEnd)
    assert play.shown.deadline_checking
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.expired_asleep) == (EndingKind.GAME_ENDED, True)


def test_sleep_while_the_end_is_being_confirmed_leaves_time_for_a_poll() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.now += 68.5
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)
    play.commands.clear()
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.last(commands.PollStatus)
    play.wait(5.0)
    play.phase(ConfirmingEnd)
    play.wait(60.0)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_a_client_that_is_too_late_still_reports_what_the_service_says() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.now += 3600.0
    play.give(events.WakeupDue()).wait(0.3)
    play.phase(ConfirmingEnd)
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.reason == "reconnectionTimeout"


def test_ending_the_game_terminates_the_session() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION").give(events.EndGameRequested())
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


# --- more of the confirmation ---------------------------------------------------------------------


def busy() -> Playbook:
    """Too long a Retry-After: one poll confirms it."""
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.THROTTLED, retry_after_s=1e6, detail="later")
    assert play.phase(ConfirmingEnd).fallback == Ending(EndingKind.BUSY, detail="later")
    play.commands.clear()
    return play


def too_late(timeout_s: float = 10.0) -> Playbook:
    play = Playbook(timeout_s=timeout_s).drop("PENDING_CLIENT_RECONNECTION")
    play.now += timeout_s + 58.5
    play.give(events.WakeupDue())
    assert play.phase(ConfirmingEnd).fallback.kind is EndingKind.UNCONFIRMED
    play.commands.clear()
    return play


def test_a_poll_that_fails_does_not_hide_the_reason_that_is_known() -> None:
    assert busy().poll_fails(FailureKind.NOT_SENT).phase(Ended).ending.kind is EndingKind.BUSY


def test_a_poll_that_finds_no_game_is_the_end_of_it() -> None:
    play = busy().poll_fails(FailureKind.NOT_FOUND, detail="unknown")
    assert play.phase(Ended).ending == Ending(EndingKind.NOT_FOUND, detail="unknown")


def test_a_poll_that_can_never_succeed_ends_the_confirmation() -> None:
    play = too_late().poll_fails(FailureKind.FORBIDDEN)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_ALLOWED


def test_until_the_latest_deadline_it_is_polled_again() -> None:
    play = too_late()
    play.poll_fails(FailureKind.NOT_SENT).expect(poll(after_s=0.5, budget_s=ANY))
    play.give(play.status("RECONNECTING"))
    play.expect(poll("RECONNECTING", ANY, ANY, after_s=0.5))
    play.phase(ConfirmingEnd)


def test_the_status_is_polled_at_once_over_a_new_network() -> None:
    too_late().give(events.NetworkFound()).expect(poll(budget_s=ANY))


def test_a_confirmation_without_an_answer_ends_with_its_fallback() -> None:
    play = busy().wait(20.0)
    assert play.phase(Ended).ending.kind is EndingKind.BUSY


def test_a_higher_attempt_number_while_confirming_means_another_client() -> None:
    play = busy()
    play.give(play.status("CONNECTED", attempt=9))
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE


def test_the_old_connection_is_heard_while_a_reason_is_confirmed() -> None:
    play = busy()
    play.healthy(0.05)
    play.phase(ConfirmingEnd)


def test_a_game_that_was_never_shown_could_not_connect() -> None:
    """A player who never saw a picture has lost nothing; one who rejoins may have."""
    play = Playbook(timeout_s=10.0).connecting()
    play.give(events.ConnectionFailed(ONE, "DTLS"))
    play.now += 100.0
    play.give(events.WakeupDue())
    play.phase(ConfirmingEnd)
    play.now += 100.0
    play.give(events.WakeupDue())
    assert play.phase(Ended).ending.kind is EndingKind.COULD_NOT_CONNECT


# --- terminating ----------------------------------------------------------------------------------

AWAY = [
    FailureKind.NOT_SENT,
    FailureKind.NOT_BACKEND,
    FailureKind.TLS,
    FailureKind.OUTCOME_UNKNOWN,
    FailureKind.THROTTLED,
    FailureKind.CONFLICT,
]
"""What says nothing against another call that ends the game."""


def terminating(play: Playbook | None = None) -> Playbook:
    play = (play or Playbook().live()).give(events.EndGameRequested())
    play.commands.clear()
    return play


def fails(play: Playbook, kind: FailureKind, *, retry_after_s: float | None = None) -> Playbook:
    return play.give(events.TerminateFailed(Failure(kind, retry_after_s=retry_after_s)))


def pause_s(play: Playbook) -> float:
    """The wait until the next call."""
    again_at = play.phase(TerminatingSession).again_at
    assert again_at is not None
    return again_at - play.now


def fails_again(play: Playbook, kind: FailureKind) -> Playbook:
    """The call that is in flight fails, and the next one starts when it is due."""
    fails(play, kind)
    return play.wait(pause_s(play))


def delayed(kind: FailureKind = FailureKind.NOT_SENT, play: Playbook | None = None) -> Playbook:
    """The first tries failed, and the player is told."""
    play = terminating(play)
    for _ in range(play.policy.terminate_tries - 1):
        fails_again(play, kind)
    assert play.shown.doing is Doing.TERMINATING
    fails(play, kind)
    play.commands.clear()
    return play


def test_a_termination_without_an_answer_is_tried_again() -> None:
    play = terminating().wait(9.0)
    assert pause_s(play) == 0.75
    play.wait(0.75).expect(commands.TerminateSession(SESSION, 8.0))
    assert play.phase(TerminatingSession).tries == 2


@pytest.mark.parametrize("kind", AWAY)
def test_a_game_is_ended_once_the_studio_answers_again(kind: FailureKind) -> None:
    """Nobody has to press anything, however long it was away."""
    play = terminating()
    for _ in range(10):
        fails_again(play, kind)
    play.expect(*[commands.TerminateSession(SESSION, 8.0)] * 10)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


def test_the_studio_is_asked_ever_more_rarely() -> None:
    play, pauses_s = terminating(), []
    for _ in range(7):
        fails(play, FailureKind.NOT_SENT)
        pauses_s.append(pause_s(play))
        play.wait(pauses_s[-1])
    assert pauses_s == [0.75, 1.5, 3.0, 6.0, 11.25, 11.25, 11.25]
    for drawn, bound_s in ((0.0, 7.5), (1.0, 15.0)):
        play.draw = partial(float, drawn)
        fails(play, FailureKind.NOT_SENT)
        assert pause_s(play) == bound_s
        play.wait(bound_s)


def test_the_card_says_that_it_goes_on_and_does_not_flicker() -> None:
    play = delayed()
    for _ in range(3):
        shown = play.shown
        assert (shown.stage, shown.doing) == (Stage.ENDING, Doing.WAITING_TO_RETRY)
        assert (shown.next_try_at, shown.can_try_now) == (play.now + pause_s(play), True)
        play.wait(pause_s(play))
        shown = play.shown
        assert (shown.stage, shown.doing) == (Stage.ENDING, Doing.WAITING_TO_RETRY)
        assert (shown.next_try_at, shown.can_try_now) == (None, False), "the call is in flight"
        fails(play, FailureKind.OUTCOME_UNKNOWN)


def test_a_studio_that_hangs_is_told_of_after_the_first_call() -> None:
    """Or there would be no button for half a minute."""
    play = terminating().wait(9.0)
    assert play.shown.doing is Doing.WAITING_TO_RETRY
    assert play.shown.can_try_now


@pytest.mark.parametrize("again", [events.TryNowRequested(), events.NetworkFound()])
def test_the_player_or_a_network_that_comes_back_need_not_wait(again: events.Event) -> None:
    delayed().give(again).expect(commands.TerminateSession(SESSION, 8.0))
    in_flight = terminating().give(again)
    in_flight.expect()
    assert in_flight.phase(TerminatingSession).tries == 1


def test_a_network_that_comes_and_goes_is_no_reason_to_call_each_time() -> None:
    play = delayed().give(events.NetworkFound())
    fails(play, FailureKind.NOT_SENT).expect(commands.TerminateSession(SESSION, 8.0))
    play.wait(1.0).give(events.NetworkFound()).expect()
    play.wait(4.0).give(events.NetworkFound()).expect(commands.TerminateSession(SESSION, 8.0))


@pytest.mark.parametrize("kind", [FailureKind.NOT_SENT, FailureKind.NOT_BACKEND])
def test_without_a_network_it_is_said_at_once_that_it_waits_for_one(kind: FailureKind) -> None:
    play = Playbook().live().give(events.NetworkLost())
    fails(terminating(play), kind)
    assert (play.shown.stage, play.shown.doing) == (Stage.ENDING, Doing.WAITING_FOR_NETWORK)
    assert play.shown.can_try_now
    play.wait(pause_s(play)).expect(commands.TerminateSession(SESSION, 8.0))
    fails(play, kind).give(events.NetworkFound()).expect(commands.TerminateSession(SESSION, 8.0))


def test_a_retry_after_is_waited_for_whatever_happens() -> None:
    play = fails(terminating(), FailureKind.THROTTLED, retry_after_s=30.0)
    assert pause_s(play) == 30.0
    play.wait(29.0).give(events.TryNowRequested(), events.NetworkFound()).expect()
    assert not play.shown.can_try_now
    play.wait(1.0).expect(commands.TerminateSession(SESSION, 8.0))


def test_a_retry_after_past_the_end_of_the_game_is_not_waited_for() -> None:
    play = fails(terminating(), FailureKind.THROTTLED, retry_after_s=1e6)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


@pytest.mark.parametrize("kind", AWAY)
def test_it_goes_on_until_the_game_is_surely_over(kind: FailureKind) -> None:
    """A window of 120 s, counted from when the player left, and 60 s for the service to notice."""
    play = terminating()
    began_at = play.now
    while play.is_in(TerminatingSession):
        last_at = play.now
        fails(play, kind)
        if play.is_in(TerminatingSession):
            play.wait(pause_s(play))
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED
    assert last_at == began_at + 180.0, "and is called once more at that moment"


def test_nor_any_longer_than_the_session_lasts() -> None:
    play = Playbook().live()
    play.give(play.status("CONNECTED", ends_in_s=40.0))
    began_at = play.now
    fails(terminating(play), FailureKind.NOT_SENT)
    assert play.phase(TerminatingSession).over_at == began_at + 40.0


def test_a_game_without_a_host_is_not_over_before_it_can_have_had_one() -> None:
    """ACTIVATING refuses to be ended, for as long as the placement takes."""
    play = Playbook().placing()
    began_at = play.now
    play.give(events.CloseForNowRequested())
    for _ in range(30):
        fails_again(play, FailureKind.CONFLICT)
    assert play.phase(TerminatingSession).over_at == began_at + 660.0 + 120.0 + 60.0
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_after_sleep_past_the_end_of_the_game_it_is_called_once_more() -> None:
    """The backend can say by then that the game is over, and this is how it is asked."""
    play = delayed()
    play.now += 3600.0
    play.give(events.Woke(3600.0), events.WakeupDue())
    play.expect(commands.TerminateSession(SESSION, 8.0))
    fails(play, FailureKind.NOT_FOUND)
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


def test_a_call_that_fails_late_is_not_counted_against_the_next() -> None:
    play = terminating().wait(9.0)
    before = play.phase(TerminatingSession)
    fails(play, FailureKind.FORBIDDEN).expect()
    assert play.phase(TerminatingSession) == before


def test_terminating_a_session_that_is_gone_succeeds() -> None:
    play = fails(terminating(), FailureKind.NOT_FOUND)
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


def test_a_termination_that_can_never_succeed_is_not_confirmed() -> None:
    failure = Failure(FailureKind.FORBIDDEN, detail="not yours")
    play = terminating().give(events.TerminateFailed(failure))
    assert play.phase(Ended).ending == Ending(EndingKind.UNCONFIRMED, detail="not yours")
    play = terminating().give(
        events.TerminateFailed(Failure(FailureKind.CONFLICT, retryable=False))
    )
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_refusals_are_counted_apart_from_calls_that_reached_nobody() -> None:
    """A sign-in that expired while the studio was away is refreshed, and not the end of it."""
    play = delayed()
    play.wait(pause_s(play))
    for _ in range(2):
        fails_again(play, FailureKind.UNAUTHENTICATED)
    assert len(play.all_of(commands.RefreshSignIn)) == 2
    fails(play, FailureKind.UNAUTHENTICATED)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_a_refused_sign_in_is_refreshed_before_the_next_termination() -> None:
    play = fails(terminating(), FailureKind.UNAUTHENTICATED).expect(commands.RefreshSignIn())
    play.wait(pause_s(play)).expect(commands.TerminateSession(SESSION, 8.0))


def bad_answer() -> Playbook:
    play = Playbook().connecting().give(events.AnswerRefused(ONE, "no fingerprint")).wait(0.3)
    return play.answers(play.requests()).give(events.AnswerRefused(TWO, "no fingerprint"))


def test_an_unusable_answer_stays_the_reason_when_the_session_cannot_be_terminated() -> None:
    play = fails(bad_answer(), FailureKind.FORBIDDEN)
    assert play.phase(Ended).ending == Ending(EndingKind.BAD_ANSWER, detail="no fingerprint")


def test_a_player_who_reads_why_is_not_kept_waiting_for_an_end_that_nobody_asked_for() -> None:
    play = bad_answer()
    for _ in range(play.policy.terminate_tries - 1):
        fails_again(play, FailureKind.NOT_SENT)
    fails(play, FailureKind.NOT_SENT)
    assert play.phase(Ended).ending.kind is EndingKind.BAD_ANSWER


def test_leaving_while_it_is_tried_again_claims_nothing() -> None:
    play = delayed().give(events.EndGameRequested()).expect()
    play.give(events.CloseForNowRequested())
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED
    play.expect_no(commands.DeleteTicket)


def test_a_status_may_say_that_it_has_worked_although_the_answer_was_lost() -> None:
    play = terminating().give(Playbook().status("TERMINATED", reason="apiTerminated"))
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER
    play = Playbook().placing().give(events.CloseForNowRequested())
    play.give(play.status("ERROR", reason="placementTimeout"))
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_a_game_that_ended_by_itself_meanwhile_says_so() -> None:
    play = delayed().give(Playbook().status("TERMINATED", reason="reconnectionTimeout"))
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")


def test_another_status_while_terminating_ends_nothing() -> None:
    play = terminating().give(Playbook().status("TERMINATING"))
    play.expect().phase(TerminatingSession)
    play.poll_fails(FailureKind.NOT_SENT).give(events.NetworkFound(), events.Woke(1.0))
    play.expect().phase(TerminatingSession)
