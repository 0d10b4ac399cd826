"""ConfirmingEnd and TerminatingSession: how a game ends, and how the end is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, events, retry
from rejoin.core.engine import enter, healing
from rejoin.core.engine.polls import end_refused, poll_again_s, poll_is_refused
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, ConnectionSample, Ending, EndingKind, SessionView
from rejoin.core.phases import ConfirmingEnd, TerminatingSession
from rejoin.core.retry import NO_ANSWER, NOT_REACHED, UNREACHED, Action, Failure, FailureKind
from rejoin.service_model.status import API_TERMINATED, is_terminal

_SERVICE_DECIDES = frozenset({EndingKind.UNCONFIRMED, EndingKind.GAME_ENDED})
"""Fallbacks with which the status is polled until time is up; the others need one poll only."""

_MAY_PASS = UNREACHED | {FailureKind.THROTTLED, FailureKind.QUEUED, FailureKind.CONFLICT}
"""Failures of the call that ends a game after which another call may succeed. A conflict means
ACTIVATING, in which the service ends no game; once there is a host it does."""


def on_confirming_end(t: Transition, phase: ConfirmingEnd, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            status_arrived(t, phase, view)
        case events.StatusFailed(failure=failure) if poll_is_refused(t, failure):
            end_refused(t, failure)
        case events.StatusFailed(failure=failure):
            poll_failed(t, phase, failure)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            old_sampled(t, phase, connection, sample)
        case events.WakeupDue():
            enter.ended(t, phase.fallback)
        case events.Woke():
            t.phase = replace(phase, until_at=max(phase.until_at, t.poll_timeout_at()))
            t.poll_status()
        case events.NetworkFound():
            t.poll_status()
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.NetworkLost():
            pass
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


def status_arrived(t: Transition, phase: ConfirmingEnd, view: SessionView) -> None:
    if t.continued_elsewhere():
        enter.ended(t, Ending(EndingKind.CONTINUED_ELSEWHERE, status=view.status))
    elif may_try_after_all(t, phase):
        enter.offering(t, phase.episode)
    elif phase.fallback.kind in _SERVICE_DECIDES:
        t.watch_status(after_s=t.policy.poll_pause_s)
    else:
        enter.ended(t, phase.fallback)


def may_try_after_all(t: Transition, phase: ConfirmingEnd) -> bool:
    """Whether there turned out to be more time than was known."""
    unconfirmed = phase.fallback.kind is EndingKind.UNCONFIRMED
    return unconfirmed and t.time_for_a_try(phase.episode)


def poll_failed(t: Transition, phase: ConfirmingEnd, failure: Failure) -> None:
    if failure.kind is FailureKind.NOT_FOUND:
        enter.ended(t, Ending(EndingKind.NOT_FOUND, detail=failure.detail))
    elif phase.fallback.kind in _SERVICE_DECIDES:
        t.poll_status(after_s=poll_again_s(t, failure))
    else:
        enter.ended(t, phase.fallback)


def old_sampled(
    t: Transition, phase: ConfirmingEnd, old: ConnectionNumber, sample: ConnectionSample
) -> None:
    """The old connection heals, or its sample proves that there is more time."""
    if not healing.heal_if_possible(t, phase.episode, old, sample) and may_try_after_all(t, phase):
        enter.offering(t, phase.episode)


def on_terminating_session(  # noqa: C901 - plain dispatch
    t: Transition, phase: TerminatingSession, event: events.Event
) -> None:
    match event:
        case events.SessionTerminated():
            enter.ended(t, phase.ending)
        case events.TerminateFailed(failure) if phase.again_at is None:
            terminate_failed(t, phase, failure)
        case events.WakeupDue() if phase.again_at is None:
            terminate_failed(t, phase, NO_ANSWER)
        case events.WakeupDue():
            enter.call_terminate(t, phase)
        case events.TryNowRequested() if may_call_now(t, phase):
            enter.call_terminate(t, phase)
        case events.NetworkFound() if may_call_now(t, phase) and t.backoff_was_reset():
            enter.call_terminate(t, phase)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, ended_meanwhile(t, phase))
        case events.CloseForNowRequested():
            enter.ended(t, Ending(EndingKind.UNCONFIRMED, status=t.facts.status))
        case events.EndGameRequested():
            pass  # that is already under way
        case events.StatusArrived():
            pass  # noted in the facts
        case events.StatusFailed() | events.NetworkLost() | events.NetworkFound() | events.Woke():
            pass
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


def may_call_now(t: Transition, phase: TerminatingSession) -> bool:
    """Whether no call is in flight and no Retry-After runs."""
    return phase.again_at is not None and t.now >= phase.not_before_at


def ended_meanwhile(t: Transition, phase: TerminatingSession) -> Ending:
    """Rule 8, except for a game that our own call ended, or that the player never was in."""
    ours = t.facts.reason == API_TERMINATED or phase.ending.kind is EndingKind.CANCELLED
    return phase.ending if ours else t.game_ended()


def terminate_failed(t: Transition, phase: TerminatingSession, failure: Failure) -> None:
    """Call again until the game is surely over (Rule 24), or the backend's refusal is final."""
    if failure.kind is FailureKind.UNAUTHENTICATED:
        t.do(commands.RefreshSignIn())
    t.note_call(failure)
    if failure.kind is FailureKind.NOT_FOUND:
        enter.ended(t, phase.ending)
        return
    phase = replace(phase, refused=phase.refused + (failure.kind not in _MAY_PASS))
    if refused_for_good(t, phase, failure) or t.now >= phase.over_at:
        could_not_end(t, phase, failure)
        return
    offline = t.facts.offline_since_at is not None and failure.kind in NOT_REACHED
    not_before_at = 0.0 if failure.retry_after_s is None else t.now + failure.retry_after_s
    if not_before_at > phase.over_at:
        could_not_end(t, phase, failure)
        return
    pause_s = retry.terminate_pause_s(phase.tries, t.policy, t.draw)
    again_at = max(min(t.now + pause_s, phase.over_at), not_before_at)
    delayed_by = phase.delayed_by
    late = t.now - phase.began_at >= t.policy.terminate_late_after_s
    if offline or late or phase.tries >= t.policy.terminate_tries:
        delayed_by = failure.kind
    t.phase = replace(
        phase,
        until_at=again_at,
        again_at=again_at,
        not_before_at=not_before_at,
        delayed_by=delayed_by,
    )


def refused_for_good(t: Transition, phase: TerminatingSession, failure: Failure) -> bool:
    """Whether another call would be refused like this one. For a game that cannot be joined only a
    few calls are made: nobody requested its end, and the player waits to read why."""
    if retry.RULES[failure.kind].first is Action.END:
        return True
    if failure.kind is not FailureKind.INVALID and failure.retryable is False:
        return True
    calls = phase.tries if phase.ending.kind in enter.CANNOT_JOIN else phase.refused
    return calls >= t.policy.terminate_tries


def could_not_end(t: Transition, phase: TerminatingSession, failure: Failure) -> None:
    if phase.ending.kind in enter.CANNOT_JOIN:
        enter.ended(t, phase.ending)
    else:
        enter.ended(t, Ending(EndingKind.UNCONFIRMED, status=t.facts.status, detail=failure.detail))
