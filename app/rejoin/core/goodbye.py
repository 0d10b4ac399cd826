"""When a goodbye that seems to be lost is sent again (reconnect.md, "Detecting a drop").

A goodbye is said when the path may be dead. If RTP still comes a while later, the host has not
heard it and still plays for nobody: the same datagrams go out again. If it was heard after all,
replay protection discards them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core.model import Policy


@dataclass(frozen=True, slots=True)
class SaidGoodbye:
    """A goodbye that was sent. `rtt_s`: smoothed, None if unknown. `again`: how often it was sent
    again, the last time at `sent_at`."""

    said_at: float
    rtt_s: float | None
    sent_at: float
    again: int = 0


def said(now: float, rtt_s: float | None) -> SaidGoodbye:
    return SaidGoodbye(now, rtt_s, now)


def after_rtp(goodbye: SaidGoodbye, now: float, policy: Policy) -> SaidGoodbye | None:
    """RTP arrived after the goodbye: the new value if the goodbye is sent again now, else None.

    It is not sent again if the RTP may have been under way, the last copy is too recent, or it was
    sent often enough.
    """
    rtts_s = policy.goodbye_heard_within_rtts * (goodbye.rtt_s or 0.0)
    if now - goodbye.said_at <= max(policy.goodbye_heard_within_s, rtts_s):
        return None
    if goodbye.again >= policy.goodbye_again_times:
        return None
    if goodbye.again and now - goodbye.sent_at < policy.goodbye_again_every_s:
        return None
    return replace(goodbye, sent_at=now, again=goodbye.again + 1)
