"""Starting a game: Idle, StartOffering, StartRequesting, StartBackoff, Placing."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, deadline, events, retry
from rejoin.core.engine import enter, turn
from rejoin.core.engine.transition import Transition
from rejoin.core.model import Ending, EndingKind, HardEvidence, SessionView
from rejoin.core.phases import (
    Attempt,
    AwaitingService,
    FromTicket,
    Placing,
    StartBackoff,
    StartOffering,
    StartRequesting,
)
from rejoin.core.retry import NO_ANSWER, Action, Failure, FailureKind, Wait
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import ACTIVATING, is_terminal

_ENDINGS: dict[FailureKind, EndingKind] = {
    FailureKind.UNAUTHENTICATED: EndingKind.SIGN_IN_NEEDED,
    FailureKind.FORBIDDEN: EndingKind.NOT_ALLOWED,
    FailureKind.NOT_FOUND: EndingKind.NOT_FOUND,
    FailureKind.THROTTLED: EndingKind.BUSY,
    FailureKind.QUEUED: EndingKind.BUSY,
    FailureKind.OUTCOME_UNKNOWN: EndingKind.BACKEND_UNREACHABLE,
    FailureKind.CONFLICT: EndingKind.OFFER_REFUSED,
    FailureKind.STALE_ATTEMPT: EndingKind.CONTINUED_ELSEWHERE,
    FailureKind.REUSED_OFFER: EndingKind.OFFER_REFUSED,
    FailureKind.INVALID: EndingKind.OFFER_REFUSED,
    FailureKind.NOT_SENT: EndingKind.BACKEND_UNREACHABLE,
    FailureKind.TLS: EndingKind.BACKEND_UNTRUSTED,
    FailureKind.NOT_BACKEND: EndingKind.BACKEND_UNUSABLE,
}
"""How a start ends when it has failed for good."""

_MAY_PASS = frozenset(
    {
        FailureKind.NOT_SENT,
        FailureKind.OUTCOME_UNKNOWN,
        FailureKind.THROTTLED,
    }
)
"""Failures after which a start is tried again. A place in a queue of starts is `turn`'s."""

_ENDS_PLACING = frozenset({FailureKind.NOT_FOUND, FailureKind.UNAUTHENTICATED, FailureKind.TLS})
"""Failed polls that end a placement, besides those with which `retry` ends."""

_CANCELLED = Ending(EndingKind.CANCELLED)


def on_idle(t: Transition, event: events.Event) -> None:
    match event:
        case events.StartRequested():
            timeout_s = t.policy.connection_timeout_default_s
            t.facts = replace(t.facts, window=replace(t.facts.window, timeout_s=timeout_s))
            enter.start_offering(t, t.now + t.policy.connect_deadline_s)
        case events.RejoinRequested(state):
            rejoin(t, state)
        case events.CloseForNowRequested() | events.EndGameRequested():
            enter.ended(t, _CANCELLED)
        case events.StatusEvent() | events.MachineEvent():
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


def rejoin(t: Transition, state: RejoinState) -> None:
    """Enter an episode in the middle: no connection is open, and no status is known yet."""
    t.facts = replace(
        t.facts,
        session_id=state.session_id,
        attempts=state.attempt,
        from_ticket=FromTicket(t.now, state.attempt),
        window=deadline.from_ticket(state, t.now, t.policy),
    )
    episode = t.new_episode(t.now, None)
    if t.policy.reports_status:
        enter.polling(t, AwaitingService(episode, t.now, None))
    else:
        enter.offering(t, episode)


def on_start_offering(t: Transition, phase: StartOffering, event: events.Event) -> None:
    match event:
        case events.OfferMade(connection) if connection == phase.connection:
            enter.start_requesting(t, t.new_attempt(event))
        case events.OfferFailed(connection, detail) if connection == phase.connection:
            offer_failed(t, phase, detail)
        case events.HardEvidenceSeen(connection, evidence) if (
            connection == phase.connection and evidence is not HardEvidence.UNREACHABLE
        ):
            offer_again(t, phase)
        case events.NetworkFound():
            offer_again(t, phase)
        case events.CloseForNowRequested() | events.EndGameRequested():
            enter.ended(t, _CANCELLED)
        case events.WakeupDue():
            offer_failed(t, phase, "the offer took too long")
        case events.StatusEvent() | events.NetworkLost() | events.Woke():
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


def offer_failed(t: Transition, phase: StartOffering, detail: str) -> None:
    """Without a network no offer can be made; otherwise it is our own fault."""
    if t.facts.offline_since_at is None:
        enter.ended(t, Ending(EndingKind.INTERNAL, detail=detail))
        return
    t.close(phase.connection)
    enter.start_backoff(t, None, t.policy.backoff_cap_s)


def offer_again(t: Transition, phase: StartOffering) -> None:
    """Rule 14: the offer was made for the former network. The start keeps its deadline."""
    t.close(phase.connection)
    enter.start_offering(t, phase.until_at)


def on_start_requesting(t: Transition, phase: StartRequesting, event: events.Event) -> None:
    match event:
        case events.SessionStarted(number) if number == phase.attempt.number:
            started(t, phase.attempt, event)
        case events.StartFailed(number, failure) if number == phase.attempt.number:
            start_failed(t, phase.attempt, failure)
        case events.CloseForNowRequested() | events.EndGameRequested():
            enter.ended(t, _CANCELLED)
        case events.WakeupDue():
            start_failed(t, phase.attempt, NO_ANSWER)
        case events.StatusEvent() | events.NetworkLost() | events.NetworkFound() | events.Woke():
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


def ending_of(failure: Failure) -> Ending:
    """The ending of a start after this failure. A backend that answers is not called
    unreachable."""
    kind, status = _ENDINGS[failure.kind], failure.http_status
    if status is not None and 200 <= status < 300:
        kind = EndingKind.BACKEND_UNUSABLE  # an answer, but not of a Rejoin backend
    elif status is not None and kind is EndingKind.BACKEND_UNREACHABLE:
        kind = EndingKind.BACKEND_FAILED
    return Ending(kind, detail=failure.detail)


def start_failed(t: Transition, attempt: Attempt, failure: Failure) -> None:
    rule = retry.RULES[failure.kind]
    action = rule.again if failure.kind in attempt.failure_kinds else rule.first
    attempt = replace(
        attempt,
        failure_kinds=attempt.failure_kinds | {failure.kind},
        maybe_received=attempt.maybe_received + (1 if rule.maybe_received else 0),
    )
    t.note_call(failure)
    ending = ending_of(failure)
    if ending.kind is EndingKind.NOT_FOUND:
        ending = replace(ending, kind=EndingKind.STREAM_NOT_FOUND)
    if failure.kind is FailureKind.UNAUTHENTICATED and action is Action.REFRESH_SIGN_IN:
        t.do(commands.RefreshSignIn())
        enter.start_requesting(t, attempt)
        return
    may_pass = failure.kind in _MAY_PASS
    if failure.kind is FailureKind.QUEUED:
        turn.wait_to_start(t, attempt, failure, ending)
        return
    attempt = replace(attempt, turn=None)
    if failure.kind is FailureKind.OUTCOME_UNKNOWN and not t.policy.forwards_token:
        may_pass = False  # a second request could start a second game
    offline = t.facts.offline_since_at is not None
    if not offline:
        t.count_failure()
    if not may_pass or (not offline and t.facts.failures >= t.policy.start_tries):
        enter.ended(t, ending)
        return
    # With the same token the start is safe to repeat: the service carries it out once. Without a
    # network it is tried now and then, as the system may be wrong about that.
    wait_s = t.policy.backoff_cap_s
    if not offline:
        wait_s = retry.backoff_s(rule.wait, t.facts.failures, t.policy, t.draw)
    if max(wait_s, failure.retry_after_s or 0.0) > t.policy.start_deadline_s:
        enter.ended(t, replace(ending, kind=EndingKind.BUSY))
        return
    enter.start_backoff(t, attempt, wait_s, failure.retry_after_s)


def on_start_backoff(t: Transition, phase: StartBackoff, event: events.Event) -> None:
    match event:
        case events.SessionStarted(number) if phase.attempt and number == phase.attempt.number:
            started(t, phase.attempt, event)  # the answer came after our time-out
        case events.WakeupDue():
            start_again(t, phase)
        case events.TryNowRequested() if t.now >= phase.not_before_at:
            start_again(t, phase)
        case events.NetworkFound():
            network_found(t, phase)
        case events.CloseForNowRequested() | events.EndGameRequested():
            enter.ended(t, _CANCELLED)
        case events.StatusEvent() | events.NetworkLost() | events.Woke():
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


def start_again(t: Transition, phase: StartBackoff) -> None:
    if phase.attempt is None:
        enter.start_offering(t, t.now + t.policy.connect_deadline_s)
    else:
        enter.start_requesting(t, phase.attempt)


def network_found(t: Transition, phase: StartBackoff) -> None:
    """Rule 14: an offer that the service certainly does not have is replaced, since it was made for
    the former network. Rule 20: only a Retry-After is a reason to wait any longer."""
    if phase.attempt is not None and phase.attempt.maybe_received == 0:
        t.close(phase.attempt.connection)
        t.phase = phase = replace(phase, attempt=None)
    if t.now >= phase.not_before_at and t.backoff_was_reset():
        start_again(t, phase)


def started(t: Transition, attempt: Attempt, event: events.SessionStarted) -> None:
    """The backend has a session; the view may already hold the answer, or a terminal status."""
    t.measure_call(event.requested_at)
    t.facts = replace(t.facts, session_id=event.view.session_id)
    placing = enter.placing(t, attempt)
    t.learn(event.view, event.requested_at)
    if is_terminal(event.view.status):
        enter.ended(t, t.game_ended())
        return
    t.save_ticket()
    placed(t, placing, event.view)


def on_placing(t: Transition, phase: Placing, event: events.Event) -> None:
    match event:
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            placed(t, phase, view)
        case events.StatusFailed(failure=failure):
            poll_failed(t, phase, failure)
        case events.WakeupDue():
            poll_failed(t, phase, NO_ANSWER)
        case events.NetworkFound():
            # A poll that went out over the former network may never be answered.
            t.phase = replace(phase, until_at=t.poll_timeout_at())
            t.watch_status()
        case events.CloseForNowRequested():
            enter.terminating(t, _CANCELLED)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.NetworkLost() | events.Woke():
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


def placed(t: Transition, phase: Placing, view: SessionView) -> None:
    """Connect if the view brings the answer to our offer; else poll again."""
    if view.signal_response is not None and (
        view.signal_request_sha256 in (None, phase.attempt.sha256)
    ):
        enter.connecting(t, phase.attempt.connection, None, t.now, view.signal_response)
        return
    if t.now - phase.started_at >= t.policy.start_deadline_s:
        enter.ended(t, Ending(EndingKind.UNCONFIRMED, status=view.status))
        return
    # ACTIVE, but no answer yet: a long poll would be held, so poll briefly after a pause.
    placing = view.status == ACTIVATING
    pause_s = 0.0 if placing else t.policy.poll_pause_s
    t.phase = replace(phase, until_at=t.poll_timeout_at(pause_s), failures=0)
    t.poll_status(
        known=view.status if placing else None,
        wait_s=t.policy.long_poll_max_s if placing else 0.0,
        after_s=pause_s,
    )


def poll_failed(t: Transition, phase: Placing, failure: Failure) -> None:
    """A poll during placement failed, or was not answered in time."""
    if failure.kind is FailureKind.UNAUTHENTICATED and t.facts.refused_sign_ins == 0:
        t.facts = replace(t.facts, refused_sign_ins=1)
        t.do(commands.RefreshSignIn())
    elif retry.RULES[failure.kind].first is Action.END or failure.kind in _ENDS_PLACING:
        enter.ended(t, ending_of(failure))
        return
    if t.now - phase.started_at >= t.policy.start_deadline_s:
        kind = EndingKind.BACKEND_UNREACHABLE
        if failure.http_status is not None:
            kind = EndingKind.BACKEND_FAILED
        enter.ended(t, Ending(kind, detail=failure.detail))
        return
    wait_s = retry.backoff_s(Wait.USUAL, phase.failures + 1, t.policy, t.draw)
    wait_s = max(wait_s, failure.retry_after_s or 0.0)
    t.phase = replace(phase, until_at=t.poll_timeout_at(wait_s), failures=phase.failures + 1)
    t.poll_status(after_s=wait_s)
