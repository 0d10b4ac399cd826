"""Live: what counts as a drop, and what does not."""

from __future__ import annotations

import pytest

from helpers.playbook import ONE, TWO, Playbook, poll
from rejoin.core import commands, events
from rejoin.core.model import EndingKind, HardEvidence, HealthLevel, Trouble
from rejoin.core.phases import Ended, Goodbye, Live, Lost, Offering


def test_a_moment_of_silence_changes_nothing() -> None:
    play = Playbook().live().silence(0.25).healthy(0.5)
    play.phase(Live)
    play.expect()


def test_a_stall_starts_checks_and_its_end_stops_them() -> None:
    play = Playbook().live().silence(0.5)
    assert play.health(HealthLevel.STALLED)
    play.expect(commands.StartChecks(ONE), poll())
    play.healthy(4.5)
    assert play.health(HealthLevel.HEALTHY)
    play.expect(commands.StopChecks(ONE))


def test_silence_is_lost_after_about_nine_tenths_of_a_second() -> None:
    play = Playbook().live().silence(0.85)
    play.phase(Live)
    play.silence(0.0).wait(0.0)
    play = Playbook().live().silence(0.95)
    play.phase(Lost)
    play.expect(commands.StartChecks(ONE), poll(), commands.SuspendInput(ONE), commands.Mute(ONE))


def test_a_stall_that_the_service_has_noticed_is_committed_at_once() -> None:
    play = Playbook().live().silence(0.4)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)  # corroborated: no reason to wait for more silence
    play.expect_no(commands.SayGoodbye)


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


def test_an_unreachable_network_is_a_hint_and_no_proof() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE))
    play.phase(Live)
    play.expect(commands.StartChecks(ONE), poll())


def test_a_host_that_sends_no_media_gets_five_seconds_and_then_a_goodbye() -> None:
    play = Playbook().live().no_media(4.0)
    play.phase(Live)
    assert play.shown.health is HealthLevel.NO_MEDIA
    play.last(commands.RequestKeyFrame)
    play.give(play.status("CONNECTED")).no_media(3.0)
    assert play.last(commands.SayGoodbye).connection == ONE


def test_a_late_wakeup_of_our_own_loop_is_no_drop() -> None:
    play = Playbook().live()
    play.now += 1.2
    play.give(events.WakeupDue())
    play.phase(Live)


def test_a_network_change_while_live_starts_checks_at_once() -> None:
    play = Playbook().live().give(events.NetworkFound())
    play.expect(commands.StartChecks(ONE), poll())
    play.healthy(4.0)
    assert play.health(HealthLevel.HEALTHY)


def test_sleeping_past_the_window_is_reported_as_such() -> None:
    play = Playbook(timeout_s=10.0).live()
    play.now += 3600.0
    play.give(events.Woke(3600.0))
    play.phase(Lost)
    assert play.shown.deadline_checking
    play.give(play.status("TERMINATED", reason="reconnectionTimeout"))
    assert play.phase(Ended).ending.expired_asleep


def test_closing_for_now_does_not_end_the_game() -> None:
    play = Playbook().live().give(events.CloseForNowRequested())
    assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
    play.expect_no(commands.TerminateSession)
    assert play.last(commands.CloseConnection).connection == ONE


def test_while_live_the_ticket_is_saved_again_every_fifteen_seconds() -> None:
    play = Playbook().live()
    since_at = play.now
    play.tickets.clear()
    play.healthy(4 * play.policy.ticket_every_s + 1.0)
    assert len(play.tickets) == 4
    proved_at = play.saved().proved_at
    assert proved_at is not None
    assert play.now - proved_at <= play.policy.ticket_every_s + play.policy.sample_every_s
    assert proved_at > since_at


def test_a_connection_that_breaks_is_dropped() -> None:
    play = Playbook().live().give(events.ConnectionFailed(ONE, "DTLS"))
    assert play.phase(Lost).episode.cause is HardEvidence.DTLS_CLOSED


def test_while_checks_run_the_status_is_watched() -> None:
    play = Playbook().live().silence(0.5)
    play.commands.clear()
    play.give(play.status("CONNECTED"))
    play.expect(poll("CONNECTED", 8.0))
    play.give(play.status("CONNECTED"))
    play.expect(poll("CONNECTED", 8.0, after_s=0.5))


def test_a_healthy_connection_is_not_watched() -> None:
    play = Playbook().live()
    play.give(play.status("CONNECTED")).expect()


def test_a_pending_from_before_the_connection_was_live_does_not_count() -> None:
    play = Playbook().live()
    view = play.view("PENDING_CLIENT_RECONNECTION")
    play.give(events.StatusArrived(play.phase(Live).since_at - 0.1, view))
    play.phase(Live)


def test_a_pending_while_everything_looks_fine_is_a_drop() -> None:
    play = Playbook().live()
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)
    assert play.commands[:3] == [
        commands.StartChecks(ONE),
        commands.SuspendInput(ONE),
        commands.Mute(ONE),
    ]


def test_a_short_sleep_is_a_hint_and_a_long_one_a_drop() -> None:
    play = Playbook().live().give(events.Woke(1.0))
    play.phase(Live)
    play.expect(commands.StartChecks(ONE), poll())
    play = Playbook().live().give(events.Woke(5.1))
    play.phase(Lost)


def test_before_the_first_sample_a_hint_starts_checks_all_the_same() -> None:
    play = Playbook().connecting().connects(ONE)
    play.commands.clear()
    play.wait(1.0)  # judged without a sample: nothing to judge
    play.expect()
    play.give(events.NetworkFound())
    play.expect(commands.StartChecks(ONE), poll())
    play.give(events.NetworkLost())
    play.expect()


def trouble(play: Playbook) -> Trouble | None:
    return play.shown.trouble


def offers_reconnect(play: Playbook) -> bool:
    return play.shown.can_reconnect


# --- the other direction --------------------------------------------------------------------------


def test_a_dead_uplink_is_checked_and_told_after_three_seconds_and_lost_after_five() -> None:
    play = Playbook().live()
    play.dead_uplink(2.9).expect()
    assert trouble(play) is None
    play.dead_uplink(0.2).expect(commands.StartChecks(ONE), poll())
    assert trouble(play) is Trouble.UPLINK
    assert play.shown.trouble_since_at == pytest.approx(play.now - 3.0, abs=0.11)
    play.dead_uplink(1.8).phase(Live)
    play.dead_uplink(0.2).phase(Lost)
    play.expect(commands.SuspendInput(ONE), commands.Mute(ONE))


def test_what_the_system_refuses_to_send_is_lost_at_once_when_that_lasts() -> None:
    play = Playbook().live()
    play.dead_uplink(0.8, refused=True).phase(Live)
    play.dead_uplink(0.15, refused=True).phase(Lost)


@pytest.mark.parametrize("detail", ["ECONNREFUSED", "EHOSTUNREACH"])
def test_what_anybody_can_forge_is_at_most_a_reason_to_ask(detail: str) -> None:
    play = Playbook().live()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE, detail))
    play.expect(commands.StartChecks(ONE), poll())
    assert play.health(HealthLevel.STALLED)
    for _ in range(100):
        play.give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE, detail)).healthy(0.1)
    play.phase(Live)


def test_a_dead_uplink_that_nobody_confirms_is_given_up_five_seconds_later() -> None:
    play = Playbook().live()
    play.dead_uplink(5.1).give(play.status("CONNECTED"))
    play.dead_uplink(4.8).phase(Lost)
    play.dead_uplink(0.3).phase(Goodbye)


# --- a picture that stands still ------------------------------------------------------------------


def test_a_frozen_picture_is_told_after_two_seconds_and_a_key_frame_requested() -> None:
    play = Playbook().live()
    play.frozen(1.9, 1.0).expect()
    play.frozen(0.2, 1.0).expect(commands.RequestKeyFrame(ONE))
    assert trouble(play) is Trouble.PICTURE_LOST
    play.frozen(2.8, 1.0)
    assert not offers_reconnect(play)
    play.frozen(0.2, 1.0)
    assert offers_reconnect(play)
    play.expect()


def test_after_ten_seconds_what_was_sent_and_lost_is_reconnected() -> None:
    play = Playbook().live()
    play.frozen(9.9, 1.0).phase(Live)
    play.commands.clear()
    play.frozen(0.2, 1.0).phase(Lost)
    play.expect(commands.StartChecks(ONE), poll(), commands.SuspendInput(ONE), commands.Mute(ONE))
    play.give(play.status("CONNECTED")).wait(0.5)
    play.phase(Goodbye)


def test_a_picture_that_is_not_sent_is_reconnected_only_if_the_player_wants_it() -> None:
    play = Playbook().live()
    play.frozen(120.0, 0.0).phase(Live)
    assert play.shown.trouble is Trouble.PICTURE_STOPPED
    assert play.shown.can_reconnect
    play.give(events.ReconnectRequested()).phase(Goodbye)
    assert play.shown.cause is HardEvidence.PLAYER_ASKED


def test_a_reconnect_that_is_not_offered_is_not_made() -> None:
    play = Playbook().live()
    play.frozen(4.0, 1.0).give(events.ReconnectRequested()).phase(Live)
    play.healthy(0.1).give(events.ReconnectRequested()).phase(Live)
    assert play.state.facts.stale_events == 2


def frozen_again(moved_s: float) -> Playbook:
    """A reconnect because of a frozen picture, then a picture for a while, then none again."""
    play = Playbook().live().frozen(10.1, 1.0)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.answers(play.requests()).connects(TWO)
    play.healthy(moved_s, TWO)
    return play.frozen(10.1, 1.0, TWO)


def test_a_freeze_is_reconnected_once_and_then_offered_only() -> None:
    play = frozen_again(5.0)
    play.phase(Live)
    assert play.shown.can_reconnect
    frozen_again(11.0).phase(Lost)
