"""A sample of the dropped connection: what it proves, and whether the connection heals (Rule 2)."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import commands, deadline, health
from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, ConnectionSample, HealthLevel
from rejoin.core.phases import Episode


def heal_if_possible(
    t: Transition,
    episode: Episode,
    old: ConnectionNumber,
    sample: ConnectionSample,
    *,
    allowed: bool = True,
) -> bool:
    """Judge a sample of the old connection. Returns whether it is live again.

    `allowed`: False while a create request is in flight.
    """
    previous = t.facts.sample
    note_sample(t, sample)
    current = t.facts.health
    if current is None or not allowed or not may_heal(episode):
        return False  # packets that still arrive do not make the connection live
    asked = previous is not None and health.rtp_is_back(current, previous)
    after = health.assess(current, sample, t.now, t.policy)
    t.facts = replace(t.facts, health=after)
    if after.level is not HealthLevel.LOST:
        enter.healed(t, episode, old, asked=asked)
        return True
    # RTP without a frame: the decoder needs a key frame, and a muted connection cannot ask for it.
    is_back = health.rtp_is_back(after, sample)
    if is_back and not asked:
        enter.unmute(t, old)
    elif asked and not is_back:
        t.do(commands.Mute(old))
    return False


def note_sample(t: Transition, sample: ConnectionSample) -> None:
    """Note what a sample proves about the window; it does so even if nothing may heal."""
    t.facts = replace(t.facts, sample=sample, window=deadline.on_sample(t.facts.window, sample))


def may_heal(episode: Episode) -> bool:
    """Rule 2: whether the old connection may still become live again."""
    return (
        episode.goodbye_at is None
        and episode.offer_maybe_accepted_at is None
        and episode.service_released_at is None
        and episode.cause is None
    )
