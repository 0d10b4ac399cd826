"""From an applied answer to live, or to another offer."""

from __future__ import annotations

import pytest

from helpers.playbook import ONE, SESSION, THREE, TWO, Playbook, poll, save_ticket
from rejoin.core import commands, events
from rejoin.core.model import Ending, EndingKind, HardEvidence, NoInput, Policy, Stage
from rejoin.core.phases import Backoff, ConfirmingEnd, Connecting, Ended, Live, Offering
from rejoin.core.retry import FailureKind


def test_a_picture_without_an_input_channel_is_shown_view_only_after_a_while() -> None:
    play = Playbook().connecting()
    play.give(events.ConnectionOpened(ONE), events.FirstFrameDecoded(ONE)).wait(6)
    play.phase(Live)
    assert play.shown.view_only is NoInput.NO_CHANNEL


@pytest.mark.parametrize("frame_first", [False, True])
def test_without_an_input_channel_the_first_frame_is_live_and_view_only(frame_first: bool) -> None:
    play = Playbook().connecting()
    play.give(events.ConnectionOpened(ONE))
    known = [events.InputUnavailable(ONE), events.FirstFrameDecoded(ONE)]
    play.give(*(reversed(known) if frame_first else known))
    play.phase(Live)
    assert play.shown.view_only
    assert not play.shown.input_open
    play.give(events.InputOpened(ONE), events.InputModuleKnown(ONE, None))
    assert play.shown.input_open, "the host started an association of its own later"


def test_that_another_connection_has_no_input_channel_changes_nothing() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.give(events.InputUnavailable(ONE), events.FirstFrameDecoded(TWO))
    play.phase(Connecting)
    play.give(events.InputOpened(TWO))
    play.phase(Live)
    play.give(events.InputUnavailable(TWO))
    play.phase(Live)


def test_a_first_connection_that_fails_becomes_a_reconnect_of_the_same_game() -> None:
    play = Playbook().connecting()
    play.give(events.ConnectionFailed(ONE, "no answer")).wait(1)
    play.phase(Offering)
    assert play.last(commands.MakeOffer).connection == TWO


def test_from_the_answer_to_live_again() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.commands.clear()
    play.answers(request)
    play.expect(commands.ApplyAnswer(TWO, "answer"), poll(wait_s=8.0, after_s=0.1))
    answered_at = play.now
    play.give(play.status("ACTIVE"), events.ConnectionOpened(TWO), events.InputOpened(TWO))
    play.expect(commands.RequestKeyFrame(TWO))
    play.phase(Connecting)  # ICE connected is not live again
    play.give(events.FirstFrameDecoded(TWO))
    play.expect(
        commands.CloseConnection(ONE),
        commands.ShowConnection(TWO),
        commands.AttachInput(TWO),
        save_ticket(2, proved_at=answered_at),
    )
    assert play.phase(Live).connection == TWO
    assert play.shown.back_at == play.now


def test_the_old_connection_stays_open_until_the_new_one_has_a_frame() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.answers(request).give(events.ConnectionOpened(TWO))
    play.expect_no(commands.CloseConnection)


def test_an_unusable_answer_at_the_start_gets_one_fresh_offer_then_terminates() -> None:
    play = Playbook().connecting()
    play.give(events.AnswerRefused(ONE, "no fingerprint")).wait(0.3)
    play.expect_no(commands.TerminateSession)
    assert play.shown.stage is Stage.STARTING
    play.answers(play.requests()).give(events.AnswerRefused(TWO, "no fingerprint"))
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.BAD_ANSWER


def test_a_second_video_that_cannot_be_played_at_the_start_terminates_the_session() -> None:
    play = Playbook().connecting()
    play.give(events.ConnectionOpened(ONE), events.VideoRefused(ONE, "interlaced video")).wait(0.3)
    play.answers(play.requests()).give(events.VideoRefused(TWO, "interlaced video"))
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    ending = Ending(EndingKind.UNSUPPORTED_VIDEO, detail="interlaced video")
    assert play.phase(Ended).ending == ending


def test_video_that_cannot_be_played_is_asked_for_once_more_in_an_episode() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests()).give(events.VideoRefused(TWO, "interlaced video"))
    play.phase(Backoff)
    play.wait(1.0)
    play.answers(play.requests()).give(events.VideoRefused(THREE, "interlaced video"))
    ending = Ending(EndingKind.UNSUPPORTED_VIDEO, detail="interlaced video")
    assert play.phase(Ended).ending == ending
    assert play.tickets[-1] == commands.DeleteTicket(SESSION)


def test_an_answer_that_does_not_connect_gets_a_new_offer() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.commands.clear()
    play.wait(7)
    assert play.all_of(commands.CloseConnection)[0].connection == TWO
    assert play.all_of(commands.MakeOffer)[0].connection == THREE


def test_an_answer_alone_is_no_reason_to_forget_what_failed_before_it() -> None:
    """Three refused calls, then an answer whose connection never comes."""
    play = Playbook(Policy(forwards_token=False)).drop("PENDING_CLIENT_RECONNECTION")
    play.draw = lambda: 0.999
    for _ in range(3):
        play.refuses(play.requests(), FailureKind.NOT_SENT)
        play.wait(5.0)
    play.answers(play.requests())
    play.wait(play.phase(Connecting).until_at - play.now)
    waited_s = play.phase(Backoff).until_at - play.now
    assert waited_s == pytest.approx(0.999 * 0.25 * 2**3), "as after a fourth failure"


def test_connecting_from_an_address_that_is_gone_ends_early_and_from_another_goes_on() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests()).give(events.NetworkFound())
    assert play.phase(Connecting).connection == TWO
    play.commands.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(1.0)
    assert play.last(commands.MakeOffer).connection == THREE


def test_an_unusable_answer_is_replaced_once_and_the_second_ends_the_game() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests()).give(events.AnswerRefused(TWO, "no fingerprint"))
    play.phase(Backoff)
    assert play.all_of(commands.CloseConnection) == [commands.CloseConnection(TWO)]
    play.wait(1.0)
    play.answers(play.requests()).give(events.AnswerRefused(THREE, "no fingerprint"))
    assert play.phase(Ended).ending == Ending(EndingKind.BAD_ANSWER, detail="no fingerprint")
    assert play.tickets[-1] == commands.DeleteTicket(SESSION)


def test_leaving_before_the_first_picture_ends_the_game_at_the_service() -> None:
    play = Playbook().connecting()
    play.commands.clear()
    play.give(events.CloseForNowRequested())
    play.expect(commands.CloseConnection(ONE), commands.TerminateSession(SESSION, 8.0))
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


def test_the_first_connection_polls_no_status_and_a_later_one_does() -> None:
    play = Playbook().connecting()
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT).expect()
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.commands.clear()
    play.poll_fails(FailureKind.NOT_SENT).expect(poll(after_s=0.5))


def test_a_service_that_is_still_reconnecting_is_watched() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.commands.clear()
    play.give(play.status("RECONNECTING"))
    play.expect(poll("RECONNECTING", 8.0))


def test_the_round_trip_of_the_new_connection_counts_and_the_old_one_does_not_heal() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.rtt_s = 0.3
    play.healthy(0.05)
    assert play.state.facts.sample is not None
    assert play.state.facts.sample.rtt_s == 0.04
    play.healthy(0.05, TWO)
    assert play.state.facts.sample.rtt_s == 0.3
    assert play.phase(Connecting).connection == TWO


def test_a_connection_that_fails_too_late_for_another_confirms_the_end() -> None:
    play = Playbook(timeout_s=10.0).drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.now += 100.0
    play.give(events.ConnectionFailed(TWO, "DTLS"))
    assert play.phase(ConfirmingEnd).fallback.kind is EndingKind.UNCONFIRMED
