"""Processes of `rejoin backend` in front of a service of the test, and their players."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from helpers.fake_stream_service import new_offer, new_token
from helpers.programs import PATIENCE_S, TOKEN, Program, started


class Backend:
    """One process of `rejoin backend`, and a client of it."""

    def __init__(self, program: Program, http: httpx.AsyncClient) -> None:
        self.program = program
        self.http = http

    async def start(self, offer: str | None = None) -> str:
        """A new game; its session id."""
        answer = await self.http.post(
            "/v1/sessions",
            headers={"Idempotency-Key": new_token()},
            json={"signal_request": offer or new_offer(), "attempt": 1},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_id"])

    async def reconnect(
        self, session_id: str, attempt: int, key: str, offer: str, *, budget_ms: int = 9000
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/sessions/{session_id}/connections",
            headers={"Idempotency-Key": key, "Rejoin-Budget-Ms": str(budget_ms)},
            json={"signal_request": offer, "attempt": attempt},
        )


def write_settings(folder: Path, database: str, service_port: int, **changes: object) -> Path:
    """The settings file of every process of one deployment. `changes`: of single settings."""
    content: dict[str, Any] = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "tokens": TOKEN,
        "endpoint_url": f"http://127.0.0.1:{service_port}",
        "access_key_id": "nobody",
        "secret_access_key": "nothing",
        "database": database,
        "starts_per_minute": 1000,
        "live_sessions": 1000,
        "port": 0,
        **changes,
    }
    settings = folder / "backend.toml"
    settings.write_text("".join(f"{name} = {json.dumps(content[name])}\n" for name in content))
    settings.chmod(0o600)
    return settings


@asynccontextmanager
async def backend_process(
    settings: Path, *, before: tuple[str, ...] = (), module: tuple[str, ...] = ("rejoin",)
) -> AsyncIterator[Backend]:
    """A running backend. `before` is put in front of its command; `module`: what Python runs in
    place of `rejoin`, and its own arguments."""
    async with contextlib.AsyncExitStack() as stack:
        program = stack.enter_context(
            started("backend", "--settings", str(settings), before=before, module=module)
        )
        line = await asyncio.wait_for(asyncio.to_thread(program.out.readline), PATIENCE_S)
        assert "http://" in line, program.process.stderr and program.process.stderr.read()
        http = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=line.split()[-1],
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=2 * PATIENCE_S,  # each call has its own budget
                trust_env=False,
            )
        )
        yield Backend(program, http)
