"""Live: the player plays, the detector judges each sample, and a drop begins an episode."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, events, health
from rejoin.core.engine import enter, healing, whose_fault
from rejoin.core.engine.polls import poll_again_s
from rejoin.core.engine.transition import Transition
from rejoin.core.model import (
    ConnectionSample,
    Ending,
    EndingKind,
    HardEvidence,
    HealthLevel,
    SessionView,
)
from rejoin.core.phases import Live
from rejoin.service_model.status import PENDING_CLIENT_RECONNECTION, is_terminal


def on_live(t: Transition, phase: Live, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.Sampled(connection, sample) if connection == phase.connection:
            sampled(t, phase, sample)
        case events.WakeupDue():
            judge(t, phase, late_s=t.now - phase.until_at)
        case events.HardEvidenceSeen(connection, evidence) if connection == phase.connection:
            hard_evidence(t, phase, evidence)
        case events.ConnectionFailed(connection) if connection == phase.connection:
            enter.dropped(t, phase, HardEvidence.DTLS_CLOSED)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(requested_at, view):
            status_arrived(t, phase, view, requested_at)
        case events.StatusFailed(failure=failure):
            if phase.checking_since_at is not None:
                t.poll_status(after_s=poll_again_s(t, failure))
        case events.NetworkFound() if phase.checking_since_at is not None:
            t.poll_status()  # a poll over the former network may never be answered
        case events.NetworkLost() | events.NetworkFound():
            suspect(t, phase)
        case events.Woke(asleep_s) if asleep_s > t.policy.sleep_is_drop_s:
            enter.dropped(t, phase)
        case events.Woke():
            suspect(t, phase)
        case events.ReconnectRequested() if health.offers_reconnect(t.facts.health):
            enter.dropped_for_good(t, phase, HardEvidence.PLAYER_ASKED)
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case (
            events.PlayerEvent()
            | events.ConnectionEvent()
            | events.AttemptEvent()
            | events.TerminationEvent()
            | events.ProbesFinished()
        ):
            t.stale()
        case _:
            assert_never(event)


def sampled(t: Transition, phase: Live, sample: ConnectionSample) -> None:
    healing.note_sample(t, sample)
    judge(t, phase)


def judge(t: Transition, phase: Live, *, late_s: float = 0.0) -> None:
    """Judge the newest sample, or the last one again when none came.

    `late_s`: how late our own loop ran; that time is not silence.
    """
    t.phase = phase = replace(phase, until_at=t.now + t.policy.sample_missing_s)
    before, sample = t.facts.health, t.facts.sample
    if before is None or sample is None:
        return
    if late_s != 0.0:
        sample = replace(sample, loop_lag_s=sample.loop_lag_s + late_s)
    after = health.assess(before, sample, t.now, t.policy)
    if after is not before:
        t.facts = replace(t.facts, health=after)
    saved_at = t.facts.ticket_saved_at
    if saved_at is None or t.now - saved_at >= t.policy.ticket_every_s:
        t.save_ticket()
    if after.level is not before.level:
        level_changed(t, phase, after.level)
    if after.frozen is not None and isinstance(t.phase, Live):
        picture_frozen(t, t.phase, newly=before.frozen is None)
    elif t.facts.frozen_reconnected_at is not None and _is_over(t, after):
        t.facts = replace(t.facts, frozen_reconnected_at=None)


def picture_frozen(t: Transition, phase: Live, *, newly: bool) -> None:
    """Sound arrives, the picture does not: a key frame, and at last a new connection (Rule 16)."""
    if newly:
        t.do(commands.RequestKeyFrame(phase.connection))
    current = t.facts.health
    assert current is not None
    if t.facts.frozen_reconnected_at is None and health.reconnects_frozen(current, t.now, t.policy):
        t.facts = replace(t.facts, frozen_reconnected_at=t.now)
        enter.dropped(t, phase, HardEvidence.PICTURE_FROZEN)


def _is_over(t: Transition, after: health.Health) -> bool:
    """Whether the picture has moved for so long that a freeze before it is over."""
    healthy = after.level is HealthLevel.HEALTHY
    return healthy and t.now - after.since_at >= t.policy.frozen_over_after_s


def level_changed(t: Transition, phase: Live, level: HealthLevel) -> None:
    match level:
        case HealthLevel.LOST:
            enter.dropped(t, phase)
            whose_fault.note_drop(t)
        case HealthLevel.STALLED:
            check_path(t, phase)
        case HealthLevel.NO_MEDIA:
            check_path(t, phase)
            t.do(commands.RequestKeyFrame(phase.connection))
        case HealthLevel.HEALTHY | HealthLevel.DEGRADED:
            if phase.checking_since_at is not None:
                t.phase = replace(phase, checking_since_at=None)
                t.do(commands.StopChecks(phase.connection))
            window = replace(t.facts.window, checking_since_at=None)
            t.facts = replace(t.facts, woke_at=None, window=window)
        case _:
            assert_never(level)


def check_path(t: Transition, phase: Live) -> None:
    """STALLED or NO_MEDIA: send connectivity checks, and poll the service's status."""
    if phase.checking_since_at is None:
        t.phase = replace(phase, checking_since_at=t.now)
        t.do(commands.StartChecks(phase.connection))
        t.poll_status_afresh()


def suspect(t: Transition, phase: Live) -> None:
    """A hint that the connection may be in trouble: check the path before it falls silent."""
    if t.facts.health is not None:
        t.facts = replace(t.facts, health=health.stalled(t.facts.health, t.now))
        check_path(t, phase)


def hard_evidence(t: Transition, phase: Live, evidence: HardEvidence) -> None:
    if evidence is HardEvidence.UNREACHABLE:
        # The OS reported this twice in a row. While a network changes, that lasts some tenths of a
        # second and heals, so silence decides; only a lost address is certain (docs/adr/0016).
        suspect(t, phase)
    else:
        enter.dropped(t, phase, evidence)


def status_arrived(t: Transition, phase: Live, view: SessionView, requested_at: float) -> None:
    if view.status == PENDING_CLIENT_RECONNECTION and requested_at >= phase.since_at:
        # The service reports the drop itself, so no poll is needed.
        if phase.checking_since_at is None:
            t.do(commands.StartChecks(phase.connection))
            phase = replace(phase, checking_since_at=t.now)
        enter.dropped(t, phase)
    elif phase.checking_since_at is not None:
        t.watch_status(after_s=t.pause_s(requested_at))
