"""Backoff and AwaitingService: what happens between two tries."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import events, retry
from rejoin.core.engine import enter, healing
from rejoin.core.engine.polls import end_refused, poll_is_refused
from rejoin.core.engine.requesting import answered
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HardEvidence, SessionView
from rejoin.core.phases import AwaitingService, Backoff, Waiting
from rejoin.core.retry import Action, Failure, FailureKind, Wait
from rejoin.service_model.status import CONNECTED, is_terminal


def on_backoff(t: Transition, phase: Backoff, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.WakeupDue():
            try_again(t, phase)
        case events.TryNowRequested() if t.now >= phase.not_before_at:
            try_again(t, phase)
        case events.NetworkFound():
            network_found(t, phase)
        case events.AnswerArrived(number) if phase.attempt and phase.attempt.was_sent_as(number):
            # Later than our time-out, but it is the answer to this attempt's offer.
            answered(t, phase.episode, phase.attempt, event)
        case events.HardEvidenceSeen(connection, evidence) if concerns_attempt(
            phase, connection, evidence
        ):
            address_lost(t, phase)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            healing.heal_if_possible(t, phase.episode, connection, sample)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            recover_answer(t, phase, view)
        case events.StatusFailed(failure=failure) if poll_is_refused(t, failure):
            end_refused(t, failure)
        case events.StatusFailed(failure=failure) if not_found_again(phase, failure):
            enter.ended(t, Ending(EndingKind.NOT_FOUND, detail=failure.detail))
        case events.Woke():
            t.poll_status()
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.StatusFailed() | events.NetworkLost():
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


def try_again(t: Transition, phase: Backoff) -> None:
    """The wait is over. A try may start exactly at the last moment for one (Rule 5)."""
    if not t.time_for_a_try(phase.episode):
        enter.confirming_end(t, phase.episode, Ending(EndingKind.UNCONFIRMED))
    elif phase.attempt is not None:
        enter.requesting(t, phase.episode, phase.attempt)
    else:
        enter.offering(t, phase.episode)


def network_found(t: Transition, phase: Backoff) -> None:
    """End the backoff, unless a Retry-After runs or a network came back just before
    (`Transition.network_came_back`)."""
    if phase.attempt is not None and phase.attempt.maybe_received == 0:
        # The service does not have this offer, so it can be replaced by one that works from the
        # new network.
        t.close_attempts(phase.episode)
        t.phase = phase = replace(phase, attempt=None)
    if t.now >= phase.not_before_at and t.backoff_was_reset():
        try_again(t, phase)


def on_awaiting_service(t: Transition, phase: AwaitingService, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            if not recover_answer(t, phase, view):
                status_arrived(t, phase, view)
        case events.StatusFailed(failure=failure) if poll_is_refused(t, failure):
            end_refused(t, failure)
        case events.StatusFailed(failure=failure) if not_found_again(phase, failure):
            enter.ended(t, Ending(EndingKind.NOT_FOUND, detail=failure.detail))
        case events.StatusFailed(failure=failure):
            poll_failed(t, phase, failure)
        case events.WakeupDue():
            watch_again(t, phase)
        case events.TryNowRequested() | events.NetworkFound() if (
            phase.then is Action.WAIT_FOR_SERVICE
        ):
            t.poll_status()
        case events.TryNowRequested() if t.now >= phase.not_before_at:
            watch_again(t, phase)
        case events.NetworkFound() if t.now >= phase.not_before_at and t.backoff_was_reset():
            watch_again(t, phase)
        case events.AnswerArrived(number) if phase.attempt and phase.attempt.was_sent_as(number):
            # Later than our time-out, but it is the answer to this attempt's offer.
            answered(t, phase.episode, phase.attempt, event)
        case events.HardEvidenceSeen(connection, evidence) if concerns_attempt(
            phase, connection, evidence
        ):
            address_lost(t, phase)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            healing.heal_if_possible(t, phase.episode, connection, sample)
        case events.Woke():
            t.poll_status()
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.NetworkLost() | events.NetworkFound():
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


def status_arrived(t: Transition, phase: AwaitingService, view: SessionView) -> None:
    """Make an offer if the service would accept it now; else keep polling."""
    episode = phase.episode
    settled = replace(episode, offer_maybe_accepted_at=None, unknown_outcomes=0)
    if view.status not in enter.REFUSING:
        t.close_attempts(episode)
        enter.offering(t, settled)
    elif view.status == CONNECTED and phase.then is Action.POLL_STATUS:
        t.close_attempts(episode)
        enter.awaiting_service(t, replace(settled, service_released_at=None))
    elif view.status == CONNECTED:
        enter.awaiting_service(t, replace(episode, service_released_at=None))
    else:
        until_at = t.watch_until_at(episode)
        t.phase = replace(phase, until_at=until_at)
        t.watch_status()


def poll_failed(t: Transition, phase: AwaitingService, failure: Failure) -> None:
    """Poll again after a backoff, but no later than a try may still start."""
    episode = phase.episode
    episode = replace(episode, failure_kinds=episode.failure_kinds | {failure.kind})
    wait_s = retry.backoff_s(Wait.USUAL, t.failed_calls(), t.policy, t.draw)
    t.count_failed_poll()
    not_before_at = 0.0 if failure.retry_after_s is None else t.now + failure.retry_after_s
    until_at = max(t.now + wait_s, not_before_at)
    t.phase = replace(
        phase,
        episode=episode,
        until_at=min(until_at, max(t.now, t.last_start_at(episode))),
        not_before_at=not_before_at,
    )


def watch_again(t: Transition, phase: AwaitingService) -> None:
    """No answer in time: poll again, or give up at the last moment for a try (Rule 5)."""
    if t.now >= t.last_start_at(phase.episode):
        enter.confirming_end(t, phase.episode, Ending(EndingKind.UNCONFIRMED))
    elif phase.then is Action.WAIT_FOR_SERVICE:
        enter.awaiting_service(t, phase.episode)
    else:
        enter.polling(t, phase)


# --- both -----------------------------------------------------------------------------------------


def recover_answer(t: Transition, phase: Backoff | AwaitingService, view: SessionView) -> bool:
    """Connect if the status holds the lost answer to the attempt's offer (Rule 6)."""
    episode, attempt = phase.episode, phase.attempt
    if (
        attempt is None
        or view.signal_response is None
        or view.signal_request_sha256 != attempt.sha256
    ):
        return False
    sent_at = episode.offer_maybe_accepted_at
    create_requested_at = t.now if sent_at is None else sent_at
    enter.connecting(t, attempt.connection, episode, create_requested_at, view.signal_response)
    return True


def concerns_attempt(phase: Waiting, connection: ConnectionNumber, evidence: HardEvidence) -> bool:
    """Whether the evidence is certain, and about the attempt's own connection."""
    certain = evidence is not HardEvidence.UNREACHABLE
    return certain and phase.attempt is not None and phase.attempt.connection == connection


def address_lost(t: Transition, phase: Waiting) -> None:
    """Rule 14: the attempt's offer has become useless. A Retry-After still holds."""
    t.close_attempts(phase.episode)
    enter.backoff_to_new_offer(t, phase.episode, Wait.NONE, not_before_at=phase.not_before_at)


def not_found_again(phase: Waiting, failure: Failure) -> bool:
    """Whether this is the second time that the backend does not know the game."""
    kind = failure.kind
    return kind is FailureKind.NOT_FOUND and kind in phase.episode.failure_kinds
