"""A raw HTTP client of the backend, so that Rejoin's own client cannot hide a bug."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import httpx
from starlette.applications import Starlette

from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    PLENTY,
    FakeStreamService,
    live_backend,
    new_offer,
    new_token,
)
from helpers.stores import opened
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.sign_in import Authenticate
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import ProblemCode


class Caller:
    """Calls the routes of the backend."""

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

    async def get_status(self, session_id: str, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/sessions/{session_id}", params=query)
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status

    async def attempt_becomes(self, session_id: str, attempt: int) -> bool:
        for _ in range(6000):
            if (await self.get_status(session_id))["attempt"] == attempt:
                return True
            await asyncio.sleep(0.01)
        return False


@contextlib.asynccontextmanager
async def in_process(
    app: Starlette, base_url: str = "http://x", **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of this application without sockets; it begins and ends as on a server, so that
    nothing of it is left when its store closes."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            base_url=base_url, transport=httpx.ASGITransport(app), trust_env=False, **options
        ) as http,
    ):
        yield http


@contextlib.asynccontextmanager
async def caller(
    service: FakeStreamService,
    *,
    token: str = GOOD_TOKEN,
    store: SessionStore | None = None,
    tokens: Collection[str] | Authenticate = (GOOD_TOKEN, OTHER_TOKEN),
    sockets: bool = False,
) -> AsyncIterator[Caller]:
    """A caller of a new backend: over real sockets, or (default) in this process without any."""
    async with contextlib.AsyncExitStack() as stack:
        headers = {"Authorization": f"Bearer {token}"}
        if sockets:
            url = await stack.enter_async_context(live_backend(service, store=store, tokens=tokens))
            http = httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False)
            yield Caller(await stack.enter_async_context(http))
        else:
            kept = store if store is not None else await stack.enter_async_context(opened())
            app = build_app(service, kept, tokens, rules=AppRules(quota=PLENTY))
            yield Caller(await stack.enter_async_context(in_process(app, headers=headers)))


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
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        await asyncio.sleep(0.01)
