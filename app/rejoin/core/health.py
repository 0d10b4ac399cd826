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
Rule 6: the other direction. STALLED while checks have been unanswered for 3 s, or while the
        operating system refuses to send; LOST once that has lasted 5 s, or T_l (whatever pauses are
        normal on this path). This LOST heals when a check that was sent since is answered, whatever
        else arrives. A path that loses most of what the host sends loses its answers too: that says
        nothing about the other direction.
Rule 7: the picture is frozen when RTP flows and no frame was decoded for 2 s, and until frames have
        come without a gap for 500 ms: single frames end nothing. It is the same freeze as before if
        the picture was frozen within the last 4 s. Where the picture had been frozen before, no
        frame is waited for: RTP that has come for 500 ms ends STALLED, NO_MEDIA and LOST. A paused
        game sends none.
Rule 8: packets lost during an outage do not count as loss: none counts for 3 s after LOST has
        healed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from rejoin.core.model import ConnectionSample, HealthLevel, Policy, Trouble

_BUCKET_S = 5.0


class LostBecause(enum.Enum):
    """Which sign of life is missing while LOST; it heals by that sign (Rules 4 and 6)."""

    NOTHING_ARRIVES = "nothing arrives"
    NOTHING_SENT_ARRIVES = "nothing that we send arrives"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A picture that stands still while RTP flows (Rule 7). `since_at`: of its last frame, before
    the first of the freezes between which it moved only for a moment.

    `sent_and_lost`: whether the host sends pictures that do not arrive; if not, the game may be
    paused. `offers_reconnect`: it has lasted `frozen_offer_after_s`.
    """

    since_at: float
    sent_and_lost: bool
    offers_reconnect: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The level of one connection, and what the rules remember.

    `gaps`: (start, largest gap) of five-second buckets over the last minute.
    `rtp_since_at`: since when RTP has been continuous; None while it is not.
    `calm_since_at`: since when no condition of Rule 1 was met.
    `healed_at`: when LOST healed, the newest last (Rule 5).
    `answers_due_from_at`: answers to checks are missed from here on, not earlier (Rule 6).
    `froze_at`: since when, and until when, the picture was last frozen (Rule 7).
    `moves_since_at`: since when frames have come without a gap; None while they do not.
    """

    level: HealthLevel
    since_at: float
    trouble_since_at: float | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    rtp_since_at: float | None = None
    calm_since_at: float | None = None
    healed_at: tuple[float, ...] = ()
    doubled_until_at: float = 0.0
    lost_because: LostBecause = LostBecause.NOTHING_ARRIVES
    answers_due_from_at: float = 0.0
    trouble: Trouble | None = None
    frozen: Frozen | None = None
    froze_at: tuple[float, float] | None = None
    moves_since_at: float | None = None


def healthy(now: float) -> Health:
    """A connection that has just shown its first frame."""
    return Health(
        HealthLevel.HEALTHY, now, rtp_since_at=now, calm_since_at=now, answers_due_from_at=now
    )


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
    if not health.gaps:
        return 0.0
    return policy.largest_gap_factor * max(gap_s for _, gap_s in health.gaps)


def silence_s(sample: ConnectionSample, now: float) -> float:
    """g: how long no authenticated packet arrived, without our own loop's lag."""
    return max(0.0, now - sample.last_packet_at - sample.loop_lag_s)


def assess(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    """The health after one sample, or after the last one again at a later time.

    The same object if nothing is new, as with nearly every sample of a healthy stream.
    """
    health = _remember_gap(health, sample, now, policy)
    no_rtp_s = _no_rtp_s(sample, now)
    rough = _is_rough(health, sample, now, policy)
    health = _note_rtp(health, sample, no_rtp_s < stalled_after_s(health, sample, policy))
    lossy = _loss(health, sample, now, policy) > policy.loss_recovered
    health = _note_calm(health, rough or lossy, now)
    health = _note_frames(health, sample, now, policy)
    after = _assess_level(health, sample, rough, now, policy)
    frozen = _frozen(after, sample, now, policy)
    froze_at = after.froze_at if frozen is None else (frozen.since_at, now)
    trouble = _trouble(after, frozen, sample, now, policy)
    if (frozen, froze_at, trouble) == (after.frozen, after.froze_at, after.trouble):
        return after
    return replace(after, frozen=frozen, froze_at=froze_at, trouble=trouble)


def _assess_level(
    health: Health, sample: ConnectionSample, rough: bool, now: float, policy: Policy
) -> Health:
    if health.level is HealthLevel.LOST:
        return _assess_lost(health, sample, now, policy)
    silent_s, no_rtp_s = silence_s(sample, now), _no_rtp_s(sample, now)
    lost_s = lost_after_s(health, sample, now, policy)
    waited_out = (
        health.level is HealthLevel.NO_MEDIA
        and now - health.since_at >= policy.no_media_patience_s
        and no_rtp_s >= policy.no_media_after_s
    )
    if silent_s >= lost_s or waited_out:
        return lost(health, now)
    if _uplink_is_dead(health, sample, now, policy):
        return replace(lost(health, now), lost_because=LostBecause.NOTHING_SENT_ARRIVES)
    # NO_MEDIA has its own clock: a late answer to a check must not restart its five seconds.
    no_media = health.level is HealthLevel.NO_MEDIA
    if silent_s >= stalled_after_s(health, sample, policy):
        return health if no_media else _enter(health, HealthLevel.STALLED, now)
    if no_rtp_s >= policy.no_media_after_s:
        return _enter(health, HealthLevel.NO_MEDIA, now)
    if uplink_is_in_doubt(health, sample, now, policy):
        unanswered_s = _unanswered_s(health, sample, now, policy)
        dead_s = max(unanswered_s, _unsent_s(health, sample, now))
        return _enter(health, HealthLevel.STALLED, now, since_at=now - dead_s)
    return _assess_flowing(health, sample, rough, now, policy)


def _no_rtp_s(sample: ConnectionSample, now: float) -> float:
    return max(0.0, now - sample.last_rtp_at - sample.loop_lag_s)


def _no_frame_s(sample: ConnectionSample, now: float) -> float:
    return max(0.0, now - sample.last_frame_at - sample.loop_lag_s)


def _loss(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> float:
    """The loss of a sample, without that of an outage that has just healed (Rule 8)."""
    newest_healed_at = health.healed_at[-1] if health.healed_at else None
    # The sample at the healing includes the gap; the first later sample does not.
    counted_s = policy.loss_window_s + policy.sample_every_s
    if newest_healed_at is not None and now - newest_healed_at <= counted_s:
        return 0.0
    return sample.loss


def _is_rough(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> bool:
    """Rule 1: whether the stream is DEGRADED."""
    return (
        silence_s(sample, now) >= policy.degraded_after_s
        or _no_frame_s(sample, now) >= 3 * sample.frame_interval_s + policy.freeze_extra_s
        or _loss(health, sample, now, policy) >= policy.loss_degraded
    )


# --- the other direction (Rule 6) -----------------------------------------------------------------


def _unanswered_s(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> float:
    """For how long checks have been unanswered.

    A missing answer proves nothing if the host has never answered a check on this connection, or if
    most of its packets are lost. Packets of sound are as small as answers; big ones may be lost for
    their size.
    """
    if sample.unanswered_since_at is None or sample.proved_sent_at is None:
        return 0.0
    lost = _loss(health, sample, now, policy) if sample.sound_loss is None else sample.sound_loss
    if lost >= policy.uplink_unknown_loss:
        return 0.0
    since_at = max(sample.unanswered_since_at, health.answers_due_from_at)
    return max(0.0, now - since_at - sample.loop_lag_s)


def _unsent_s(health: Health, sample: ConnectionSample, now: float) -> float:
    """For how long the operating system has refused to send."""
    if sample.sends_fail_since_at is None:
        return 0.0
    return max(0.0, now - max(sample.sends_fail_since_at, health.answers_due_from_at))


def uplink_is_in_doubt(
    health: Health, sample: ConnectionSample, now: float, policy: Policy
) -> bool:
    return (
        _unanswered_s(health, sample, now, policy) >= policy.uplink_doubt_after_s
        or _unsent_s(health, sample, now) >= policy.degraded_after_s
    )


def _uplink_is_dead(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> bool:
    if sample.unanswered_since_at is None and sample.sends_fail_since_at is None:
        return False
    round_trips_s = policy.lost_rtt_factor * (sample.rtt_s or 0.0) + policy.lost_rtt_extra_s
    unanswered_s = max(policy.uplink_lost_after_s, round_trips_s)
    # This machine's own refusals have nothing to do with the pauses of the path.
    unsent_s = lost_after_s(replace(health, gaps=()), sample, now, policy)
    return (
        _unanswered_s(health, sample, now, policy) >= unanswered_s
        or _unsent_s(health, sample, now) >= unsent_s
    )


# --- what is wrong (Rule 7) -----------------------------------------------------------------------


def _frozen(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Frozen | None:
    frozen_s = _no_frame_s(sample, now)
    flows = _no_rtp_s(sample, now) < policy.no_media_after_s
    stands = frozen_s >= policy.frozen_after_s
    goes_on = health.frozen is not None and not _moves(health, now, policy)
    if health.level is HealthLevel.LOST or not flows or not (stands or goes_on):
        return None
    since_at = now - frozen_s
    if health.froze_at is not None and now - health.froze_at[1] < policy.frozen_again_within_s:
        since_at = min(since_at, health.froze_at[0])
    missing = max(_loss(health, sample, now, policy), sample.video_missing or 0.0)
    lost = missing >= policy.loss_degraded
    if health.frozen is not None and not stands:
        lost = health.frozen.sent_and_lost  # a single frame says nothing about the next
    return Frozen(
        since_at,
        sent_and_lost=lost,
        offers_reconnect=now - since_at >= policy.frozen_offer_after_s,
    )


def _moves(health: Health, now: float, policy: Policy) -> bool:
    """Whether frames have come for long enough to end a freeze."""
    since_at = health.moves_since_at
    return since_at is not None and now - since_at >= policy.recovered_after_s


def _note_frames(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    """Note since when frames have come without a gap."""
    usual_s = 3 * sample.frame_interval_s + policy.freeze_extra_s
    # After single frames their mean interval is long; one of them is no picture that moves.
    if _no_frame_s(sample, now) >= min(usual_s, policy.frame_gap_s):
        return replace(health, moves_since_at=None)
    return health if health.moves_since_at is not None else replace(health, moves_since_at=now)


def _trouble(
    health: Health, frozen: Frozen | None, sample: ConnectionSample, now: float, policy: Policy
) -> Trouble | None:
    if health.level in (HealthLevel.HEALTHY, HealthLevel.LOST):
        return None
    if frozen is not None and frozen.sent_and_lost:
        return Trouble.PICTURE_LOST  # a path that loses pictures loses answers to checks as well
    if uplink_is_in_doubt(health, sample, now, policy):
        return Trouble.UPLINK
    return Trouble.UNSTABLE if frozen is None else Trouble.PICTURE_STOPPED


def offers_reconnect(health: Health | None) -> bool:
    """Whether the player may have a new connection because the picture stands still."""
    return health is not None and health.frozen is not None and health.frozen.offers_reconnect


def reconnects_frozen(health: Health, now: float, policy: Policy) -> bool:
    """Whether a new connection is due because the picture's packets have been lost too long."""
    frozen = health.frozen
    if frozen is None or not frozen.sent_and_lost:
        return False
    return now - frozen.since_at >= policy.frozen_reconnect_after_s


# --- what the rules remember ----------------------------------------------------------------------


def _note_rtp(health: Health, sample: ConnectionSample, flows: bool) -> Health:
    """Note since when RTP has been continuous."""
    if not flows:
        return replace(health, rtp_since_at=None) if health.rtp_since_at is not None else health
    if health.rtp_since_at is None:
        return replace(health, rtp_since_at=sample.last_rtp_at)
    return health


def _note_calm(health: Health, rough: bool, now: float) -> Health:
    """Note since when no condition of Rule 1 was met."""
    if rough:
        return replace(health, calm_since_at=None) if health.calm_since_at is not None else health
    if health.calm_since_at is None:
        return replace(health, calm_since_at=now)
    return health


def _assess_lost(health: Health, sample: ConnectionSample, now: float, policy: Policy) -> Health:
    """Rule 4: LOST heals when RTP arrives and a frame is decoded. Rule 6: by an answered check."""
    if health.lost_because is LostBecause.NOTHING_SENT_ARRIVES:
        if silence_s(sample, now) >= lost_after_s(health, sample, now, policy):
            return replace(health, since_at=now, lost_because=LostBecause.NOTHING_ARRIVES)
        proved_at = sample.proved_sent_at
        answered = proved_at is not None and proved_at > health.since_at
        return _heal(health, now, policy) if answered else health
    # The frame must come from RTP that arrived since, not from older RTP still being decoded.
    frame_arrived = sample.last_frame_at > health.since_at
    still = _stood_still(health, sample, policy) and _is_steady(health, now, policy)
    if rtp_is_back(health, sample) and (frame_arrived or still):
        return _heal(health, now, policy)
    return health


def rtp_is_back(health: Health, sample: ConnectionSample) -> bool:
    """LOST because nothing arrived, and RTP flows again: all that is missing is a frame."""
    return (
        health.level is HealthLevel.LOST
        and health.lost_because is LostBecause.NOTHING_ARRIVES
        and health.rtp_since_at is not None
        and sample.last_rtp_at > health.since_at
    )


def _is_steady(health: Health, now: float, policy: Policy) -> bool:
    """Whether RTP has been continuous for long enough."""
    since_at = health.rtp_since_at
    return since_at is not None and now - since_at >= policy.recovered_after_s


def _stood_still(health: Health, sample: ConnectionSample, policy: Policy) -> bool:
    """Whether the picture was frozen before this level was entered, and no frame came since."""
    if health.froze_at is None:
        return False
    until_at = health.froze_at[1]
    newest_at = sample.last_frame_at + policy.frozen_after_s
    return newest_at <= until_at <= health.since_at


def _assess_flowing(
    health: Health, sample: ConnectionSample, rough: bool, now: float, policy: Policy
) -> Health:
    """RTP flows: decides when a worse level ends (Rules 1 to 3), and whether DEGRADED begins."""
    if health.level in (HealthLevel.STALLED, HealthLevel.NO_MEDIA):
        frame_arrived = sample.last_frame_at > health.since_at
        picture = frame_arrived or _stood_still(health, sample, policy)
        if not (_is_steady(health, now, policy) and picture):
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
    """LOST because nothing arrives, or at once by hard evidence."""
    if health.level is HealthLevel.LOST:
        return health
    return replace(_enter(health, HealthLevel.LOST, now), lost_because=LostBecause.NOTHING_ARRIVES)


def stalled(health: Health, now: float) -> Health:
    """A hint, not a proof (network change, one send error): STALLED at once."""
    if health.level in (HealthLevel.LOST, HealthLevel.STALLED):
        return health
    return _enter(health, HealthLevel.STALLED, now)


def _enter(
    health: Health, level: HealthLevel, now: float, *, since_at: float | None = None
) -> Health:
    """`since_at`: when the trouble began, if that was earlier than now."""
    if level is health.level:
        return health
    if level is HealthLevel.HEALTHY:
        trouble = None
    else:
        began_at = now if since_at is None else since_at
        trouble = began_at if health.trouble_since_at is None else health.trouble_since_at
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
        answers_due_from_at=now,
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
