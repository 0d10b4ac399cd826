"""ConfirmingEnd and TerminatingSession: how a game ends."""

from __future__ import annotations

import pytest

from helpers.playbook import ANY, ONE, SESSION, TWO, Playbook, offer, poll
from rejoin.core import commands, events
from rejoin.core.model import Ending, EndingKind
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


def test_an_end_that_is_not_confirmed_is_reported_as_such() -> None:
    play = Playbook().live().give(events.EndGameRequested())
    for _ in range(play.policy.terminate_tries):
        play.give(events.TerminateFailed(Failure(FailureKind.OUTCOME_UNKNOWN))).wait(1.0)
    assert len(play.all_of(commands.TerminateSession)) == play.policy.terminate_tries
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


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


def terminating() -> Playbook:
    play = Playbook().live().give(events.EndGameRequested())
    play.commands.clear()
    return play


def test_a_termination_without_an_answer_is_tried_again() -> None:
    play = terminating().wait(9.0)
    assert play.phase(TerminatingSession).again_at == play.now + 0.5
    play.wait(0.5).expect(commands.TerminateSession(SESSION, 8.0))
    assert play.phase(TerminatingSession).tries == 2


def test_terminating_a_session_that_is_gone_succeeds() -> None:
    play = terminating().give(events.TerminateFailed(Failure(FailureKind.NOT_FOUND)))
    assert play.phase(Ended).ending.kind is EndingKind.ENDED_BY_PLAYER


def test_a_termination_that_can_never_succeed_is_not_confirmed() -> None:
    failure = Failure(FailureKind.FORBIDDEN, detail="not yours")
    play = terminating().give(events.TerminateFailed(failure))
    assert play.phase(Ended).ending == Ending(EndingKind.UNCONFIRMED, detail="not yours")
    play = terminating().give(
        events.TerminateFailed(Failure(FailureKind.CONFLICT, retryable=False))
    )
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


def test_a_refused_sign_in_is_refreshed_before_the_next_termination() -> None:
    play = terminating().give(events.TerminateFailed(Failure(FailureKind.UNAUTHENTICATED)))
    play.expect(commands.RefreshSignIn())
    play.wait(0.5).expect(commands.TerminateSession(SESSION, 8.0))


def test_an_unusable_answer_stays_the_reason_when_the_session_cannot_be_terminated() -> None:
    play = Playbook().connecting().give(events.AnswerRefused(ONE, "no fingerprint")).wait(0.3)
    play.answers(play.requests()).give(events.AnswerRefused(TWO, "no fingerprint"))
    play.give(events.TerminateFailed(Failure(FailureKind.FORBIDDEN)))
    assert play.phase(Ended).ending == Ending(EndingKind.BAD_ANSWER, detail="no fingerprint")


def test_a_status_while_terminating_ends_nothing() -> None:
    play = terminating().give(Playbook().status("TERMINATED"))
    play.expect().phase(TerminatingSession)
    play.poll_fails(FailureKind.NOT_SENT).give(events.NetworkFound(), events.Woke(1.0))
    play.expect().phase(TerminatingSession)
