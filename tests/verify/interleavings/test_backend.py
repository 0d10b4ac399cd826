"""The backend of the model: the fence, the call under way, and who gets which answer."""

from __future__ import annotations

from rejoin.core import events
from rejoin.core.retry import Failure, FailureKind
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings.backend import (
    create_arrived,
    joins_queue,
    poll_arrived,
    service_answers,
    service_fails,
)
from rejoin.verify.interleavings.draft import Draft
from rejoin.verify.interleavings.system import PLACES, Budget, MessageKind, Place, ServiceCall, live


def waiting() -> Draft:
    """The service has noticed that the client is gone."""
    draft = Draft(live(Budget(failures=1)))
    draft.client_gone(1)
    draft.messages.clear()
    return draft


def replies(draft: Draft) -> list[tuple[int, str | FailureKind]]:
    """The answers under way: (client, the answer or why it failed)."""
    found: list[tuple[int, str | FailureKind]] = []
    for message in draft.messages:
        assert message.kind is MessageKind.REPLY
        match message.data[0]:
            case events.AnswerArrived(signal_response=answer):
                found.append((message.client, answer))
            case events.ReconnectFailed(failure=failure):
                found.append((message.client, failure.kind))
            case other:
                raise AssertionError(other)
    return found


def test_a_create_request_calls_the_service_and_its_answer_is_kept() -> None:
    draft = waiting()
    create_arrived(draft, 0, 2, 1, 2)
    assert draft.call == ServiceCall(2, 2, ((0, 1),))
    assert draft.service.status == service_status.RECONNECTING
    assert (draft.newest, draft.answered, draft.accepted) == ((2, 2), False, 2)
    service_answers(draft)
    assert replies(draft) == [(0, "answer 2")]
    assert (draft.held, draft.answered) == (2, True)
    assert draft.messages[0].data[0].requested_at == draft.now
    create_arrived(draft, 0, 2, 2, 2)
    assert replies(draft) == [(0, "answer 2"), (0, "answer 2")], "from memory, without a call"
    assert draft.call is None


def test_a_repetition_waits_for_the_same_answer() -> None:
    draft = waiting()
    create_arrived(draft, 0, 2, 1, 2)
    create_arrived(draft, 0, 2, 2, 2)
    assert draft.call == ServiceCall(2, 2, ((0, 1), (0, 2)))
    service_answers(draft)
    assert replies(draft) == [(0, "answer 2"), (0, "answer 2")]


def test_a_newer_attempt_waits_while_a_call_is_under_way() -> None:
    draft = waiting()
    create_arrived(draft, 0, 2, 1, 2)
    create_arrived(draft, 1, 3, 1, 101)
    assert replies(draft) == [(1, FailureKind.CONFLICT)]
    service_answers(draft)
    assert not draft.answered, "the answer is not for the newest attempt"


def test_the_fence_refuses_old_attempts_and_used_offers() -> None:
    draft = waiting()
    create_arrived(draft, 0, 3, 1, 2)
    create_arrived(draft, 1, 2, 1, 101)
    create_arrived(draft, 0, 4, 1, 2)
    assert replies(draft) == [(1, FailureKind.STALE_ATTEMPT), (0, FailureKind.REUSED_OFFER)]
    assert draft.violations == []


def test_the_service_refuses_while_it_considers_the_client_connected() -> None:
    draft = Draft(live(Budget()))
    create_arrived(draft, 0, 2, 1, 2)
    assert replies(draft) == [(0, FailureKind.CONFLICT)]
    assert draft.call is None


def test_a_failed_call_leaves_the_outcome_unknown() -> None:
    draft = waiting()
    create_arrived(draft, 0, 2, 1, 2)
    service_fails(draft)
    assert replies(draft) == [(0, FailureKind.OUTCOME_UNKNOWN)]
    assert draft.service.status == service_status.PENDING_CLIENT_RECONNECTION
    assert draft.budget == Budget()


def test_an_answer_after_the_end_of_the_window_is_a_failure() -> None:
    draft = waiting()
    create_arrived(draft, 0, 2, 1, 2)
    draft.now += 1e7
    service_answers(draft)
    assert replies(draft) == [(0, FailureKind.OUTCOME_UNKNOWN)]


def test_an_older_attempt_that_passes_the_fence_is_a_violation() -> None:
    draft = waiting()
    draft.accepted = 5
    create_arrived(draft, 0, 2, 1, 2)
    assert [violation.invariant.name for violation in draft.violations] == ["FENCE"]


def test_a_view_reports_the_status_and_the_window() -> None:
    draft = Draft(live(Budget()))
    poll_arrived(draft, 0, 7)
    draft.now += 3.0
    draft.client_gone(1)
    draft.messages = draft.messages[:1]
    poll_arrived(draft, 0, 8)
    first, second = (message.data for message in draft.messages)
    assert (first[0], first[1].view.status) == (7, service_status.CONNECTED)
    assert (second[0], second[1].view.status) == (8, service_status.PENDING_CLIENT_RECONNECTION)
    assert second[1].view.remaining.age_s == 3.0
    assert second[1].view.attempt == 1


def asked(draft: Draft, try_number: int) -> Failure | None:
    """The refusal of one more ask, if it is refused."""
    draft.messages.clear()
    create_arrived(draft, 0, 2, try_number, 2)
    if not draft.messages:
        return None
    [reply] = draft.messages
    assert isinstance(reply.data[0], events.ReconnectFailed)
    return reply.data[0].failure


def test_each_ask_in_time_comes_a_place_nearer_until_its_turn() -> None:
    draft = Draft(live(Budget(queues=1)))
    draft.client_gone(1)
    joins_queue(draft)
    assert draft.budget == Budget()
    for try_number, place in ((1, PLACES), (2, PLACES - 1)):
        failure = asked(draft, try_number)
        assert failure is not None
        assert (failure.kind, failure.place) == (FailureKind.QUEUED, place)
        draft.now += 2.9
    assert asked(draft, 3) is None
    assert draft.call == ServiceCall(2, 2, ((0, 3),))
    assert draft.place is None


def test_a_place_that_lapsed_is_forgotten() -> None:
    draft = Draft(live(Budget(queues=1)))
    draft.client_gone(1)
    joins_queue(draft)
    asked(draft, 1)
    draft.now += 3.0
    assert draft.finished().place == Place(PLACES - 1, draft.now)
    draft.now += 0.1
    assert draft.finished().place == Place(PLACES, None)
