"""The gate: who may call, how much they may send, and what they see when we fail."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from helpers.backend_caller import caller, problem_of
from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    FakeStreamService,
    new_token,
)
from rejoin.backend.gate import static_tokens
from rejoin.backend.routes import build_app
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import MAX_BODY_BYTES, ProblemCode


async def test_health_needs_no_token_and_everything_else_does() -> None:
    async with caller(FakeStreamService(), sockets=True) as call:
        session_id = await call.started()
        del call.http.headers["Authorization"]
        health = await call.http.get("/v1/health")
        assert health.json() == {"service": "rejoin-backend", "contract": 1}
        for header in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer canary-wrong"},
            {"Authorization": f"Basic {GOOD_TOKEN}"},
            {"Authorization": f"Bearer {GOOD_TOKEN}x"},
            [
                ("Authorization", f"Bearer {GOOD_TOKEN}"),
                ("Authorization", f"Bearer {OTHER_TOKEN}"),
            ],
        ):
            for method, path in (
                ("GET", f"/v1/sessions/{session_id}"),
                ("POST", "/v1/sessions"),
                ("DELETE", f"/v1/sessions/{session_id}"),
                ("GET", "/anything"),
            ):
                answer = await call.http.request(method, path, headers=header)
                problem_of(answer, ProblemCode.UNAUTHENTICATED, 401)
                assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_refreshed_token_of_the_same_owner_keeps_the_session() -> None:
    owners = {"canary-token-today": "player-1", "canary-token-tomorrow": "player-1"}

    service = FakeStreamService()
    async with caller(service, token="canary-token-today", tokens=owners.get) as call:
        session_id = await call.started()
        call.http.headers["Authorization"] = "Bearer canary-token-tomorrow"
        assert (await call.get_status(session_id))["status"] == "ACTIVE"


def test_only_the_given_tokens_are_accepted() -> None:
    authenticate = static_tokens(["one", "two"])
    assert authenticate("one") != authenticate("two")
    assert authenticate("one") is not None
    assert authenticate("three") is None
    assert authenticate("") is None


async def test_a_body_that_is_too_large_is_refused_with_and_without_its_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b" " * 65536

    service = FakeStreamService()
    async with caller(service, sockets=True) as call:
        for content in (b"canary" * MAX_BODY_BYTES, pieces()):
            with contextlib.suppress(httpx.WriteError, httpx.ReadError):
                answer = await call.http.post(
                    "/v1/sessions",
                    headers={"Idempotency-Key": new_token()},
                    content=content,
                )
                problem_of(answer, ProblemCode.INVALID_REQUEST, 413)
        assert service.calls == []
        assert await call.started()


async def test_a_defect_of_ours_is_a_problem_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            service.fail("get_status", ValueError("canary in a status"))
            answer = await call.http.get(f"/v1/sessions/{session_id}")
            problem_of(answer, ProblemCode.INTERNAL, 500)
            service.fail("create", ValueError("canary in a create"))
            problem_of(await call.reconnect(session_id, 2), ProblemCode.INTERNAL, 500)
            service.fail("start", ValueError("canary in a start"))
            problem_of(await call.start(), ProblemCode.INTERNAL, 500)

    with caplog.at_level(logging.DEBUG):
        await run()
    ours = [record.getMessage() for record in caplog.records if record.name == "rejoin.backend"]
    assert len(ours) == 3
    for record in caplog.records:
        assert "canary" not in record.getMessage() + str(record.exc_info)


async def test_the_application_serves_http_only() -> None:
    app = build_app(FakeStreamService(), SessionStore(), [GOOD_TOKEN])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/sessions", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert "canary" not in json.dumps(sent)
