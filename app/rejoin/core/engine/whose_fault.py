"""Whose fault it was, from the findings of a round of probes and the engine's own observations.

A verdict changes nothing that the engine does; it is for the player and the trace.
"""

from __future__ import annotations

from dataclasses import replace

from rejoin.core.engine.transition import Transition
from rejoin.core.model import Policy
from rejoin.core.phases import ActivePhase, Episode, Facts, episode_of
from rejoin.core.verdict import Findings, HostState, Verdict, judge


def note_findings(t: Transition, phase: ActivePhase, findings: Findings) -> None:
    """Findings that come after the end of their episode are stale."""
    episode = episode_of(phase)
    if episode is None:
        t.stale()
        return
    verdict = judge(findings, host_state(t.facts, episode, t.policy))
    t.facts = replace(t.facts, verdict=verdict)


def note_drop(t: Transition) -> None:
    """The verdict of a drop before any probe: the game server has stopped sending."""
    episode = episode_of(t.phase)
    if episode is not None:
        verdict = judge(Findings(), host_state(t.facts, episode, t.policy))
        t.facts = replace(t.facts, verdict=None if verdict is Verdict.NOT_KNOWN else verdict)


def host_state(facts: Facts, episode: Episode, policy: Policy) -> HostState:
    """The state of the game server, as far as its packets allow a verdict."""
    if facts.unheard_attempts > 0:
        return HostState.UNHEARD
    sample = facts.sample
    if sample is None or episode.cause is not None:
        return HostState.UNKNOWN  # a connection that ended for another reason proves nothing
    if sample.unanswered_since_at is not None:
        return HostState.UNKNOWN  # the way may be broken, or the game server gone
    if sample.video_missing:
        return HostState.UNKNOWN  # it says that it sends a picture, which is lost on the way
    # The last answer may be one interval older than the drop, after which goodbye was said.
    to_the_end = sample.last_packet_at >= episode.lost_at - 2 * policy.check_slow_every_s
    no_media = sample.last_packet_at - sample.last_rtp_at >= policy.no_media_after_s
    return HostState.CHECKS_ANSWERED if to_the_end and no_media else HostState.UNKNOWN
