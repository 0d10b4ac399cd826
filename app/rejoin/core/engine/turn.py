"""The backend's queues: repeating the request in time keeps our place (Rule 23)."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.model import Ending, EndingKind, Turn
from rejoin.core.phases import Attempt, Backoff, Episode
from rejoin.core.retry import Failure


def wait_for_turn(t: Transition, episode: Episode, attempt: Attempt, failure: Failure) -> None:
    """Repeat the identical request before the place lapses.

    Nothing has failed, so no backoff grows, and the estimate of our turn ends nothing. The service
    was not called, so the pauses between create calls (`enter`) do not apply. Only a Retry-After
    that is too long for a queue and lies past the last moment for a request ends the game, as busy.
    """
    policy, last_start_at = t.policy, t.last_start_at(episode)
    asked_s = failure.retry_after_s or 0.0
    if asked_s > policy.turn_ask_max_s and t.now + asked_s > last_start_at:
        enter.confirming_end(t, episode, Ending(EndingKind.BUSY, detail=failure.detail))
        return
    not_before_at = max(t.now + max(asked_s, policy.turn_ask_s), t.create_not_before_at())
    spread_at = not_before_at + t.draw() * policy.turn_spread_s
    # The last request is not later than the last moment for one; after that the end is confirmed.
    until_at = max(not_before_at, min(spread_at, last_start_at))
    t.phase = Backoff(episode, until_at, _placed(t, attempt, failure), not_before_at)


def wait_to_start(t: Transition, attempt: Attempt, failure: Failure, busy: Ending) -> None:
    """A place in the backend's queue of starts: repeat the request before it lapses, without a
    limit.

    Nothing has failed, so no try is counted; the player sees the place and may cancel. Only a
    Retry-After that is too long for a queue ends the start, as `busy`.
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
