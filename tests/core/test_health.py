"""The detector's table, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core import health
from rejoin.core.health import Health
from rejoin.core.model import ConnectionSample, HealthLevel, Policy

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
