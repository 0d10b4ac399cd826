"""Refusals: one reason for each fault of the service, defects logged without their text."""

from __future__ import annotations

import pytest

from conftest import LogRecords
from rejoin.backend.refused import OF_FAULT, Reason, RefusedError, outcome_of
from rejoin.backend.service import ServiceFault, StreamServiceError


def test_every_fault_of_the_service_has_its_reason() -> None:
    assert set(OF_FAULT) == set(ServiceFault)


async def test_failures_are_values_and_our_own_are_logged_without_their_text(
    expected_logs: LogRecords,
) -> None:
    async def answers() -> str:
        return "answer"

    async def fails(error: Exception) -> str:
        raise error

    assert await outcome_of(answers()) == "answer"
    stale = RefusedError(Reason.ATTEMPT_STALE)
    assert await outcome_of(fails(stale)) is stale
    conflict = StreamServiceError(ServiceFault.CONFLICT, "No.", retry_after_s=2.0)
    refused = await outcome_of(fails(conflict))
    assert isinstance(refused, RefusedError)
    assert (refused.reason, str(refused), refused.retry_after_s) == (Reason.CONFLICT, "No.", 2.0)
    assert expected_logs.lines == []
    ours = await outcome_of(fails(RuntimeError("canary")))
    assert isinstance(ours, RefusedError)
    assert ours.reason is Reason.INTERNAL
    assert len(expected_logs.lines) == 1
    assert "test_refused.py" in expected_logs.lines[0]
    assert "canary" not in expected_logs.lines[0]


def test_the_same_refusal_can_be_raised_for_each_caller() -> None:
    first = RefusedError(
        Reason.CONFLICT,
        "No.",
        session_status="ACTIVE",
        retryable=True,
        retry_after_s=1.0,
        http_status=409,
    )
    second = first.again()
    assert second is not first
    for name in ("reason", "session_status", "retryable", "retry_after_s", "http_status", "args"):
        assert getattr(second, name) == getattr(first, name)


@pytest.mark.parametrize("reason", Reason)
def test_reasons_are_distinct_words(reason: Reason) -> None:
    assert [each for each in Reason if each.value == reason.value] == [reason]
