"""Judges failed status polls, for every phase that polls."""

from __future__ import annotations

from rejoin.core import retry
from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.model import Ending, EndingKind
from rejoin.core.retry import Action, Failure, FailureKind


def poll_again_s(t: Transition, failure: Failure) -> float:
    """The pause before the next poll."""
    return max(t.policy.poll_pause_s, failure.retry_after_s or 0.0)


def poll_is_refused(t: Transition, failure: Failure) -> bool:
    """Whether no later poll can succeed: after two 401 in a row, or if `retry` says END."""
    if failure.kind is FailureKind.UNAUTHENTICATED:
        return t.facts.refused_sign_ins > 1
    return retry.RULES[failure.kind].first is Action.END


def end_refused(t: Transition, failure: Failure) -> None:
    rule = retry.RULES[failure.kind]
    enter.ended(t, Ending(rule.ending or EndingKind.UNCONFIRMED, detail=failure.detail))
