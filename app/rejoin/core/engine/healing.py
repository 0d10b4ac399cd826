"""The dropped connection is heard again: what its sample proves, and whether it heals (Rule 2)."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import deadline, health
from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, ConnectionSample, HealthLevel
from rejoin.core.phases import Episode


def heals(
    t: Transition,
    episode: Episode,
    old: ConnectionNumber,
    sample: ConnectionSample,
    *,
    allowed: bool = True,
) -> bool:
    """Take a sample of the old connection; whether it is live again.

    `allowed`: False while a create request is on the wire.
    """
    note_sample(t, sample)
    current = t.facts.health
    if current is None or not allowed or not may_heal(episode):
        return False  # what still trickles in does not make it live
    after = health.assess(current, sample, t.now, t.policy)
    t.facts = replace(t.facts, health=after)
    if after.level is HealthLevel.LOST:
        return False
    enter.healed(t, episode, old)
    return True


def note_sample(t: Transition, sample: ConnectionSample) -> None:
    """What a sample proves of the window, whether the connection may heal or not."""
    t.facts = replace(t.facts, sample=sample, window=deadline.on_sample(t.facts.window, sample))


def may_heal(episode: Episode) -> bool:
    """Rule 2: nothing has happened that makes the old connection useless."""
    return (
        episode.goodbye_at is None
        and episode.offer_maybe_accepted_at is None
        and episode.service_released_at is None
        and episode.cause is None
    )
