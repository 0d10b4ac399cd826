"""The detector's table, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core import health
from rejoin.core.health import Health
from rejoin.core.model import ConnectionSample, HealthLevel, Policy, Trouble

POLICY = Policy()
EVERY_S = POLICY.sample_every_s


def sample(
    now: float,
    *,
    packet_ago: float = 0.0,
    rtp_ago: float | None = None,
    frame_ago: float | None = None,
    loss: float = 0.0,
    rtt_s: float | None = 0.04,
    lag_s: float = 0.0,
    gap_s: float = 0.0,
    **seen: float | None,
) -> ConnectionSample:
    rtp_ago = packet_ago if rtp_ago is None else rtp_ago
    return ConnectionSample(
        last_packet_at=now - packet_ago,
        last_rtp_at=now - rtp_ago,
        last_frame_at=now - (rtp_ago if frame_ago is None else frame_ago),
        frames_decoded=1,
        frame_interval_s=1 / 60,
        rtt_s=rtt_s,
        loss=loss,
        loop_lag_s=lag_s,
        largest_gap_s=gap_s,
        **seen,
    )


class Patient:
    """One connection under test; time advances by 50 ms with every sample."""

    def __init__(self) -> None:
        self.now = 10.0
        self.health: Health = health.healthy(self.now)

    def sample(self, **seen: float | None) -> HealthLevel:
        self.now += EVERY_S
        given = sample(self.now, **seen)  # type: ignore[arg-type]
        self.health = health.assess(self.health, given, self.now, POLICY)
        return self.health.level

    def fine(self, for_s: float) -> HealthLevel:
        for _ in range(round(for_s / EVERY_S)):
            self.sample()
        return self.health.level

    def silent(self, for_s: float, *, answering: bool = False) -> list[HealthLevel]:
        """Levels seen while nothing comes (or only answers to checks do)."""
        began_at = self.now
        seen = []
        for _ in range(round(for_s / EVERY_S)):
            ago = self.now + EVERY_S - began_at
            seen.append(self.sample(packet_ago=0.0 if answering else ago, rtp_ago=ago))
        return seen


def test_silence_goes_through_the_levels_in_order() -> None:
    seen = Patient().silent(2.0)
    order = [level for level, before in zip(seen, [None, *seen], strict=False) if level != before]
    assert order == [
        HealthLevel.HEALTHY,
        HealthLevel.DEGRADED,
        HealthLevel.STALLED,
        HealthLevel.LOST,
    ]
    assert seen.index(HealthLevel.STALLED) == pytest.approx(0.3 / EVERY_S, abs=1)
    assert seen.index(HealthLevel.LOST) == pytest.approx(0.9 / EVERY_S, abs=1)


def test_a_freeze_without_silence_is_degraded() -> None:
    patient = Patient()
    assert patient.sample(packet_ago=0.0, frame_ago=0.25) is HealthLevel.DEGRADED


def test_loss_is_degraded_until_three_calm_seconds() -> None:
    patient = Patient()
    assert patient.sample(loss=0.06) is HealthLevel.DEGRADED
    assert patient.fine(2.5) is HealthLevel.DEGRADED
    assert patient.sample(loss=0.03) is HealthLevel.DEGRADED, "with 3 % the calm time starts again"
    assert patient.fine(2.5) is HealthLevel.DEGRADED
    assert patient.fine(1.0) is HealthLevel.HEALTHY


def test_a_stall_is_left_after_half_a_second_of_rtp() -> None:
    patient = Patient()
    patient.silent(0.6)
    assert patient.fine(0.3) is HealthLevel.STALLED
    assert patient.fine(0.3) in (HealthLevel.HEALTHY, HealthLevel.DEGRADED)


def test_trouble_is_counted_from_its_beginning() -> None:
    patient = Patient()
    patient.silent(0.6)
    began_at = patient.health.trouble_since_at
    assert began_at is not None
    patient.silent(0.6)
    assert patient.health.trouble_since_at == began_at
    patient.fine(5.0)
    assert patient.health.trouble_since_at is None


def test_the_lag_of_our_own_loop_is_subtracted() -> None:
    assert Patient().sample(packet_ago=0.5, lag_s=0.45) is HealthLevel.HEALTHY
    assert Patient().sample(packet_ago=0.5, lag_s=0.0) is HealthLevel.STALLED


def test_answered_checks_without_media_are_no_media_and_then_lost() -> None:
    patient = Patient()
    seen = patient.silent(7.0, answering=True)
    assert seen[round(1.2 / EVERY_S)] is HealthLevel.NO_MEDIA
    assert seen[round(4.0 / EVERY_S)] is HealthLevel.NO_MEDIA
    assert seen[-1] is HealthLevel.LOST


def test_lost_heals_only_with_a_frame() -> None:
    patient = Patient()
    patient.silent(1.2)
    lost_at = patient.now
    patient.now += EVERY_S
    no_frame = replace(sample(patient.now), last_frame_at=lost_at - 1.0)
    after = health.assess(patient.health, no_frame, patient.now, POLICY)
    assert after.level is HealthLevel.LOST
    assert patient.sample() is HealthLevel.HEALTHY


def test_a_frame_that_was_still_being_decoded_does_not_heal() -> None:
    patient = Patient()
    patient.fine(0.2)
    patient.health = health.lost(patient.health, patient.now)
    late = replace(sample(patient.now + EVERY_S), last_rtp_at=patient.now - 0.01)
    assert health.assess(patient.health, late, patient.now + EVERY_S, POLICY).level is (
        HealthLevel.LOST
    )


def test_a_bursty_connection_gets_more_time() -> None:
    patient = Patient()
    patient.sample(gap_s=0.5)
    stalled_s = health.stalled_after_s(patient.health, sample(patient.now), POLICY)
    assert stalled_s == pytest.approx(0.75)
    patient.sample(gap_s=5.0)
    assert health.stalled_after_s(patient.health, sample(patient.now), POLICY) == 0.8
    patient.now += 61.0
    patient.sample(gap_s=0.01)
    assert health.stalled_after_s(patient.health, sample(patient.now), POLICY) == 0.3


def test_a_long_round_trip_gets_more_time() -> None:
    far = sample(0.0, rtt_s=0.6)
    fresh = health.healthy(0.0)
    assert health.stalled_after_s(fresh, far, POLICY) == pytest.approx(0.8)
    assert health.lost_after_s(fresh, far, 0.0, POLICY) == pytest.approx(2.1)


def test_a_gap_that_is_normal_on_this_path_is_no_drop() -> None:
    """Roaming for 0.7 s: LOST comes later than that, and at its usual time a minute after."""
    patient = Patient()
    patient.sample(gap_s=0.7)
    assert health.lost_after_s(patient.health, sample(patient.now), patient.now, POLICY) == (
        pytest.approx(1.05)
    )
    patient.now += 61.0
    patient.sample(gap_s=0.01)
    assert health.lost_after_s(patient.health, sample(patient.now), patient.now, POLICY) == 0.9


def test_flapping_doubles_the_silence_before_lost_for_a_while() -> None:
    patient = Patient()
    for _ in range(POLICY.flap_count):
        patient.silent(1.2)
        assert patient.health.level is HealthLevel.LOST
        patient.fine(1.0)
    assert HealthLevel.LOST not in patient.silent(1.5)
    patient.fine(5.0)
    patient.now += POLICY.flap_hold_s
    patient.fine(1.0)
    assert HealthLevel.LOST in patient.silent(1.2)


def test_hard_evidence_and_hints() -> None:
    fresh = health.healthy(0.0)
    assert health.lost(fresh, 1.0).level is HealthLevel.LOST
    assert health.stalled(fresh, 1.0).level is HealthLevel.STALLED
    gone = health.lost(fresh, 1.0)
    assert health.stalled(gone, 2.0) is gone


# --- the other direction --------------------------------------------------------------------------


def dead_uplink(patient: Patient, for_s: float, **seen: float | None) -> list[HealthLevel]:
    """Levels seen while all arrives here and no check has been answered since now."""
    since_at = patient.now
    proofs = {"proved_sent_at": since_at - 0.1, "unanswered_since_at": since_at}
    return [patient.sample(**(proofs | seen)) for _ in range(round(for_s / EVERY_S))]


def test_three_unanswered_checks_are_a_stall_and_five_seconds_are_lost() -> None:
    patient = Patient()
    seen = dead_uplink(patient, 5.2)
    assert seen.index(HealthLevel.STALLED) == pytest.approx(3.0 / EVERY_S, abs=1)
    assert seen.index(HealthLevel.LOST) == pytest.approx(5.0 / EVERY_S, abs=1)


def test_the_trouble_of_a_dead_uplink_began_with_the_first_unanswered_check() -> None:
    patient = Patient()
    began_at = patient.now
    dead_uplink(patient, 3.1)
    assert patient.health.trouble_since_at == pytest.approx(began_at, abs=EVERY_S)
    refused = Patient()
    dead_uplink(refused, 0.3, unanswered_since_at=None, sends_fail_since_at=began_at + 0.1)
    assert refused.health.trouble_since_at == pytest.approx(began_at + 0.1, abs=EVERY_S)


def test_the_trouble_says_that_what_is_sent_does_not_arrive() -> None:
    patient = Patient()
    dead_uplink(patient, 3.5)
    assert patient.health.trouble is Trouble.UPLINK
    assert patient.fine(4.0) is HealthLevel.HEALTHY
    assert patient.health.trouble is None


@pytest.mark.parametrize("rtt_s", [2.0, 4.0])
def test_on_a_slow_path_answers_get_three_round_trips(rtt_s: float) -> None:
    seen = dead_uplink(Patient(), 3 * rtt_s + 0.5, rtt_s=rtt_s)
    lost_after_s = max(5.0, 3 * rtt_s + 0.3)
    assert seen.index(HealthLevel.LOST) == pytest.approx(lost_after_s / EVERY_S, abs=1)


def test_a_host_that_has_never_answered_a_check_is_not_missed() -> None:
    assert dead_uplink(Patient(), 20.0, proved_sent_at=None)[-1] is HealthLevel.HEALTHY


def test_pauses_of_the_path_are_no_reason_to_wait_for_a_route() -> None:
    patient = Patient()
    patient.sample(gap_s=2.0)
    refused = {"sends_fail_since_at": patient.now}
    levels = [patient.sample(**refused) for _ in range(20)]
    assert levels[-1] is HealthLevel.LOST


@pytest.mark.parametrize(
    ("seen", "known"),
    [
        ({"sound_loss": 0.95}, False),
        ({"sound_loss": 0.0, "loss": 0.9}, True),
        ({"sound_loss": None, "loss": 0.95}, False),
        ({"sound_loss": None, "loss": 0.2}, True),
    ],
)
def test_a_path_that_loses_most_packets_says_nothing_about_the_other_direction(
    seen: dict[str, float | None], known: bool
) -> None:
    """It loses the answers as well. Big packets alone may be lost for their size."""
    patient = Patient()
    levels = dead_uplink(patient, 6.0, **seen)
    assert (HealthLevel.LOST in levels) is known


def test_what_the_system_refuses_to_send_is_lost_after_t_l() -> None:
    patient = Patient()
    seen = dead_uplink(patient, 1.2, sends_fail_since_at=patient.now)
    assert seen.index(HealthLevel.STALLED) == pytest.approx(0.15 / EVERY_S, abs=1)
    assert seen.index(HealthLevel.LOST) == pytest.approx(0.9 / EVERY_S, abs=1)


def test_a_lost_uplink_heals_by_an_answered_check_alone() -> None:
    patient = Patient()
    dead_uplink(patient, 5.2)
    lost_at = patient.health.since_at
    assert patient.fine(3.0) is HealthLevel.LOST, "RTP and frames arrived all the time"
    assert patient.sample(proved_sent_at=lost_at - 0.2) is HealthLevel.LOST, "sent before"
    assert patient.sample(proved_sent_at=patient.now, frame_ago=4.0) is HealthLevel.HEALTHY


def test_when_nothing_arrives_either_an_answered_check_is_not_enough() -> None:
    patient = Patient()
    dead_uplink(patient, 5.2)
    patient.silent(1.2)
    answer = sample(patient.now + EVERY_S, rtp_ago=1.25, proved_sent_at=patient.now)
    patient.now += EVERY_S
    patient.health = health.assess(patient.health, answer, patient.now, POLICY)
    assert patient.health.level is HealthLevel.LOST
    assert patient.sample(proved_sent_at=patient.now) is HealthLevel.HEALTHY


def test_after_a_healing_answers_are_missed_from_then_on() -> None:
    """RTP may be back before the first answer is."""
    patient = Patient()
    since_at = patient.now
    patient.silent(8.0)
    proofs = {"proved_sent_at": since_at - 0.1, "unanswered_since_at": since_at}
    assert patient.sample(**proofs) is HealthLevel.HEALTHY
    seen = [patient.sample(**proofs) for _ in range(round(5.2 / EVERY_S))]
    assert seen.index(HealthLevel.LOST) == pytest.approx(5.0 / EVERY_S, abs=1)


# --- a picture that stands still ------------------------------------------------------------------


def stands_still(patient: Patient, for_s: float, **seen: float | None) -> list[Trouble | None]:
    """What is wrong while sound arrives and no frame does."""
    began_at = patient.now
    found = []
    for _ in range(round(for_s / EVERY_S)):
        patient.sample(frame_ago=patient.now + EVERY_S - began_at, **seen)
        found.append(patient.health.trouble)
    return found


@pytest.mark.parametrize(
    ("seen", "trouble"),
    [
        ({"video_missing": 1.0}, Trouble.PICTURE_LOST),
        ({"video_missing": 0.0, "loss": 0.95}, Trouble.PICTURE_LOST),
        ({"video_missing": None, "loss": 0.95}, Trouble.PICTURE_LOST),
        ({"video_missing": 0.0}, Trouble.PICTURE_STOPPED),
        ({"video_missing": 0.02}, Trouble.PICTURE_STOPPED),
        ({"video_missing": None}, Trouble.PICTURE_STOPPED),
    ],
)
def test_after_two_seconds_it_is_frozen_and_why(
    seen: dict[str, float | None], trouble: Trouble
) -> None:
    patient = Patient()
    found = stands_still(patient, 5.2, **seen)
    assert found[round(1.9 / EVERY_S) - 1] is Trouble.UNSTABLE
    assert found.index(trouble) == pytest.approx(2.0 / EVERY_S, abs=1)
    assert found[-1] is trouble
    assert health.offers_reconnect(patient.health)


def test_a_reconnect_is_offered_after_five_seconds_and_due_after_ten_if_it_was_sent() -> None:
    patient = Patient()
    stands_still(patient, 4.9, video_missing=1.0)
    assert not health.offers_reconnect(patient.health)
    patient.sample(frame_ago=5.05, video_missing=1.0)
    assert health.offers_reconnect(patient.health)
    assert not health.reconnects_frozen(patient.health, patient.now, POLICY)
    patient.sample(frame_ago=10.05, video_missing=0.0)
    assert not health.reconnects_frozen(patient.health, patient.now, POLICY), "it was not sent"
    patient.sample(frame_ago=10.1, video_missing=1.0)
    assert health.reconnects_frozen(patient.health, patient.now, POLICY)


def test_single_pictures_do_not_end_a_freeze() -> None:
    """Where big packets are lost, a small frame arrives now and then and is decoded."""
    patient = Patient()
    for _ in range(3):
        stands_still(patient, 3.0, video_missing=0.9)
        assert not health.reconnects_frozen(patient.health, patient.now, POLICY)
    assert health.offers_reconnect(patient.health)
    stands_still(patient, 2.5, video_missing=0.9)
    assert health.reconnects_frozen(patient.health, patient.now, POLICY)


def test_a_single_frame_changes_neither_the_words_nor_the_offer() -> None:
    """Or they would flicker where nearly all is lost."""
    patient = Patient()
    stands_still(patient, 6.0, video_missing=0.9)
    for ago in (0.0, 0.1, 0.3, 0.6, 1.0):
        patient.now += ago
        patient.sample(frame_ago=ago, video_missing=0.9)
        assert patient.health.trouble is Trouble.PICTURE_LOST
        assert health.offers_reconnect(patient.health)


def test_half_a_second_of_frames_ends_a_freeze() -> None:
    patient = Patient()
    stands_still(patient, 6.0, video_missing=0.9)
    troubles = []
    for _ in range(round(0.7 / EVERY_S)):
        patient.sample(video_missing=0.0)
        troubles.append(patient.health.trouble)
    assert troubles[round(0.4 / EVERY_S)] is Trouble.PICTURE_LOST
    assert troubles[-1] is Trouble.UNSTABLE
    assert patient.health.frozen is None


def test_a_freeze_after_the_picture_has_moved_is_another_one() -> None:
    patient = Patient()
    stands_still(patient, 9.0, video_missing=0.9)
    for _ in range(round(3.0 / EVERY_S)):
        patient.sample(video_missing=0.0)
    assert patient.health.frozen is None
    stands_still(patient, 4.0, video_missing=0.9)
    assert not health.offers_reconnect(patient.health)
    assert not health.reconnects_frozen(patient.health, patient.now, POLICY)


def test_a_path_that_loses_pictures_loses_answers_too() -> None:
    patient = Patient()
    since_at = patient.now
    proofs = {"proved_sent_at": since_at - 0.1, "unanswered_since_at": since_at}
    assert stands_still(patient, 4.0, video_missing=0.95, **proofs)[-1] is Trouble.PICTURE_LOST
    assert stands_still(patient, 2.5, video_missing=0.0, **proofs)[-1] is not Trouble.PICTURE_LOST


def test_without_rtp_it_is_not_the_picture_that_is_missing() -> None:
    patient = Patient()
    patient.silent(4.0, answering=True)
    assert patient.health.level is HealthLevel.NO_MEDIA
    assert patient.health.frozen is None


def test_a_picture_that_stood_still_before_is_not_waited_for() -> None:
    """Or a short cut would end the connection of a paused game, which sends no picture."""
    patient = Patient()
    frame_at = patient.now
    stands_still(patient, 4.0, video_missing=0.0)
    lost_at = patient.now
    for ago in (0.3, 0.6, 0.9, 1.2):
        patient.now = lost_at + ago
        patient.sample(packet_ago=ago, frame_ago=patient.now + EVERY_S - frame_at)
    assert patient.health.level is HealthLevel.LOST
    seen = [patient.sample(frame_ago=patient.now + EVERY_S - frame_at) for _ in range(15)]
    back_after_s = EVERY_S * (1 + seen.index(HealthLevel.HEALTHY))
    assert POLICY.recovered_after_s <= back_after_s < POLICY.recovered_after_s + 3 * EVERY_S
    patient.sample(frame_ago=patient.now + EVERY_S - frame_at, video_missing=0.0)
    assert patient.health.trouble is Trouble.PICTURE_STOPPED


def test_a_stall_of_a_picture_that_stands_still_ends_with_rtp() -> None:
    patient = Patient()
    frame_at = patient.now
    stands_still(patient, 4.0, video_missing=0.0)
    patient.health = health.stalled(patient.health, patient.now)
    for _ in range(20):
        patient.sample(frame_ago=patient.now + EVERY_S - frame_at)
    assert patient.health.level is HealthLevel.DEGRADED


def test_a_picture_that_stopped_with_the_path_is_waited_for() -> None:
    patient = Patient()
    frame_at = patient.now
    stands_still(patient, 4.0, video_missing=0.0)
    patient.sample()
    patient.silent(3.0)
    for _ in range(40):
        patient.sample(frame_ago=patient.now - frame_at - 4.0)
        assert patient.health.level is HealthLevel.LOST


# --- after a healing ------------------------------------------------------------------------------


def test_the_gap_of_an_outage_is_no_loss() -> None:
    patient = Patient()
    patient.silent(2.0)
    assert patient.sample(loss=0.6) is HealthLevel.HEALTHY
    for _ in range(round(3.0 / EVERY_S)):
        assert patient.sample(loss=0.6) is HealthLevel.HEALTHY
    patient.sample(loss=0.0)
    assert patient.sample(loss=0.06) is HealthLevel.DEGRADED, "loss of its own counts again"
