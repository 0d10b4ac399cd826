"""Offering and Requesting: a fresh offer is made and sent to the service."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, events, retry
from rejoin.core.engine import enter, healing
from rejoin.core.engine.transition import Transition
from rejoin.core.engine.turn import wait_for_turn
from rejoin.core.model import Ending, EndingKind, HardEvidence
from rejoin.core.phases import Attempt, Episode, Offering, Requesting
from rejoin.core.retry import NO_ANSWER, Action, Failure, FailureKind, Rule, Wait
from rejoin.service_model.status import Status, is_terminal


def on_offering(t: Transition, phase: Offering, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.OfferMade(connection) if connection == phase.connection:
            enter.requesting(t, phase.episode, t.new_attempt(event))
        case events.OfferFailed(connection) if connection == phase.connection:
            offer_failed(t, phase)
        case events.WakeupDue():
            offer_failed(t, phase)
        case events.HardEvidenceSeen(connection, evidence) if (
            connection == phase.connection and evidence is not HardEvidence.UNREACHABLE
        ):
            offer_again(t, phase)
        case events.NetworkFound():
            offer_again(t, phase)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            healing.heal_if_possible(t, phase.episode, connection, sample)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived():
            pass  # noted in the facts
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.StatusFailed() | events.NetworkLost() | events.Woke():
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


def offer_failed(t: Transition, phase: Offering) -> None:
    t.close_attempts(phase.episode)
    enter.backoff_to_new_offer(t, phase.episode)


def offer_again(t: Transition, phase: Offering) -> None:
    """Rule 14: the offer was made for the former network."""
    t.close_attempts(phase.episode)
    enter.offering(t, phase.episode)


def on_requesting(t: Transition, phase: Requesting, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    attempt = phase.attempt
    match event:
        case events.RequestWritten(number, try_number) if (number, try_number) == (
            attempt.number,
            attempt.tries,
        ):
            written(t, phase)
        case events.AnswerArrived(number) if number == attempt.number:
            answered(t, phase.episode, attempt, event)
        case events.ReconnectFailed(number, try_number, _, failure) if (number, try_number) == (
            attempt.number,
            attempt.tries,
        ):
            request_failed(t, phase, failure)
        case events.WakeupDue():
            request_failed(t, phase, NO_ANSWER)
        case events.HardEvidenceSeen(connection, evidence) if (
            connection == attempt.connection and evidence is not HardEvidence.UNREACHABLE
        ):
            address_lost(t, phase)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            allowed = phase.written_at is None
            healing.heal_if_possible(t, phase.episode, connection, sample, allowed=allowed)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived():
            pass  # noted in the facts
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
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


def written(t: Transition, phase: Requesting) -> None:
    """From now on the service may accept the offer: the old connection cannot heal (Rule 2)."""
    episode = phase.episode
    if episode.offer_maybe_accepted_at is None:
        episode = replace(episode, offer_maybe_accepted_at=t.now)
    t.facts = replace(t.facts, create_sent_at=t.now)
    t.phase = replace(phase, episode=episode, written_at=t.now)


def answered(
    t: Transition, episode: Episode, attempt: Attempt, event: events.AnswerArrived
) -> None:
    if attempt.turn is None:  # the backend may have held the call until its turn
        t.measure_call(event.requested_at)
    t.note_call(None)
    t.facts = replace(t.facts, status=None)
    # A repeated request may be answered for its first try: the window began with that one.
    sent_at = episode.offer_maybe_accepted_at
    create_requested_at = event.requested_at if sent_at is None else sent_at
    enter.connecting(t, attempt.connection, episode, create_requested_at, event.signal_response)


def address_lost(t: Transition, phase: Requesting) -> None:
    """Rule 14: the attempt's connection has lost its address, so make a new offer.

    Its request left from the lost address, and an answer to it could not be used.
    """
    episode = phase.episode
    if phase.written_at is not None:
        episode = replace(episode, unknown_outcomes=episode.unknown_outcomes + 1)
    if not episode.unknown_outcomes:
        episode = replace(episode, offer_maybe_accepted_at=None)
    t.close_attempts(episode)
    enter.backoff_to_new_offer(t, episode, Wait.NONE)


def request_failed(t: Transition, phase: Requesting, failure: Failure) -> None:
    """Do what the table of `retry` says."""
    rule = retry.RULES[failure.kind]
    t.note_call(failure)
    if failure.session_status is not None:
        status = Status(failure.session_status)
        t.facts = replace(t.facts, status=status, unnoticed_until_at=None)
        if is_terminal(status):
            enter.confirming_end(t, phase.episode, t.game_ended())
            return
    action = action_for(phase, failure)
    episode, attempt = note_failure(phase, failure, rule)
    if action is Action.SAME_BYTES and attempt.maybe_received >= t.policy.tries_per_attempt:
        action = Action.POLL_STATUS
    do_next(t, episode, attempt, supported(t, action), failure)


def action_for(phase: Requesting, failure: Failure) -> Action:
    """The action of `retry`, for the first time or again; after a conflict the status decides."""
    # Which error AWS returns in a wrong status is unknown, so a reported status counts first.
    wrong_status = failure.kind is FailureKind.INVALID and failure.session_status is not None
    conflict = failure.kind is FailureKind.CONFLICT and failure.code != "IN_FLIGHT"
    if wrong_status or conflict:
        return retry.on_conflict(failure.session_status)
    rule = retry.RULES[failure.kind]
    scope = phase.episode if rule.per_episode else phase.attempt
    return rule.again if failure.kind in scope.failure_kinds else rule.first


def supported(t: Transition, action: Action) -> Action:
    """The action, or NEW_OFFER if the backend's dialect does not support the action."""
    if action is Action.SAME_BYTES and not t.policy.forwards_token:
        return Action.NEW_OFFER
    polls = action in (Action.POLL_STATUS, Action.WAIT_FOR_SERVICE)
    if polls and not t.policy.reports_status:
        return Action.NEW_OFFER
    return action


def note_failure(phase: Requesting, failure: Failure, rule: Rule) -> tuple[Episode, Attempt]:
    """The episode and the attempt after this failure."""
    episode, attempt = phase.episode, phase.attempt
    attempt = replace(
        attempt,
        failure_kinds=attempt.failure_kinds | {failure.kind},
        turn=None,
        maybe_received=attempt.maybe_received + (1 if rule.maybe_received else 0),
    )
    unknown = episode.unknown_outcomes + (0 if rule.refused_for_certain else 1)
    episode = replace(
        episode,
        failure_kinds=episode.failure_kinds | {failure.kind},
        unknown_outcomes=unknown,
        offer_maybe_accepted_at=episode.offer_maybe_accepted_at if unknown else None,
    )
    return episode, attempt


def do_next(
    t: Transition, episode: Episode, attempt: Attempt, action: Action, failure: Failure
) -> None:
    rule = retry.RULES[failure.kind]
    match action:
        case Action.END:
            ending = Ending(rule.ending or EndingKind.UNCONFIRMED, detail=failure.detail)
            end_or_confirm(t, episode, ending)
        case Action.WAIT_FOR_SERVICE:
            t.close_attempts(episode)
            t.count_failure()
            enter.awaiting_service(t, replace(episode, service_released_at=None))
        case Action.NEW_OFFER:
            t.close_attempts(episode)
            enter.backoff_to_new_offer(t, episode, failure=failure)
        case Action.REFRESH_SIGN_IN:
            t.do(commands.RefreshSignIn())
            if t.policy.forwards_token:
                enter.requesting(t, episode, attempt)
            else:
                t.close_attempts(episode)
                enter.offering(t, episode)
        case Action.SAME_BYTES if rule.wait is Wait.TURN:
            wait_for_turn(t, episode, attempt, failure)
        case Action.SAME_BYTES:
            enter.backoff_to_same_bytes(t, episode, attempt, rule.wait, failure)
        case Action.POLL_STATUS:
            enter.backoff_to_poll(t, episode, attempt, rule.wait, failure)
        case _:
            assert_never(action)


def end_or_confirm(t: Transition, episode: Episode, ending: Ending) -> None:
    """Endings that the service did not report itself are confirmed by a poll first."""
    if ending.kind in (EndingKind.NOT_FOUND, EndingKind.OFFER_REFUSED, EndingKind.BUSY):
        enter.confirming_end(t, episode, ending)
    else:
        enter.ended(t, ending)
