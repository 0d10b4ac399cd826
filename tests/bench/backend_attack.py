"""What other players notice while one player attacks the backend with all that a token allows."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.backend_scene import Deployment, deployment, new_offer, session_id
from bench.http_calls import Answer, Connection
from bench.measure import Measurement, percentile
from bench.process_usage import cpu_s
from rejoin.signaling.wire import IDEMPOTENCY_HEADER

ATTACKS = (
    "900 abandoned polls",
    "16 calls outstanding",
    "60 starts",
    "300 slow starts",
    "3,000 wrong tokens",
    "1,100 silent connections",
)
ATTACKER_SESSIONS = 5
"""As many games as one player may have."""
PER_S = {"status": 8.0, "start": 4.0, "reconnect": 8.0}
SERVICE_S = {
    "GetStreamSession": 0.02,
    "StartStreamSession": 0.05,
    "CreateStreamSessionConnection": 0.05,
}
SLOW_START_S = 6.0
_PLAYERS = 200
_REST_S = 2.0


@dataclass
class Others:
    """The other players: each call is by the next one of them, over a connection that is open."""

    it: Deployment
    connections: dict[int, Connection] = field(default_factory=dict)
    next_player: int = ATTACKER_SESSIONS
    next_new: int = ATTACKER_SESSIONS + _PLAYERS
    attempts: dict[int, int] = field(default_factory=dict)
    failed: int = 0

    async def player(self) -> tuple[int, Connection]:
        number = self.next_player
        self.next_player += 1
        if self.next_player >= ATTACKER_SESSIONS + _PLAYERS:
            self.next_player = ATTACKER_SESSIONS
        return number, await self.connection(number)

    async def connection(self, number: int) -> Connection:
        found = self.connections.pop(number, None)
        if found is None:
            found = self.it.connection(number)
        await found.open()
        return found

    async def status(self) -> Answer:
        number, connection = await self.player()
        headers = self.it.headers(number)
        answer = await connection.call("GET", f"/v1/sessions/{session_id(number)}", headers)
        self.connections[number] = connection
        return answer

    async def start(self) -> Answer:
        number = self.next_new
        self.next_new += 1
        connection = await self.connection(number)
        headers = self.it.headers(number) | {IDEMPOTENCY_HEADER: secrets.token_hex(16)}
        body = {"signal_request": new_offer(), "attempt": 1}
        answer = await connection.call("POST", "/v1/sessions", headers, body)
        connection.close()
        return answer

    async def reconnect(self) -> Answer:
        number, connection = await self.player()
        attempt = self.attempts[number] = self.attempts.get(number, 1) + 1
        answer = await self.it.reconnect(connection, number, attempt)
        self.connections[number] = connection
        return answer

    async def measured(self, seconds: float) -> dict[str, list[float]]:
        """Operation -> how long each of its calls took; those that failed are counted apart."""
        calls: dict[str, Callable[[], Coroutine[Any, Any, Answer]]] = {
            "status": self.status,
            "start": self.start,
            "reconnect": self.reconnect,
        }
        took: dict[str, list[float]] = {name: [] for name in calls}

        async def one(name: str) -> None:
            answer = await calls[name]()
            if answer.status in (200, 201):
                took[name].append(answer.took_s)
            else:
                self.failed += 1

        async def paced(name: str) -> None:
            began_at, count = time.monotonic(), int(PER_S[name] * seconds)
            running = []
            for number in range(count):
                await asyncio.sleep(began_at + number / PER_S[name] - time.monotonic())
                running.append(asyncio.ensure_future(one(name)))
            await asyncio.gather(*running)

        await asyncio.gather(*(paced(name) for name in calls))
        return took

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()


async def measured(
    database: str, folder: Path, *, seconds: float, attacks: tuple[str, ...] = ATTACKS
) -> list[Measurement]:
    """`seconds`: of each attack, and of the quiet time before and after it."""
    count = ATTACKER_SESSIONS + _PLAYERS
    async with deployment(database, folder, players=count, first_owns=ATTACKER_SESSIONS) as it:
        others = Others(it)
        for number in range(count + int(PER_S["start"] * seconds) * (2 * len(attacks) + 3)):
            it.headers(number)  # signed before the clock runs
        await it.service.command(
            drop=list(range(ATTACKER_SESSIONS, count)), windows_s=[3600.0] * _PLAYERS
        )
        await it.service.command(delay_s=SERVICE_S, slow_start_s=SLOW_START_S)
        try:
            await others.measured(2.0)  # what is loaded once
            quiet, under = [await _phase(it, others.measured(seconds), others)], []
            for attack in attacks:
                under.append(await _phase(it, _under(attack, it, others, seconds), others))
                await asyncio.sleep(_REST_S)
                quiet.append(await _phase(it, others.measured(seconds), others))
        finally:
            others.close()
    service = ", ".join(f"{name} {1000 * took:.0f} ms" for name, took in SERVICE_S.items())
    conditions = f"other players, 2 processes, PostgreSQL; {service}"
    rows = [
        Measurement(
            f"quiet: {name}, p95",
            1000 * percentile([each for part in quiet for each in part.took_s[name]], 95),
            "ms",
            conditions,
        )
        for name in PER_S
    ]
    for attack, under_it, before_it, after_it in zip(
        attacks, under, quiet, quiet[1:], strict=False
    ):
        beside = f"the quiet times just before and after; {conditions}"
        rows += [
            Measurement(
                f"{attack}: {name}, p95 against quiet",
                percentile(under_it.took_s[name], 95)
                / percentile(before_it.took_s[name] + after_it.took_s[name], 95),
                "x",
                beside,
            )
            for name in PER_S
        ]
        rows += [
            Measurement(
                f"{attack}: CPU of the backends against quiet",
                2 * under_it.cpu_s / (before_it.cpu_s + after_it.cpu_s),
                "x",
                beside,
            ),
            Measurement(f"{attack}: others' calls that failed", under_it.failed, "calls", beside),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class Phase:
    """How long the others' calls took, how many failed, and the CPU that the backends used."""

    took_s: dict[str, list[float]]
    failed: int
    cpu_s: float


async def _phase(
    it: Deployment, measured: Coroutine[Any, Any, dict[str, list[float]]], others: Others
) -> Phase:
    def used_s() -> float:
        return sum(cpu_s(pid) for _, pid in it.backends)

    failed, cpu_before_s = others.failed, used_s()
    took_s = await measured
    return Phase(took_s, others.failed - failed, used_s() - cpu_before_s)


async def _under(
    attack: str, it: Deployment, others: Others, seconds: float
) -> dict[str, list[float]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.attack_process", str(seconds + 1.0)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    what = {
        "kind": attack,
        "ports": [port for port, _ in it.backends],
        "token": it.issuer.token(0),
        "sessions": [session_id(number) for number in range(ATTACKER_SESSIONS)],
    }
    process.stdin.write(json.dumps(what).encode())
    process.stdin.close()
    await asyncio.sleep(1.0)
    took = await others.measured(seconds)
    assert process.stdout is not None
    print(f"{attack}: {(await process.stdout.read()).decode().strip()}", flush=True)
    assert await process.wait() == 0, f"the attack {attack} failed"
    return took
