"""A status poll that failed: polled again, or the end."""

from __future__ import annotations

from helpers.playbook import ONE, Playbook, poll
from rejoin.core import commands, events
from rejoin.core.model import EndingKind, HardEvidence
from rejoin.core.phases import Ended, Goodbye, Live, Lost
from rejoin.core.retry import FailureKind


def test_a_failed_poll_is_repeated_after_a_pause() -> None:
    play = Playbook().drop()
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT)
    play.expect(poll(after_s=0.5))
    play.phase(Lost)


def test_a_retry_after_lengthens_the_pause() -> None:
    play = Playbook().drop()
    play.commands.clear()
    play.poll_fails(FailureKind.THROTTLED, retry_after_s=3.0)
    play.expect(poll(after_s=3.0))


def test_a_refused_sign_in_is_refreshed_and_the_second_in_a_row_ends() -> None:
    play = Playbook().drop()
    play.commands.clear()
    play.poll_fails(FailureKind.UNAUTHENTICATED)
    play.expect(commands.RefreshSignIn(), poll(after_s=0.5))
    play.poll_fails(FailureKind.UNAUTHENTICATED, detail="expired")
    ending = play.phase(Ended).ending
    assert (ending.kind, ending.detail) == (EndingKind.SIGN_IN_NEEDED, "expired")


def test_a_status_between_two_refused_sign_ins_is_a_new_start() -> None:
    play = Playbook().drop()
    play.poll_fails(FailureKind.UNAUTHENTICATED).give(play.status("CONNECTED"))
    play.poll_fails(FailureKind.UNAUTHENTICATED)
    play.phase(Lost)


def test_a_poll_that_can_never_succeed_ends_the_episode() -> None:
    play = Playbook().drop().poll_fails(FailureKind.FORBIDDEN)
    assert play.phase(Ended).ending.kind is EndingKind.NOT_ALLOWED
    assert play.saved().attempt == 1, "the game may still be running"


def test_while_live_a_failed_poll_ends_nothing() -> None:
    """The player plays; the status is polled again only while something looks wrong."""
    play = Playbook().live().poll_fails(FailureKind.FORBIDDEN)
    play.expect()
    play.silence(0.5)
    play.commands.clear()
    play.poll_fails(FailureKind.FORBIDDEN)
    play.expect(poll(after_s=0.5))
    play.phase(Live)


def test_during_a_goodbye_a_failed_poll_is_of_no_interest() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.5)
    play.phase(Goodbye)
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT)
    play.expect()
    play.phase(Goodbye)
