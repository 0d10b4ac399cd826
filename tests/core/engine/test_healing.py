"""When the old connection is live again, and when it cannot be."""

from __future__ import annotations

from helpers.playbook import ONE, TWO, Playbook, poll
from rejoin.core import commands, events
from rejoin.core.model import HardEvidence
from rejoin.core.phases import AwaitingService, Live, Lost, Offering, Requesting
from rejoin.core.retry import FailureKind


def test_a_lost_connection_heals_and_is_live_as_before() -> None:
    play = Playbook().drop("CONNECTED")
    play.commands.clear()
    play.healthy(0.2)
    assert play.phase(Live).connection == ONE
    play.expect(
        commands.StopChecks(ONE),
        commands.Unmute(ONE),
        commands.RequestKeyFrame(ONE),
        commands.AttachInput(ONE),
        poll(),
    )
    assert play.shown.back_at is not None


def test_a_closed_connection_does_not_heal_when_packets_still_arrive() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.healthy(0.3)
    play.phase(Lost)


def test_after_goodbye_the_old_connection_cannot_heal() -> None:
    play = Playbook().drop("CONNECTED").silence(4.2).give(events.GoodbyeSaid(ONE))
    play.healthy(1.0)
    play.phase(AwaitingService)


def test_a_connection_that_the_service_released_cannot_heal() -> None:
    """Its window runs: a picture that returned would be lost again when the window ends."""
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.phase(Offering)
    play.healthy(0.2)
    play.phase(Offering)


def test_a_healed_connection_is_dropped_again_if_the_service_says_pending() -> None:
    play = Playbook().drop("CONNECTED").healthy(0.2)
    play.phase(Live)
    play.wait(0.1).give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


def test_an_accepted_offer_that_did_not_connect_forbids_healing() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests()).give(events.ConnectionFailed(TWO, "DTLS"))
    play.healthy(0.3)
    assert not play.is_in(Live)


def test_healing_cannot_cancel_a_request_in_flight() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.healthy(0.3)
    play.phase(Requesting)
    play.answers(request).connects(TWO)
    assert play.phase(Live).connection == TWO


def test_healing_is_possible_again_once_the_service_refused() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    request = play.requests()
    play.refuses(request, FailureKind.CONFLICT, status="CONNECTED")
    play.phase(AwaitingService)
    play.healthy(0.3)
    assert play.phase(Live).connection == ONE


def test_an_offer_of_unknown_outcome_forbids_healing() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.OUTCOME_UNKNOWN)
    play.healthy(0.3)
    assert not play.is_in(Live)


def test_a_higher_number_does_not_stop_a_connection_from_healing() -> None:
    play = Playbook().drop()
    play.give(play.status("CONNECTED", attempt=2)).silence(1.0)
    play.phase(Lost)
    play.healthy(0.3)
    play.phase(Live)


def test_with_the_first_rtp_a_lost_connection_asks_for_the_frame_that_it_needs() -> None:
    """A muted connection cannot ask: without this the picture stood still for a second more."""
    play = Playbook().drop("CONNECTED")
    play.commands.clear()
    frame_at = play.now - 1.0
    play._samples(0.05, ONE, lambda: (play.now, play.now, frame_at))
    play.phase(Lost)
    play.expect(commands.Unmute(ONE), commands.RequestKeyFrame(ONE))
    play._samples(0.1, ONE, lambda: (play.now, play.now, frame_at))
    play.expect()
    play.healthy(0.05)
    assert play.phase(Live).connection == ONE
    play.expect(commands.StopChecks(ONE), commands.AttachInput(ONE), poll())


def test_if_the_rtp_stops_again_it_is_muted_again() -> None:
    play = Playbook().drop("CONNECTED")
    frame_at = play.now - 1.0
    play._samples(0.05, ONE, lambda: (play.now, play.now, frame_at))
    play.commands.clear()
    play.silence(0.5)
    assert play.commands.count(commands.Mute(ONE)) == 1
    play.expect_no(commands.Unmute)


def test_a_connection_that_cannot_heal_does_not_ask() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.commands.clear()
    frame_at = play.now - 1.0
    play._samples(0.2, ONE, lambda: (play.now, play.now, frame_at))
    play.expect_no(commands.Unmute)
    play.expect_no(commands.RequestKeyFrame)


def test_a_lost_uplink_heals_by_an_answered_check_alone() -> None:
    play = Playbook().live()
    play.dead_uplink(5.1).phase(Lost)
    play.commands.clear()
    play.dead_uplink(1.0).phase(Lost)
    play.expect_no(commands.Unmute)
    play.answered()
    assert play.phase(Live).connection == ONE
    play.expect(
        commands.StopChecks(ONE),
        commands.Unmute(ONE),
        commands.RequestKeyFrame(ONE),
        commands.AttachInput(ONE),
        poll(),
    )


def test_after_a_healing_the_connection_is_not_called_unstable() -> None:
    play = Playbook().drop("CONNECTED").healthy(0.05, loss=0.4)
    for _ in range(59):
        play.healthy(0.05, loss=0.4)
        assert play.shown.trouble_since_at is None
        assert play.shown.trouble is None
