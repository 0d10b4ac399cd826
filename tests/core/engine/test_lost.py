"""Lost and Goodbye: when a drop is committed."""

from __future__ import annotations

import pytest

from helpers.playbook import ONE, Playbook, poll, sample_backend
from rejoin.core import commands, events
from rejoin.core.model import Doing, EndingKind, HardEvidence
from rejoin.core.phases import AwaitingService, ConfirmingEnd, Goodbye, Live, Lost, Offering
from rejoin.core.retry import Action, FailureKind


def test_an_uncorroborated_drop_is_committed_after_five_seconds_with_a_goodbye() -> None:
    play = Playbook().drop("CONNECTED").silence(3.8)
    play.phase(Lost)
    play.silence(0.15)
    play.phase(Goodbye)
    assert play.last(commands.SayGoodbye).times == play.policy.goodbye_times
    play.give(events.GoodbyeSaid(ONE))
    assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE, (
        "the service still says CONNECTED"
    )
    assert play.shown.doing is Doing.WAITING_FOR_SERVICE
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


NOT_REACHED = [FailureKind.NOT_SENT, FailureKind.NOT_BACKEND, FailureKind.TLS]


def without_backend(kind: FailureKind, for_s: float) -> Playbook:
    """A drop, while every poll fails like this."""
    play = Playbook().drop("CONNECTED")
    for _ in range(round(for_s)):
        play.poll_fails(kind).silence(1.0)
    return play


@pytest.mark.parametrize("kind", NOT_REACHED)
def test_while_no_call_reaches_the_backend_the_old_connection_may_still_heal(
    kind: FailureKind,
) -> None:
    """A goodbye would give up a game that nothing but this connection can save."""
    play = without_backend(kind, 20.0)
    play.phase(Lost)
    play.expect_no(commands.SayGoodbye)
    play.healthy(0.2).phase(Live)


@pytest.mark.parametrize("kind", NOT_REACHED)
def test_once_the_backend_answers_a_long_silence_is_enough(kind: FailureKind) -> None:
    play = without_backend(kind, 20.0)
    play.give(play.status("CONNECTED")).phase(Goodbye)
    play = without_backend(kind, 20.0)
    play.give(play.status("PENDING_CLIENT_RECONNECTION")).phase(Offering)


def test_a_backend_that_answers_badly_is_no_reason_to_wait() -> None:
    play = Playbook().drop("CONNECTED").poll_fails(FailureKind.OUTCOME_UNKNOWN).silence(4.2)
    assert play.last(commands.SayGoodbye).connection == ONE


def test_without_a_network_the_old_connection_may_still_heal() -> None:
    play = Playbook().drop("CONNECTED").give(events.NetworkLost()).silence(20.0)
    play.phase(Lost)
    play.commands.clear()
    play.give(events.NetworkFound())
    play.expect(poll())
    play.silence(0.5).phase(Lost)
    play.healthy(0.2).phase(Live)


def test_a_drop_that_is_certain_is_committed_without_a_backend() -> None:
    play = without_backend(FailureKind.NOT_SENT, 2.0)
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.6)
    assert play.last(commands.SayGoodbye).connection == ONE


def test_a_backend_that_stays_away_ends_the_wait_at_the_last_moment_for_a_try() -> None:
    play = without_backend(FailureKind.NOT_SENT, 8.0)
    play.phase(Lost)
    play.wait(200.0)
    assert not play.is_in(Lost)


def test_a_goodbye_that_is_never_reported_is_waited_for_only_a_moment() -> None:
    play = Playbook().drop("CONNECTED").silence(3.95)
    play.phase(Goodbye)
    play.wait(1.0)
    play.phase(AwaitingService)


@pytest.mark.parametrize("status", [None, "CONNECTED"])
def test_an_impatient_player_makes_us_ask_and_check_but_say_no_goodbye(status: str | None) -> None:
    play = Playbook().drop(status) if status else Playbook().drop()
    assert play.shown.can_try_now
    play.commands.clear()
    for _ in range(5):
        play.give(events.TryNowRequested())
        play.phase(Lost)
    assert play.all_of(commands.StartChecks) == [commands.StartChecks(ONE)] * 5
    assert len(play.all_of(commands.PollStatus)) == 5
    play.expect_no(commands.SayGoodbye)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    play.phase(Offering)


def test_without_a_status_an_impatient_player_says_no_goodbye_either() -> None:
    play = sample_backend().live().silence(1.2)
    play.give(events.TryNowRequested())
    play.phase(Lost)
    play.expect_no(commands.SayGoodbye)


def test_a_player_need_not_wait_for_a_drop_that_is_certain() -> None:
    play = Playbook().drop().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.phase(Lost)
    play.give(events.TryNowRequested())
    play.phase(Goodbye)


def test_a_drop_that_becomes_certain_cannot_heal_and_is_committed_soon() -> None:
    play = Playbook().drop()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.ADDRESS_GONE))
    play.healthy(0.2)
    play.phase(Lost)
    play.expect_no(commands.SayGoodbye)
    play.wait(0.5)
    assert play.last(commands.SayGoodbye).connection == ONE


def test_a_hint_while_lost_changes_nothing() -> None:
    play = Playbook().drop()
    before = play.state.phase
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.UNREACHABLE))
    assert play.state.phase == before


def test_without_a_status_nothing_is_polled_and_five_seconds_of_silence_commit() -> None:
    play = sample_backend().live().silence(1.2)
    play.phase(Lost)
    play.expect_no(commands.PollStatus)
    play.silence(4.0)
    play.give(events.GoodbyeSaid(ONE))
    play.phase(Offering)


def test_without_a_status_a_closed_connection_is_committed_at_once() -> None:
    play = sample_backend().live()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.phase(Goodbye)


def test_goodbye_ends_early_when_the_service_releases_the_old_connection() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.5)
    play.phase(Goodbye)
    play.give(play.status("CONNECTED")).phase(Goodbye)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.phase(Offering).episode.service_released_at == play.now


def test_samples_during_a_goodbye_prove_time_and_do_not_heal() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.5)
    proved_at = play.state.facts.window.proved_at
    play.healthy(0.05)
    play.phase(Goodbye)
    assert play.state.facts.window.proved_at == play.now
    assert proved_at is not None
    assert proved_at < play.now


def test_sleep_and_a_new_network_poll_the_status() -> None:
    for event in (events.Woke(9.0), events.NetworkFound()):
        play = Playbook().drop()
        play.commands.clear()
        play.give(event).expect(poll())
        play.phase(Lost)


def test_machine_events_do_not_disturb_a_goodbye() -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).wait(0.5)
    play.commands.clear()
    play.give(events.NetworkFound(), events.Woke(0.1)).expect()
    play.phase(Goodbye)


def test_a_goodbye_too_late_for_an_offer_confirms_the_end() -> None:
    play = Playbook(timeout_s=10.0).drop()
    play.now += 100.0
    play.give(events.TryNowRequested())
    play.phase(Goodbye)
    play.give(events.GoodbyeSaid(ONE))
    assert play.phase(ConfirmingEnd).fallback.kind is EndingKind.UNCONFIRMED
