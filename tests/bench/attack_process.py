"""One player who attacks a backend, as a process: `attack_process SECONDS < attack.json`.

The attack is an object of `kind`, `ports`, `token` and `sessions` (ids of the attacker's games).
The process has a low priority: an attacker's computer is not the backend's.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from bench.backend_scene import new_offer, raise_descriptors
from bench.http_calls import Connection
from helpers.streamless_service import SLOW_MARK
from rejoin.signaling.wire import IDEMPOTENCY_HEADER

BURST_EVERY_S = 2.0
_ABANDONED_AFTER_S = 0.05


@dataclass
class Attack:
    """`seconds`: how long it goes on. `answers`: what the backend said."""

    kind: str
    ports: list[int]
    token: str
    sessions: list[str]
    seconds: float
    answers: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._ports = itertools.cycle(self.ports)

    def connection(self) -> Connection:
        return Connection(next(self._ports))

    def headers(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.token}"}

    async def at_pace(self, count: int, one: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        """`count` of them, spread evenly over the time."""
        began_at, running = time.monotonic(), set()
        for number in range(count):
            await asyncio.sleep(began_at + number * self.seconds / count - time.monotonic())
            task = asyncio.ensure_future(one(number))
            running.add(task)
            task.add_done_callback(running.discard)

    async def in_bursts(self, count: int, one: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        """`count` of them at once, again and again."""
        until_at = time.monotonic() + self.seconds
        running: list[asyncio.Task[None]] = []
        while time.monotonic() < until_at:
            running += [asyncio.ensure_future(one(number)) for number in range(count)]
            await asyncio.sleep(BURST_EVERY_S)
        for task in running:
            task.cancel()

    # --- the kinds --------------------------------------------------------------------------------

    async def abandoned_poll(self, number: int) -> None:
        connection = self.connection()
        session = self.sessions[number % len(self.sessions)]
        path = f"/v1/sessions/{session}?known=CONNECTED&wait_s=25"
        call = asyncio.ensure_future(connection.call("GET", path, self.headers()))
        await asyncio.wait({call}, timeout=_ABANDONED_AFTER_S)
        connection.close()
        self.answers[(await call).status] += 1

    async def outstanding(self, number: int) -> None:
        connection = self.connection()
        session = self.sessions[number % len(self.sessions)]
        path = f"/v1/sessions/{session}?known=CONNECTED&wait_s=25"
        until_at = time.monotonic() + self.seconds
        while time.monotonic() < until_at:
            answer = await connection.call("GET", path, self.headers())
            self.answers[answer.status] += 1
            await asyncio.sleep(_ABANDONED_AFTER_S)

    async def start(self, _: int, mark: str = "") -> None:
        connection = self.connection()
        answer = await connection.call(
            "POST",
            "/v1/sessions",
            self.headers() | {IDEMPOTENCY_HEADER: secrets.token_hex(16)},
            {"signal_request": mark + new_offer(), "attempt": 1},
        )
        self.answers[answer.status] += 1
        connection.close()

    async def slow_start(self, number: int) -> None:
        await self.start(number, SLOW_MARK)

    async def wrong_token(self, number: int) -> None:
        connection = self.connection()
        header, payload, _ = self.token.split(".")
        token = f"{header}.{payload}.{secrets.token_urlsafe(64)}"
        answer = await connection.call(
            "GET", f"/v1/sessions/{self.sessions[0]}", self.headers(token)
        )
        self.answers[answer.status] += 1
        connection.close()

    async def silent(self, _: int) -> None:
        connection = self.connection()
        try:
            await connection.open()
            await asyncio.sleep(self.seconds)
        except OSError:
            self.answers[0] += 1
        finally:
            connection.close()

    async def run(self) -> None:
        match self.kind:
            case "900 abandoned polls":
                await self.at_pace(900, self.abandoned_poll)
            case "16 calls outstanding":
                await asyncio.gather(*(self.outstanding(number) for number in range(16)))
            case "60 starts":
                await self.in_bursts(60, self.start)
            case "300 slow starts":
                await self.in_bursts(300, self.slow_start)
            case "3,000 wrong tokens":
                await self.at_pace(3000, self.wrong_token)
            case "1,100 silent connections":
                await self.in_bursts(1100, self.silent)
            case _:
                raise ValueError(f"unknown attack: {self.kind}")


def main() -> None:
    os.nice(10)
    raise_descriptors()
    attack = Attack(**json.loads(sys.stdin.read()), seconds=float(sys.argv[1]))
    asyncio.run(attack.run())
    print(json.dumps(attack.answers))


if __name__ == "__main__":
    main()
