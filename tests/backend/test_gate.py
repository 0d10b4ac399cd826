"""The gate: who may call, how much they may send, and what they see when we fail."""

from __future__ import annotations

import asyncio
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
    live_backend,
    new_offer,
    new_token,
)
from rejoin.backend.gate import operation_of
from rejoin.backend.openapi import document
from rejoin.backend.owner_rules import CallPace, OwnerRules
from rejoin.backend.routes import build_app
from rejoin.backend.sign_in import static_tokens
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    IDEMPOTENCY_HEADER,
    LATEST_HEADER,
    MAX_BODY_BYTES,
    WINDOW_HEADER,
    ProblemCode,
)


async def test_health_needs_no_token_and_everything_else_does(expected_logs: object) -> None:
    async with caller(FakeStreamService(), sockets=True) as call:
        session_id = await call.started()
        del call.http.headers["Authorization"]
        health = await call.http.get("/v1/health")
        assert health.json() == {
            "service": "rejoin-backend",
            "contract": 1,
            "contract_minor": 3,
        }
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


async def raw(url: str, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request as it is; its status, and all that follows until the connection closes or is
    quiet."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join((*lines, "", "")).encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            answer += await reader.read()
    writer.close()
    return int(answer.split()[1]), answer


async def test_two_lengths_of_one_body_are_refused_and_the_connection_is_closed() -> None:
    async with live_backend(FakeStreamService()) as url:
        status, answer = await raw(
            url,
            "POST /v1/sessions HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {GOOD_TOKEN}",
            "Content-Length: 5",
            "Transfer-Encoding: chunked",
            body=b"0\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        )
    assert status == 400
    assert answer.count(b"HTTP/1.1") == 1, "what follows is not taken for a request"


@pytest.mark.parametrize("path", ["/v1/health", "/v1/nothing", "/v1/sessions/x/y"])
async def test_a_body_that_nothing_asks_for_is_not_read(path: str) -> None:
    async with live_backend(FakeStreamService()) as url:
        status, _ = await raw(
            url,
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {GOOD_TOKEN}",
            f"Content-Length: {MAX_BODY_BYTES}",
        )
    assert status in (404, 405)


async def test_without_a_token_no_body_is_read() -> None:
    async with live_backend(FakeStreamService()) as url:
        status, _ = await raw(
            url, "POST /v1/sessions HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1000"
        )
    assert status == 401


@pytest.mark.parametrize("name", [IDEMPOTENCY_HEADER, BUDGET_HEADER, WINDOW_HEADER, LATEST_HEADER])
async def test_two_values_of_one_header_are_refused(name: str) -> None:
    async with live_backend(FakeStreamService()) as url:
        head = ("GET /v1/sessions/x HTTP/1.1", "Host: 127.0.0.1")
        token = f"Authorization: Bearer {GOOD_TOKEN}"
        assert (await raw(url, *head, token, f"{name}: 10000", f"{name}: 20000"))[0] == 400
        assert (await raw(url, *head, token, f"{name}: 10000", f"{name}: 10000"))[0] == 404


async def test_a_call_beyond_a_players_pace_is_refused_before_its_body_is_read() -> None:
    owners = OwnerRules(paces={"start": CallPace(per_s=0.001, at_once=1.0)})
    async with live_backend(FakeStreamService(), owners=owners) as url:
        request = [
            "POST /v1/sessions HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {GOOD_TOKEN}",
        ]
        assert (await raw(url, *request, "Content-Length: 2", body=b"{}"))[0] == 400
        assert (await raw(url, *request, "Content-Length: 1000"))[0] == 429


def test_every_call_of_a_player_that_the_contract_has_is_counted() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            scope = {"method": method.upper(), "path": path.replace("{session_id}", "x")}
            expected = operation["operationId"] if operation.get("security") else None
            assert operation_of(scope) == expected


async def test_a_call_that_the_end_of_the_server_cuts_off_gets_a_problem() -> None:
    service = FakeStreamService(create_gate=asyncio.Event())
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        http.headers["Authorization"] = f"Bearer {GOOD_TOKEN}"
        async with live_backend(service) as url:
            started = await http.post(
                f"{url}/v1/sessions",
                headers={"Idempotency-Key": new_token()},
                json={"signal_request": new_offer(), "attempt": 1},
            )
            session_id = started.json()["session_id"]
            hanging = asyncio.ensure_future(
                http.post(
                    f"{url}/v1/sessions/{session_id}/connections",
                    headers={"Idempotency-Key": new_token(), "Rejoin-Budget-Ms": "60000"},
                    json={"signal_request": new_offer(), "attempt": 2},
                )
            )
            async with asyncio.timeout(60):
                while not service.creating:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        problem_of(await hanging, ProblemCode.SERVICE_TIMEOUT, 504)


async def test_a_slash_too_many_is_no_redirect() -> None:
    async with caller(FakeStreamService()) as call:
        for path in ("/v1/health/", "/v1/sessions/"):
            answer = await call.http.get(path, follow_redirects=False)
            problem_of(answer, ProblemCode.INVALID_REQUEST, 404)
