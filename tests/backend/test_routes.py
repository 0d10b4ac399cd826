"""The backend over real HTTP: who may, what is fenced, what is said when something is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    FakeStreamService,
    answer_to,
    live_backend,
    new_offer,
    new_token,
)
from rejoin.backend.routes import Authenticate, _Pace, build_app, static_tokens
from rejoin.backend.service import ServiceFault
from rejoin.backend.store import Store
from rejoin.signaling.wire import MAX_BODY_BYTES, ProblemCode, sha256_hex


class Caller:
    """Says what it wants in raw HTTP, so that nothing of our client hides a mistake."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def start(
        self, *, token: str | None = None, offer: str | None = None, attempt: int = 1
    ) -> httpx.Response:
        return await self.http.post(
            "/v1/sessions",
            headers={"Idempotency-Key": token or new_token()},
            json={"signal_request": offer or new_offer(), "attempt": attempt},
        )

    async def started(self) -> str:
        answer = await self.start()
        assert answer.status_code == 201, answer.text
        session_id = answer.json()["session_id"]
        assert answer.headers["Location"] == f"/v1/sessions/{session_id}"
        return str(session_id)

    async def reconnect(
        self,
        session_id: str,
        attempt: int,
        *,
        token: str | None = None,
        offer: str | None = None,
        budget_ms: int = 9000,
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/sessions/{session_id}/connections",
            headers={
                "Idempotency-Key": token or new_token(),
                "Rejoin-Budget-Ms": str(budget_ms),
            },
            json={"signal_request": offer or new_offer(), "attempt": attempt},
        )

    async def look(self, session_id: str, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/sessions/{session_id}", params=query)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def attempt_becomes(self, session_id: str, attempt: int) -> bool:
        for _ in range(1000):
            if (await self.look(session_id))["attempt"] == attempt:
                return True
            await asyncio.sleep(0.01)
        return False


@contextlib.asynccontextmanager
async def caller(
    service: FakeStreamService,
    *,
    token: str = GOOD_TOKEN,
    store: Store | None = None,
    tokens: Collection[str] | Authenticate = (GOOD_TOKEN, OTHER_TOKEN),
    sockets: bool = False,
) -> AsyncIterator[Caller]:
    """`sockets` where a connection matters; else the application is called in this process."""
    async with contextlib.AsyncExitStack() as stack:
        url, transport = "http://backend.invalid", None
        if sockets:
            url = await stack.enter_async_context(live_backend(service, store=store, tokens=tokens))
        else:
            kept = store or stack.enter_context(contextlib.closing(Store()))
            app = build_app(service, kept, tokens, looks_per_s=200)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
        yield Caller(
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=url,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=30,
                    trust_env=False,
                    transport=transport,
                )
            )
        )


def problem_of(answer: httpx.Response, code: ProblemCode, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    content: dict[str, Any] = answer.json()
    assert content["code"] == code
    assert content["status"] == status
    assert content["type"].startswith("urn:rejoin:problem:")
    assert content["detail"].endswith(".")
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    return content


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.01)


# --- who may --------------------------------------------------------------------------------------


def test_health_needs_no_token_and_everything_else_does() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_a_foreign_session_looks_like_one_that_does_not_exist() -> None:
    async def run() -> None:
        async with caller(FakeStreamService()) as call:
            session_id = await call.started()
            call.http.headers["Authorization"] = f"Bearer {OTHER_TOKEN}"
            texts = []
            for guess in (session_id, "x" * 32, "not%20an%20id"):
                answer = await call.http.get(f"/v1/sessions/{guess}")
                problem_of(answer, ProblemCode.SESSION_NOT_FOUND, 404)
                texts.append(answer.text)
            assert len(set(texts)) == 1

    asyncio.run(run())


def test_a_refreshed_token_of_the_same_owner_keeps_the_session() -> None:
    owners = {"canary-token-today": "player-1", "canary-token-tomorrow": "player-1"}

    async def run() -> None:
        service = FakeStreamService()
        async with caller(service, token="canary-token-today", tokens=owners.get) as call:
            session_id = await call.started()
            call.http.headers["Authorization"] = "Bearer canary-token-tomorrow"
            assert (await call.look(session_id))["status"] == "ACTIVE"

    asyncio.run(run())


def test_static_tokens_know_their_own_and_nobody_else() -> None:
    authenticate = static_tokens(["one", "two"])
    assert authenticate("one") != authenticate("two")
    assert authenticate("one") is not None
    assert authenticate("three") is None
    assert authenticate("") is None


# --- what is refused before the service is asked --------------------------------------------------


def test_a_body_of_the_wrong_form_is_not_echoed() -> None:
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

    async def run() -> None:
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

    asyncio.run(run())


def test_an_attempt_needs_a_good_token() -> None:
    async def run() -> None:
        async with caller(FakeStreamService()) as call:
            for token in (None, "short", "x" * 129, "with space " * 4 + "x"):
                headers = {} if token is None else {"Idempotency-Key": token}
                answer = await call.http.post(
                    "/v1/sessions", headers=headers, json={"signal_request": "x", "attempt": 1}
                )
                content = problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
                assert "Idempotency-Key" in content["detail"]

    asyncio.run(run())


def test_a_body_that_is_too_big_is_refused_announced_or_not() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b" " * 65536

    async def run() -> None:
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

    asyncio.run(run())


def test_calls_that_the_contract_does_not_have() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_a_budget_that_is_too_small_tries_nothing() -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service) as call:
            session_id = await call.started()
            before = list(service.calls)
            answer = await call.reconnect(session_id, 2, budget_ms=300)
            assert problem_of(answer, ProblemCode.BUDGET_TOO_SMALL, 400)["retryable"] is True
            assert service.calls == before

    asyncio.run(run())


# --- starting -------------------------------------------------------------------------------------


def test_the_same_start_twice_is_one_session_and_one_call() -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service) as call:
            token, offer = new_token(), new_offer()
            first, second = await asyncio.gather(
                call.start(token=token, offer=offer), call.start(token=token, offer=offer)
            )
            third = await call.start(token=token, offer=offer)
            ids = {answer.json()["session_id"] for answer in (first, second, third)}
            assert len(ids) == 1
            assert service.count("start") == 1
            other = await call.start(token=token)
            problem_of(other, ProblemCode.REUSED_OFFER, 409)

    asyncio.run(run())


def test_a_start_with_unknown_outcome_is_asked_again_with_the_same_token() -> None:
    async def run() -> None:
        service = FakeStreamService()
        service.fail("start", ServiceFault.TIMED_OUT, ServiceFault.THROTTLED)
        async with caller(service) as call:
            token, offer = new_token(), new_offer()
            answer = await call.start(token=token, offer=offer)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            answer = await call.start(token=token, offer=offer)
            problem_of(answer, ProblemCode.THROTTLED, 429)
            assert (await call.start(token=token, offer=offer)).status_code == 201
            assert [used for name, used in service.calls if name == "start"] == [token] * 3

    asyncio.run(run())


def test_the_answer_to_the_start_is_there_when_the_host_is() -> None:
    async def run() -> None:
        service = FakeStreamService(status="ACTIVATING")
        async with caller(service) as call:
            offer = new_offer()
            session_id = (await call.start(offer=offer)).json()["session_id"]
            path = f"/v1/sessions/{session_id}/answer"
            content = problem_of(await call.http.get(path), ProblemCode.CONFLICT, 409)
            assert (content["session_status"], content["retryable"]) == ("ACTIVATING", True)

            async def later() -> None:
                await asyncio.sleep(0.3)
                service.place()

            answer, _ = await asyncio.gather(call.http.get(path, params={"wait_s": 8}), later())
            assert answer.json() == {
                "signal_request_sha256": sha256_hex(offer),
                "signal_response": answer_to(offer),
            }

    asyncio.run(run())


# --- reconnecting ---------------------------------------------------------------------------------


def test_attempts_are_fenced_and_an_offer_is_for_one_attempt() -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service) as call:
            session_id = await call.started()
            token, offer = new_token(), new_offer()
            first = await call.reconnect(session_id, 5, token=token, offer=offer)
            assert first.json() == {
                "attempt": 5,
                "signal_request_sha256": sha256_hex(offer),
                "signal_response": answer_to(offer),
            }
            again = await call.reconnect(session_id, 5, token=token, offer=offer)
            assert again.json() == first.json()
            for attempt, other_token, other_offer, code in (
                (4, new_token(), new_offer(), ProblemCode.STALE_ATTEMPT),
                (5, new_token(), offer, ProblemCode.STALE_ATTEMPT),
                (5, token, new_offer(), ProblemCode.STALE_ATTEMPT),
                (6, new_token(), offer, ProblemCode.REUSED_OFFER),
            ):
                answer = await call.reconnect(
                    session_id, attempt, token=other_token, offer=other_offer
                )
                assert problem_of(answer, code, 409)["retryable"] is False
            assert (await call.reconnect(session_id, 6)).status_code == 200
            assert service.count("create") == 2

    asyncio.run(run())


def test_a_retry_after_an_unknown_outcome_brings_the_same_client_token() -> None:
    async def run() -> None:
        service = FakeStreamService()
        service.fail("create", ServiceFault.TIMED_OUT)
        async with caller(service) as call:
            session_id = await call.started()
            token, offer = new_token(), new_offer()
            answer = await call.reconnect(session_id, 2, token=token, offer=offer)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            answer = await call.reconnect(session_id, 2, token=token, offer=offer)
            assert answer.json()["signal_response"] == answer_to(offer)
            assert [used for name, used in service.calls if name == "create"] == [token, token]

    asyncio.run(run())


def test_the_same_attempt_asked_twice_at_once_is_one_call() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service) as call:
            session_id = await call.started()
            token, offer = new_token(), new_offer()
            asked = [
                asyncio.ensure_future(call.reconnect(session_id, 2, token=token, offer=offer))
                for _ in range(3)
            ]
            await until(lambda: service.creating == 1)
            service.create_gate.set()
            answers = await asyncio.gather(*asked)
            assert [answer.status_code for answer in answers] == [200] * 3
            assert len({answer.text for answer in answers}) == 1
            assert service.count("create") == 1

    asyncio.run(run())


def test_one_create_call_at_a_time_whatever_is_asked_for() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service) as call:
            session_id = await call.started()
            first = asyncio.ensure_future(call.reconnect(session_id, 2, budget_ms=20_000))
            await until(lambda: service.creating == 1)
            late = await call.reconnect(session_id, 3, budget_ms=1000)
            assert problem_of(late, ProblemCode.IN_FLIGHT, 409)["retryable"] is True
            assert late.headers["Retry-After"] == "1"

            waiting = asyncio.ensure_future(call.reconnect(session_id, 4, budget_ms=20_000))
            assert await call.attempt_becomes(session_id, 4)
            newest = asyncio.ensure_future(call.reconnect(session_id, 5, budget_ms=20_000))
            assert await call.attempt_becomes(session_id, 5)
            service.create_gate.set()
            assert (await first).status_code == 200
            problem_of(await waiting, ProblemCode.STALE_ATTEMPT, 409)
            answer = await newest
            assert answer.status_code == 200
            # Attempts 3 and 4 were never made; the newest one's answer is what is kept.
            assert service.most_creating == 1
            assert service.count("create") == 2
            seen = await call.look(session_id)
            assert seen["signal_response"] == answer.json()["signal_response"]

    asyncio.run(run())


def test_a_client_that_hangs_up_does_not_end_its_call() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            offer = new_offer()
            leaving = asyncio.ensure_future(call.reconnect(session_id, 2, offer=offer))
            await until(lambda: service.creating == 1)
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving
            service.create_gate.set()
            await until(lambda: service.creating == 0)
            seen = await call.look(session_id)
            assert seen["signal_request_sha256"] == sha256_hex(offer)
            assert seen["signal_response"] == answer_to(offer)

    asyncio.run(run())


def test_the_budget_ends_the_wait_for_a_slow_service() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service) as call:
            session_id = await call.started()
            begun = time.monotonic()
            answer = await call.reconnect(session_id, 2, budget_ms=700)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            assert time.monotonic() - begun < 6
            service.create_gate.set()

    asyncio.run(run())


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_backend_that_stops_leaves_no_call_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.routes._FINISH_PATIENCE_S", 0.05)

    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            answer = await call.reconnect(session_id, 2, budget_ms=600)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            assert service.creating == 1
        assert service.creating == 0

    asyncio.run(run())


def test_refusals_carry_the_status_that_explains_them() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()
            service.fail("create", ServiceFault.CONFLICT, ServiceFault.INVALID)
            content = problem_of(await call.reconnect(session_id, 2), ProblemCode.CONFLICT, 409)
            assert (content["session_status"], content["retryable"]) == ("CONNECTED", True)
            service.status, service.reason = "TERMINATED", "reconnectionTimeout"
            content = problem_of(
                await call.reconnect(session_id, 3), ProblemCode.INVALID_REQUEST, 400
            )
            assert content["session_status"] == "TERMINATED"
            # From here on the backend knows without asking.
            before = list(service.calls)
            content = problem_of(await call.reconnect(session_id, 4), ProblemCode.CONFLICT, 409)
            assert (content["session_status"], content["retryable"]) == ("TERMINATED", False)
            seen = await call.look(session_id, known="TERMINATED", wait_s=20)
            assert (seen["status"], seen["reason"]) == ("TERMINATED", "reconnectionTimeout")
            assert service.calls == before

    asyncio.run(run())


# --- whose answer it is ---------------------------------------------------------------------------


def test_a_service_that_shows_only_the_first_request_does_not_mix_answers_up() -> None:
    async def run() -> None:
        service = FakeStreamService(shows_first_only=True)
        async with caller(service) as call:
            first, second, third = new_offer(), new_offer(), new_offer()
            session_id = (await call.start(offer=first)).json()["session_id"]
            service.place()
            assert (await call.look(session_id))["signal_response"] == answer_to(first)
            await call.reconnect(session_id, 2, offer=second)
            seen = await call.look(session_id)
            assert seen["signal_request_sha256"] == sha256_hex(second)
            assert seen["signal_response"] == answer_to(second)
            service.fail("create", ServiceFault.TIMED_OUT)
            await call.reconnect(session_id, 3, offer=third)
            seen = await call.look(session_id)
            assert seen["attempt"] == 3
            assert seen["signal_request_sha256"] == sha256_hex(first)
            assert seen["signal_response"] == answer_to(first)

    asyncio.run(run())


def test_a_new_request_shown_with_the_old_answer_is_shown_without() -> None:
    async def run() -> None:
        service = FakeStreamService(lags=True)
        async with caller(service) as call:
            first, second = new_offer(), new_offer()
            session_id = (await call.start(offer=first)).json()["session_id"]
            service.place()
            await call.look(session_id)
            service.fail("create answer", ServiceFault.TIMED_OUT)
            await call.reconnect(session_id, 2, offer=second)
            seen = await call.look(session_id)
            assert seen["signal_request_sha256"] == sha256_hex(second)
            assert seen["signal_response"] is None
            service.held_response = answer_to(second)
            assert (await call.look(session_id))["signal_response"] == answer_to(second)

    asyncio.run(run())


# --- the window and the long poll -----------------------------------------------------------------


def test_what_is_left_counts_from_the_last_call_that_said_connected() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED", connection_timeout_s=30)
        async with caller(service) as call:
            session_id = await call.started()
            connected = (await call.look(session_id))["remaining"]
            assert connected["at_least_s"] == 30
            service.status = "PENDING_CLIENT_RECONNECTION"
            await asyncio.sleep(0.3)
            pending = (await call.look(session_id))["remaining"]
            assert pending["at_least_s"] == 30
            assert pending["age_s"] >= connected["age_s"] + 0.3
            service.status = "ACTIVE"
            assert (await call.look(session_id))["remaining"] is None

    asyncio.run(run())


def test_a_pending_session_nobody_saw_connected_has_no_known_rest() -> None:
    async def run() -> None:
        service = FakeStreamService(status="PENDING_CLIENT_RECONNECTION")
        async with caller(service) as call:
            session_id = await call.started()
            seen = await call.look(session_id)
            assert seen["remaining"] is None
            assert seen["connection_timeout_s"] == 30

    asyncio.run(run())


def test_the_age_of_knowledge_grows_during_a_long_poll() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()
            await call.look(session_id)
            service.status = "PENDING_CLIENT_RECONNECTION"
            begun = time.monotonic()
            seen = await call.look(session_id, known="PENDING_CLIENT_RECONNECTION", wait_s=0.6)
            took_s = time.monotonic() - begun
            assert seen["remaining"]["age_s"] >= 0.5
            assert took_s >= 0.5

    asyncio.run(run())


def test_a_long_poll_ends_when_a_newer_attempt_begins() -> None:
    """Somebody else came in between two looks, and the status is the same again."""

    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()
            waiting = asyncio.ensure_future(call.look(session_id, known="CONNECTED", wait_s=30))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await call.reconnect(session_id, 2)
            seen = await asyncio.wait_for(waiting, 20)
            assert seen["attempt"] == 2

    asyncio.run(run())


def test_a_long_poll_outlives_a_failing_look_but_reports_a_lasting_failure() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()

            async def disturb(*faults: ServiceFault) -> None:
                await asyncio.sleep(0.3)
                service.fail("look", *faults)
                service.status = "PENDING_CLIENT_RECONNECTION"

            seen, _ = await asyncio.gather(
                call.look(session_id, known="CONNECTED", wait_s=8),
                disturb(ServiceFault.TIMED_OUT),
            )
            assert seen["status"] == "PENDING_CLIENT_RECONNECTION"

            service.status = "CONNECTED"
            answer, _ = await asyncio.gather(
                call.http.get(
                    f"/v1/sessions/{session_id}", params={"known": "CONNECTED", "wait_s": 0.8}
                ),
                disturb(*[ServiceFault.THROTTLED] * 9),
            )
            problem_of(answer, ProblemCode.THROTTLED, 429)

    asyncio.run(run())


def test_a_long_poll_ends_when_nobody_listens() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            poll = asyncio.ensure_future(call.look(session_id, known="CONNECTED", wait_s=25))
            await until(lambda: service.count("look") >= 2)
            poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await poll
            await asyncio.sleep(0.5)
            count = service.count("look")
            await asyncio.sleep(0.5)
            assert service.count("look") == count

    asyncio.run(run())


def test_looks_of_all_sessions_together_keep_a_pace() -> None:
    now = [100.0]
    pace = _Pace(lambda: now[0], 10.0)

    async def run() -> list[bool]:
        # Five at once, then one each 0.1 s: the sixth's turn is past a deadline of now.
        return [await pace.wait(now[0] + 0.001) for _ in range(7)]

    assert asyncio.run(run()) == [True] * 5 + [False] * 2
    now[0] += 0.2
    assert asyncio.run(run()) == [True, True] + [False] * 5


# --- ending ---------------------------------------------------------------------------------------


def test_ending_twice_is_no_failure_and_ending_too_early_is_a_conflict() -> None:
    async def run() -> None:
        service = FakeStreamService(status="ACTIVATING")
        async with caller(service) as call:
            session_id = await call.started()
            path = f"/v1/sessions/{session_id}"
            for fault in (ServiceFault.CONFLICT, ServiceFault.INVALID):
                service.fail("terminate", fault)
                content = problem_of(await call.http.delete(path), ProblemCode.CONFLICT, 409)
                assert (content["session_status"], content["retryable"]) == ("ACTIVATING", True)
            service.status = "ACTIVE"
            assert (await call.http.delete(path)).status_code == 204
            for fault in (ServiceFault.CONFLICT, ServiceFault.NOT_FOUND):
                service.fail("terminate", fault)
                assert (await call.http.delete(path)).status_code == 204

    asyncio.run(run())


# --- what is left in logs and files ---------------------------------------------------------------


def test_a_restarted_backend_keeps_its_sessions(tmp_path: Path) -> None:
    path = str(tmp_path / "backend.sqlite3")

    async def run() -> None:
        service = FakeStreamService()
        store = Store(path)
        token, offer = new_token(), new_offer()
        async with caller(service, store=store, sockets=True) as call:
            session_id = await call.started()
            first = await call.reconnect(session_id, 2, token=token, offer=offer)
        store.close()
        store = Store(path)
        async with caller(service, store=store, sockets=True) as call:
            problem_of(await call.reconnect(session_id, 1), ProblemCode.STALE_ATTEMPT, 409)
            again = await call.reconnect(session_id, 2, token=token, offer=offer)
            assert again.json() == first.json()
            assert (await call.reconnect(session_id, 3)).status_code == 200
        store.close()

    asyncio.run(run())


def test_a_mistake_of_ours_is_a_problem_without_a_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            service.fail("look", ValueError("canary in a look"))
            answer = await call.http.get(f"/v1/sessions/{session_id}")
            problem_of(answer, ProblemCode.INTERNAL, 500)
            service.fail("create", ValueError("canary in a create"))
            problem_of(await call.reconnect(session_id, 2), ProblemCode.INTERNAL, 500)
            service.fail("start", ValueError("canary in a start"))
            problem_of(await call.start(), ProblemCode.INTERNAL, 500)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(run())
    ours = [record.getMessage() for record in caplog.records if record.name == "rejoin.backend"]
    assert len(ours) == 3
    for record in caplog.records:
        assert "canary" not in record.getMessage() + str(record.exc_info)


def test_the_service_wish_to_wait_is_passed_on() -> None:
    async def run() -> None:
        service = FakeStreamService()
        async with caller(service) as call:
            session_id = await call.started()
            service.fail("create", ServiceFault.THROTTLED)
            service.retry_after_s = 2.4
            answer = await call.reconnect(session_id, 2)
            problem_of(answer, ProblemCode.THROTTLED, 429)
            assert answer.headers["Retry-After"] == "3"

    asyncio.run(run())


def test_the_application_serves_http_only() -> None:
    store = Store()
    app = build_app(FakeStreamService(), store, [GOOD_TOKEN])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/sessions", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    store.close()
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert "canary" not in json.dumps(sent)
