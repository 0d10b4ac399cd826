"""A body is UTF-8, and has each name once; what it means is never a matter of who reads it."""

from __future__ import annotations

import pytest

from helpers.backend_caller import caller, problem_of
from helpers.fake_stream_service import FakeStreamService, new_token
from rejoin.signaling.wire import ProblemCode

START = '{"signal_request": "offer", "attempt": 1}'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/sessions", b'{"signal_request": "offer", "attempt": 1, "attempt": 2}'),
        ("/v1/sessions", b'{"signal_request": "a", "signal_request": "b", "attempt": 1}'),
        ("/v1/sessions", b'{"signal_request": "a", "attempt": 1, "\\u0061ttempt": 1}'),
        ("/v1/reports", b'{"record_id": "a", "record_id": "b"}'),
        ("/v1/sessions", START.encode("utf-8-sig")),
        ("/v1/sessions", START.encode("utf-16")),
        ("/v1/sessions", START.encode("utf-32")),
        ("/v1/sessions", b'{"signal_request": "\xff", "attempt": 1}'),
        ("/v1/sessions", b"[" * 100_000),
        ("/v1/sessions", b'{"signal_request": "offer", "attempt": ' + b"1" * 5000 + b"}"),
    ],
)
async def test_a_body_that_two_readers_may_read_differently_is_refused(
    path: str, body: bytes
) -> None:
    service = FakeStreamService()
    headers = {"Idempotency-Key": new_token(), "Content-Type": "application/json"}
    async with caller(service) as me:
        answer = await me.http.post(path, headers=headers, content=body)
        problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
        assert service.calls == []
        answer = await me.http.post("/v1/sessions", headers=headers, content=START.encode())
        assert answer.status_code == 201, answer.text
