"""The detector: from samples of one connection to HEALTHY, DEGRADED, STALLED, NO_MEDIA or LOST.

The table is reconnect.md's "Detecting a drop". With g the silence (no authenticated packet of any
kind), r the time without RTP, f the time without a decoded frame, S the smoothed RTT; our own
loop's lag is subtracted from all three:

Rule 1: DEGRADED at g >= 150 ms, or f >= 3 frame intervals + 150 ms, or loss >= 5 %; left after 3 s
        with loss <= 2 % and none of the others.
Rule 2: STALLED at g >= T_s = max(clamp(1.5 x largest gap of the last 60 s, 300, 800 ms), S + 200);
        left after 500 ms of continuous RTP and a decoded frame.
Rule 3: NO_MEDIA when the path answers but no RTP came for 1 s; left with the next RTP.
Rule 4: LOST at g >= T_l = max(900 ms, 1.5 x largest gap, 3 S + 300 ms), at once on hard evidence,
        or after 5 s of NO_MEDIA; it heals when RTP comes and a frame is decoded.
Rule 5: when LOST has healed three times within 60 s, T_l is doubled (to at most 2.5 s) for five
        minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core.model import ConnectionSample, HealthLevel, Policy

_BUCKET_S = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """The level of one connection, and what the rules remember.

    `gaps`: (start, largest gap) of five-second buckets over the last minute.
    `rtp_since_at`: since when RTP has been continuous; None while it is not.
    `calm_since_at`: since when no condition of Rule 1 was met.
    `healed_at`: when LOST healed, the newest last (Rule 5).
    """

    level: HealthLevel
    since_at: float
    trouble_since_at: float | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    rtp_since_at: float | None = None
    calm_since_at: float | None = None
    healed_at: tuple[float, ...] = ()
    doubled_until_at: float = 0.0


def healthy(now: float) -> Health:
    """A connection that has just shown its first frame."""
    return Health(HealthLevel.HEALTHY, now, rtp_since_at=now, calm_since_at=now)


def stalled_after_s(health: Health, sample: ConnectionSample, policy: Policy) -> float:
    """T_s of Rule 2."""
    clamped_s = min(max(_normal_gap_s(health, policy), policy.stalled_min_s), policy.stalled_max_s)
    return max(clamped_s, (sample.rtt_s or 0.0) + policy.stalled_rtt_extra_s)


def lost_after_s(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> float:
    """T_l of Rules 4 and 5."""
    after_s = max(
        policy.lost_min_s,
        _normal_gap_s(health, policy),
        policy.lost_rtt_factor * (sample.rtt_s or 0.0) + policy.lost_rtt_extra_s,
    )
    if now < health.doubled_until_at:
        after_s = max(after_s, min(2 * after_s, policy.flap_lost_cap_s))
    return after_s


def _normal_gap_s(health: Health, policy: Policy) -> float:
    """A silence that is normal on this path."""
    return policy.largest_gap_factor * max((gap_s for _, gap_s in health.gaps), default=0.0)


def silence_s(sample: ConnectionSample, now: float) -> float:
    """g: how long no authenticated packet arrived, without our own loop's lag."""
    return max(0.0, now - sample.last_packet_at - sample.loop_lag_s)


def assess(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    """The health after one sample, or after the last one again at a later time."""
    health = _remember_gap(health, sample, now, policy)
    silent_s = silence_s(sample, now)
    no_rtp_s = max(0.0, now - sample.last_rtp_at - sample.loop_lag_s)
    stalled_s = stalled_after_s(health, sample, policy)
    rough = _is_rough(sample, now, policy)
    health = _note_rtp(health, sample, no_rtp_s < stalled_s)
    health = _note_calm(health, rough or sample.loss > policy.loss_recovered, now)
    if health.level is HealthLevel.LOST:
        return _assess_lost(health, sample, now, policy)
    waited_out = (
        health.level is HealthLevel.NO_MEDIA
        and now - health.since_at >= policy.no_media_patience_s
        and no_rtp_s >= policy.no_media_after_s
    )
    if silent_s >= lost_after_s(health, sample, now, policy) or waited_out:
        return _enter(health, HealthLevel.LOST, now)
    if silent_s >= stalled_s:
        # NO_MEDIA has its own clock: a late answer to a check must not restart its five seconds.
        no_media = health.level is HealthLevel.NO_MEDIA
        return health if no_media else _enter(health, HealthLevel.STALLED, now)
    if no_rtp_s >= policy.no_media_after_s:
        return _enter(health, HealthLevel.NO_MEDIA, now)
    return _assess_flowing(health, sample, rough, now, policy)


def _is_rough(sample: ConnectionSample, now: float, policy: Policy) -> bool:
    """Rule 1: whether the stream is DEGRADED."""
    no_frame_s = max(0.0, now - sample.last_frame_at - sample.loop_lag_s)
    return (
        silence_s(sample, now) >= policy.degraded_after_s
        or no_frame_s >= 3 * sample.frame_interval_s + policy.freeze_extra_s
        or sample.loss >= policy.loss_degraded
    )


def _note_rtp(health: Health, sample: ConnectionSample, flows: bool) -> Health:
    """Note since when RTP has been continuous."""
    if not flows:
        return replace(health, rtp_since_at=None)
    if health.rtp_since_at is None:
        return replace(health, rtp_since_at=sample.last_rtp_at)
    return health


def _note_calm(health: Health, rough: bool, now: float) -> Health:
    """Note since when no condition of Rule 1 was met."""
    if rough:
        return replace(health, calm_since_at=None)
    if health.calm_since_at is None:
        return replace(health, calm_since_at=now)
    return health


def _assess_lost(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    """Rule 4: LOST heals when RTP arrives and a frame is decoded."""
    # The frame must come from RTP that arrived since, not from what was still being decoded.
    rtp_arrived = sample.last_rtp_at > health.since_at
    frame_arrived = sample.last_frame_at > health.since_at
    if health.rtp_since_at is not None and rtp_arrived and frame_arrived:
        return _heal(health, now, policy)
    return health


def _assess_flowing(
    health: Health, sample: ConnectionSample, rough: bool, now: float, policy: Policy
) -> Health:
    """RTP flows: when a worse level is left (Rules 1 to 3), and whether DEGRADED is entered."""
    if health.level in (HealthLevel.STALLED, HealthLevel.NO_MEDIA):
        steady = (
            health.rtp_since_at is not None
            and now - health.rtp_since_at >= policy.recovered_after_s
        )
        if not (steady and sample.last_frame_at > health.since_at):
            return health
    elif not rough:
        calm = (
            health.calm_since_at is not None and now - health.calm_since_at >= policy.loss_window_s
        )
        if health.level is HealthLevel.HEALTHY or not calm:
            return health
        return _enter(health, HealthLevel.HEALTHY, now)
    return _enter(health, HealthLevel.DEGRADED if rough else HealthLevel.HEALTHY, now)


def lost(health: Health, now: float) -> Health:
    """Hard evidence: LOST without waiting for silence."""
    return _enter(health, HealthLevel.LOST, now)


def stalled(health: Health, now: float) -> Health:
    """A hint, not a proof (network change, one send error): STALLED at once."""
    if health.level in (HealthLevel.LOST, HealthLevel.STALLED):
        return health
    return _enter(health, HealthLevel.STALLED, now)


def _enter(health: Health, level: HealthLevel, now: float) -> Health:
    if level is health.level:
        return health
    if level is HealthLevel.HEALTHY:
        trouble = None
    else:
        trouble = health.trouble_since_at if health.trouble_since_at is not None else now
    return replace(health, level=level, since_at=now, trouble_since_at=trouble)


def _heal(health: Health, now: float, policy: Policy) -> Health:
    recent = tuple(at for at in health.healed_at if now - at < policy.flap_window_s)
    healed_at = (*recent, now)
    doubled_until_at = health.doubled_until_at
    if len(healed_at) >= policy.flap_count:
        doubled_until_at = now + policy.flap_hold_s
    return replace(
        _enter(health, HealthLevel.HEALTHY, now),
        healed_at=healed_at,
        doubled_until_at=doubled_until_at,
        calm_since_at=now,
    )


def _remember_gap(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    if health.level is HealthLevel.LOST or sample.largest_gap_s <= 0.0:
        return health
    kept = tuple(entry for entry in health.gaps if now - entry[0] < policy.gap_memory_s)
    if kept and now - kept[-1][0] < _BUCKET_S:
        start, largest_s = kept[-1]
        if sample.largest_gap_s <= largest_s and len(kept) == len(health.gaps):
            return health
        kept = (*kept[:-1], (start, max(largest_s, sample.largest_gap_s)))
    else:
        kept = (*kept, (now, sample.largest_gap_s))
    return replace(health, gaps=kept)
