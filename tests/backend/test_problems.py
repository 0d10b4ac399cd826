"""Refusals as problem details: code, status, retryable, and nothing that the client sent."""

from __future__ import annotations

import pytest

from conftest import LogRecords
from helpers.backend_caller import caller, problem_of
from helpers.fake_stream_service import (
    FakeStreamService,
    new_token,
)
from rejoin.backend.problems import TABLE, body_of, response_to
from rejoin.backend.refused import OF_FAULT, PASSING, Reason, RefusedError
from rejoin.backend.service import ServiceFault
from rejoin.signaling.wire import ProblemCode


async def test_a_body_of_the_wrong_form_is_not_echoed() -> None:
    bodies = [
        (b"", "The body"),
        (b"{canary", "The body"),
        (b"[" * 100_000, "read"),
        (b'{"signal_request": "canary"}', "attempt"),
        (b'{"signal_request": "canary", "attempt": "1"}', "attempt"),
        (b'{"signal_request": "canary", "attempt": 0}', "attempt"),
        (b'{"signal_request": "", "attempt": 1}', "signal_request"),
        (b'{"signal_request": "\\ud800canary", "attempt": 1}', "signal_request"),
        (b'{"signal_request": "x", "attempt": 1, "canary": 2}', "The body"),
        (b'{"signal_request": "x", "attempt": 1, "application": "../canary"}', "application"),
    ]

    service = FakeStreamService()
    async with caller(service, sockets=True) as call:
        for body, named in bodies:
            answer = await call.http.post(
                "/v1/sessions",
                headers={"Idempotency-Key": new_token(), "Content-Type": "application/json"},
                content=body,
            )
            content = problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
            assert content["retryable"] is False
            assert named in content["detail"], body[:60]
        assert service.calls == []


async def test_calls_that_are_not_in_the_contract() -> None:
    async with caller(FakeStreamService()) as call:
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/docs", 404),
            ("GET", "/openapi.json", 404),
            ("POST", "/v1/health", 405),
            ("PUT", "/v1/sessions", 405),
        ):
            answer = await call.http.request(method, path)
            problem_of(answer, ProblemCode.INVALID_REQUEST, status)


async def test_refusals_have_the_status_that_explains_them() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with caller(service) as call:
        session_id = await call.started()
        service.fail("create", ServiceFault.CONFLICT, ServiceFault.INVALID)
        content = problem_of(await call.reconnect(session_id, 2), ProblemCode.CONFLICT, 409)
        assert (content["session_status"], content["retryable"]) == ("CONNECTED", True)
        service.status, service.reason = "TERMINATED", "reconnectionTimeout"
        content = problem_of(await call.reconnect(session_id, 3), ProblemCode.INVALID_REQUEST, 400)
        assert content["session_status"] == "TERMINATED"
        # From here on the backend knows it without a call.
        before = list(service.calls)
        content = problem_of(await call.reconnect(session_id, 4), ProblemCode.CONFLICT, 409)
        assert (content["session_status"], content["retryable"]) == ("TERMINATED", False)
        seen = await call.get_status(session_id, known="TERMINATED", wait_s=20)
        assert (seen["status"], seen["reason"]) == ("TERMINATED", "reconnectionTimeout")
        assert service.calls == before


async def test_retry_after_of_the_service_is_passed_on() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        session_id = await call.started()
        service.fail("create", ServiceFault.THROTTLED)
        service.retry_after_s = 2.4
        answer = await call.reconnect(session_id, 2)
        problem_of(answer, ProblemCode.THROTTLED, 429)
        assert answer.headers["Retry-After"] == "3"


def test_every_reason_has_its_row_and_every_row_a_sentence_or_one_from_the_service() -> None:
    assert set(TABLE) == set(Reason)
    from_elsewhere = {*OF_FAULT.values(), Reason.FIELDS_INVALID, Reason.INTERNAL}
    for reason, row in TABLE.items():
        assert row.sentence or reason in from_elsewhere
        assert not row.sentence or row.sentence.endswith(".")


def test_the_broker_polls_on_after_failures_that_a_client_may_retry() -> None:
    polled = {*OF_FAULT.values(), Reason.POLL_RATE, Reason.STILL_STARTING, Reason.TIMED_OUT}
    for reason in polled:
        assert body_of(RefusedError(reason)).retryable == (reason in PASSING), reason


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (None, True),
        ("CONNECTED", True),
        ("TERMINATING", False),
        ("TERMINATED", False),
        ("ERROR", False),
    ],
)
def test_a_conflict_with_an_ending_session_is_not_tried_again(
    status: str | None, retryable: bool
) -> None:
    for reason in (Reason.CONFLICT, Reason.NO_ANSWER):
        assert body_of(RefusedError(reason, session_status=status)).retryable is retryable


def test_a_service_that_cannot_be_used_is_logged(expected_logs: LogRecords) -> None:
    response = response_to(RefusedError(Reason.MISCONFIGURED, "No credentials."))
    assert response.status_code == 503
    assert len(expected_logs.lines) == 1
