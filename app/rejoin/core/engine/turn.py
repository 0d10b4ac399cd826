"""The backend's queues: a place in one is kept by asking again in time (Rule 23)."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.model import Ending, EndingKind, Turn
from rejoin.core.phases import Attempt, Backoff, Episode
from rejoin.core.retry import Failure


def wait_for_turn(t: Transition, episode: Episode, attempt: Attempt, failure: Failure) -> None:
    """Ask again before the place lapses, with the identical request.

    Nothing has failed, so no backoff grows, and the estimate of our turn ends nothing. The service
    was not called, so the pauses that it is owed (`enter`) delay no ask. Only a Retry-After that is
    no pace of a queue and lies past the last moment for a request ends, as busy.
    """
    policy, last_start_at = t.policy, t.last_start_at(episode)
    asked_s = failure.retry_after_s or 0.0
    if asked_s > policy.turn_ask_max_s and t.now + asked_s > last_start_at:
        enter.confirming_end(t, episode, Ending(EndingKind.BUSY, detail=failure.detail))
        return
    not_before_at = max(t.now + max(asked_s, policy.turn_ask_s), t.create_not_before_at())
    spread_at = not_before_at + t.draw() * policy.turn_spread_s
    # An ask does not miss the last moment for one; when that has passed, the end is confirmed.
    until_at = max(not_before_at, min(spread_at, last_start_at))
    t.phase = Backoff(episode, until_at, _placed(t, attempt, failure), not_before_at)


def wait_to_start(t: Transition, attempt: Attempt, failure: Failure, busy: Ending) -> None:
    """A place in the backend's queue of starts: ask again before it lapses, as often as it takes.

    Nothing has failed, so no try is counted; the player sees the place and may cancel. Only a
    Retry-After that is no pace of a queue ends the start, as `busy`.
    """
    asked_s = failure.retry_after_s or 0.0
    if asked_s > t.policy.start_deadline_s:
        enter.ended(t, busy)
        return
    wait_s = max(asked_s, t.policy.turn_ask_s)
    spread_s = t.draw() * t.policy.turn_spread_s
    enter.start_backoff(t, _placed(t, attempt, failure), wait_s + spread_s, wait_s)


def _placed(t: Transition, attempt: Attempt, failure: Failure) -> Attempt:
    """The attempt with the place that the backend has named."""
    in_s = failure.turn_in_s
    turn = Turn(failure.place, None if in_s is None else t.now + in_s)
    return replace(attempt, turn=turn)
