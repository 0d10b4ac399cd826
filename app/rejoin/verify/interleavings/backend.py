"""The backend of the model: create requests pass the real fence, then call the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rejoin.core import events
from rejoin.core.model import AttemptNumber, RemainingKnowledge, SessionView
from rejoin.core.retry import Failure, FailureKind
from rejoin.service_model import fence, lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.fence import Claim
from rejoin.verify import invariants
from rejoin.verify.interleavings.draft import Draft
from rejoin.verify.interleavings.system import (
    PLACES,
    SESSION,
    TIMEOUT_S,
    MessageKind,
    Place,
    ServiceCall,
)

_ASK_AFTER_S: Final = 1.0
_ESTIMATE_S: Final = 100.0


def create_arrived(
    draft: Draft, client: int, attempt: int, try_number: int, connection: int
) -> None:
    """A create request arrives: answer it, refuse it, hold it, queue it, or call the service."""
    newest, offer = draft.newest
    claim = fence.claim(
        attempt,
        newest,
        same_bytes=connection == offer,
        offered_before=connection in draft.offered,
    )
    if claim is Claim.STALE:
        _fail(draft, client, attempt, try_number, Failure(FailureKind.STALE_ATTEMPT))
        return
    if claim is Claim.REUSED:
        _fail(draft, client, attempt, try_number, Failure(FailureKind.REUSED_OFFER))
        return
    if claim is Claim.NEW:
        draft.newest, draft.answered = (attempt, connection), False
        draft.offered |= {connection}
    if draft.answered and draft.newest == (attempt, connection):
        _answer(draft, client, attempt, try_number, connection)
    elif draft.call is not None and draft.call.attempt == attempt:
        waiting = (*draft.call.waiting, (client, try_number))
        draft.call = replace(draft.call, waiting=waiting)
    elif draft.call is not None:
        busy = Failure(FailureKind.CONFLICT, 409, "IN_FLIGHT", retry_after_s=1.0)
        _fail(draft, client, attempt, try_number, busy)
    elif (not_yet := _before_its_turn(draft)) is not None:
        _fail(draft, client, attempt, try_number, not_yet)
    else:
        _call_service(draft, client, attempt, try_number, connection)


def joins_queue(draft: Draft) -> None:
    """The backend may make no more calls at the moment: the next request gets a place."""
    draft.spend(queues=1)
    draft.place = Place(PLACES, None)


def _before_its_turn(draft: Draft) -> Failure | None:
    """The refusal of a request that has to wait; each timely repetition moves one place forward.

    The estimate is wrong, and past any window: nothing may depend on it.
    """
    place = draft.place
    if place is None:
        return None
    if place.number == 0:
        draft.place = None
        return None
    kept_until_at = draft.now + _ASK_AFTER_S + invariants.PLACE_KEPT_S
    draft.place = Place(place.number - 1, kept_until_at)
    return Failure(
        FailureKind.QUEUED,
        429,
        "THROTTLED",
        retry_after_s=_ASK_AFTER_S,
        place=place.number,
        turn_in_s=_ESTIMATE_S,
    )


def _call_service(
    draft: Draft, client: int, attempt: int, try_number: int, connection: int
) -> None:
    draft.add(invariants.in_order(attempt, draft.accepted))
    outcome = draft.step_service(lifecycle.CreateRequested(connection))
    if isinstance(outcome, lifecycle.Refused):
        refused = Failure(FailureKind.CONFLICT, 409, "", session_status=outcome.status)
        _fail(draft, client, attempt, try_number, refused)
        return
    draft.accepted = max(draft.accepted, attempt)
    draft.call = ServiceCall(attempt, connection, ((client, try_number),))


def service_answers(draft: Draft) -> None:
    """The service answers the call under way; every request that waits for it is answered."""
    call = _end_call(draft)
    outcome = draft.step_service(lifecycle.CreateAnswered(call.connection))
    if not isinstance(outcome, lifecycle.Accepted):
        _fail_all(draft, call)
        return
    draft.held = call.connection
    if fence.keeps_answer(call.attempt, draft.newest[0]):
        draft.answered = True
    for client, try_number in call.waiting:
        _answer(draft, client, call.attempt, try_number, call.connection)


def service_fails(draft: Draft) -> None:
    """The call under way fails, and its outcome stays unknown."""
    draft.spend(failures=1)
    call = _end_call(draft)
    draft.step_service(lifecycle.CreateFailed(call.connection))
    _fail_all(draft, call)


def _end_call(draft: Draft) -> ServiceCall:
    call, draft.call = draft.call, None
    assert call is not None
    return call


def _answer(draft: Draft, client: int, attempt: int, try_number: int, connection: int) -> None:
    answer = f"answer {connection}"
    arrived = events.AnswerArrived(AttemptNumber(attempt), try_number, draft.now, answer)
    draft.send(MessageKind.REPLY, client, arrived)


def _fail(draft: Draft, client: int, attempt: int, try_number: int, failure: Failure) -> None:
    failed = events.ReconnectFailed(AttemptNumber(attempt), try_number, draft.now, failure)
    draft.send(MessageKind.REPLY, client, failed)


def _fail_all(draft: Draft, call: ServiceCall) -> None:
    for client, try_number in call.waiting:
        _fail(draft, client, call.attempt, try_number, Failure(FailureKind.OUTCOME_UNKNOWN))


def poll_arrived(draft: Draft, client: int, poll: int) -> None:
    """A status request arrives and is answered.

    The client sent it now or earlier; the view is that of the time of arrival.
    """
    draft.send(MessageKind.VIEW, client, poll, events.StatusArrived(draft.now, _view(draft)))


def _view(draft: Draft) -> SessionView:
    draft.step_service(lifecycle.TimerDue())
    status = draft.service.status
    if status == service_status.CONNECTED:
        draft.connected_seen_at = draft.now
    remaining = None
    if draft.connected_seen_at is not None and status != service_status.ACTIVE:
        remaining = RemainingKnowledge(TIMEOUT_S, draft.now - draft.connected_seen_at)
    return SessionView(
        SESSION,
        status,
        lifecycle.reason_of(draft.service),
        connection_timeout_s=TIMEOUT_S,
        remaining=remaining,
        signal_request_sha256=f"sha-{draft.held}",
        signal_response=f"answer {draft.held}" if service_status.is_live(status) else None,
        attempt=AttemptNumber(draft.newest[0]),
    )
