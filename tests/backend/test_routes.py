"""Our dialect's routes: headers, budgets and ids."""

from __future__ import annotations

import json

import pytest

from helpers.backend_caller import caller, problem_of
from helpers.fake_stream_service import (
    OTHER_TOKEN,
    FakeStreamService,
    new_token,
)
from rejoin.signaling.wire import MAX_SIGNAL_BYTES, ProblemCode


async def test_an_attempt_needs_a_good_token() -> None:
    async with caller(FakeStreamService()) as call:
        for token in (None, "short", "x" * 129, "with space " * 4 + "x"):
            headers = {} if token is None else {"Idempotency-Key": token}
            answer = await call.http.post(
                "/v1/sessions", headers=headers, json={"signal_request": "x", "attempt": 1}
            )
            content = problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
            assert "Idempotency-Key" in content["detail"]


async def test_a_budget_that_is_too_small_tries_nothing() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        session_id = await call.started()
        before = list(service.calls)
        answer = await call.reconnect(session_id, 2, budget_ms=300)
        assert problem_of(answer, ProblemCode.BUDGET_TOO_SMALL, 400)["retryable"] is True
        assert service.calls == before


async def test_the_session_of_another_player_is_refused_like_an_unknown_one() -> None:
    async with caller(FakeStreamService()) as call:
        session_id = await call.started()
        call.http.headers["Authorization"] = f"Bearer {OTHER_TOKEN}"
        texts = []
        for guess in (session_id, "x" * 32, "not%20an%20id"):
            answer = await call.http.get(f"/v1/sessions/{guess}")
            problem_of(answer, ProblemCode.SESSION_NOT_FOUND, 404)
            texts.append(answer.text)
        assert len(set(texts)) == 1


def start_body(escaped: str) -> bytes:
    """The body of a start whose SignalRequest is written like this in JSON."""
    return b'{"attempt":1,"signal_request":"' + escaped.encode() + b'"}'


@pytest.mark.parametrize(
    ("escaped", "fits"),
    [
        ("a" * MAX_SIGNAL_BYTES, True),
        ("a" * (MAX_SIGNAL_BYTES + 1), False),
        (r"\u00e9" * 50_000, True),
        ("\u00e9" * (MAX_SIGNAL_BYTES // 2), True),
        # Fewer characters than the limit has bytes.
        ("\u00e9" * (MAX_SIGNAL_BYTES // 2 + 1), False),
        ("\U0001f600" * (MAX_SIGNAL_BYTES // 4 + 1), False),
        (r"\r\n" * 40_000 + "a" * (MAX_SIGNAL_BYTES - 80_000), False),  # the body is too large
        (r"\r\n" * 20_000 + "a" * (MAX_SIGNAL_BYTES - 40_000), True),
    ],
)
async def test_the_limit_of_a_signal_request_is_that_of_its_text_in_bytes(
    escaped: str, fits: bool
) -> None:
    service = FakeStreamService()
    async with caller(service) as me:
        answer = await me.http.post(
            "/v1/sessions",
            headers={"Idempotency-Key": new_token(), "Content-Type": "application/json"},
            content=start_body(escaped),
        )
    if fits:
        assert answer.status_code == 201, answer.text
        assert service.held_request == json.loads(f'"{escaped}"')
    else:
        problem_of(answer, ProblemCode.INVALID_REQUEST, answer.status_code)
        assert answer.status_code in (400, 413)
        assert service.calls == []
