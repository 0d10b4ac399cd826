"""What the backend adds to a reconnect: at 20 a second, and a thousand at once."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select

from bench.backend_scene import Deployment, deployment, new_offer
from bench.http_calls import Connection
from bench.measure import Measurement, percentile
from helpers.ports import free_port
from helpers.streamless_service import digest
from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import STREAM_SESSION

PER_S = 20
CREATE_S = 0.05
"""How long the service takes for a create call; it is not counted."""
_NO_QUEUE: dict[str, int] = {"calls_per_s": 10 * PER_S, "calls_burst": 10 * PER_S}
"""Settings with which no reconnect waits for its turn at the service: at exactly AWS's quota the
queue alone would take longer than all that is measured here."""


async def overhead(
    database: str, folder: Path, *, name: str, seconds: float, processes: int
) -> list[Measurement]:
    """Reconnects at an even pace, each of another player, and beside them what the least backend
    that there can be takes: a second of these and a second of those, so that a machine that
    becomes slower is slower for both."""
    seconds = max(2, round(seconds))
    count = 2 * seconds * PER_S
    async with (
        deployment(database, folder, players=count, processes=processes, **_NO_QUEUE) as it,
        bare_backend(it.issuer.url) as bare_port,
    ):
        await it.service.command(drop=list(range(count)), windows_s=[600.0] * count)
        await it.service.command(
            delay_s={"CreateStreamSessionConnection": CREATE_S}, slow_start_s=0.0
        )
        offers = [new_offer() for _ in range(count)]
        began_at = time.monotonic()

        async def one(player: int) -> float:
            bare = _is_bare(player)
            connection = Connection(bare_port) if bare else it.connection(player)
            await asyncio.sleep(began_at + player / PER_S - time.monotonic())
            await connection.call("GET", "/v1/health", {})
            if bare:
                body = {"signal_request": offers[player], "attempt": 2}
                answer = await connection.call(
                    "POST", f"/v1/sessions/{player}/connections", {}, body
                )
            else:
                answer = await it.reconnect(connection, player, 2, offer=offers[player])
            connection.close()
            assert answer.status == 200, answer
            return answer.took_s

        for player in range(count):
            it.headers(player)  # signed before the clock runs
        took_s = await asyncio.gather(*(one(player) for player in range(count)))
        served_s = await it.service.command(served_s=True)
    extra_ms = [
        1000 * (whole - served_s[digest(offer)])
        for whole, offer in zip(took_s, offers, strict=True)
    ]
    warm = range(2 * PER_S, count)
    ours, least = (
        [extra_ms[player] for player in warm if _is_bare(player) is bare] for bare in (False, True)
    )
    conditions = (
        f"{PER_S} a second for {seconds} s, {processes} process{'es' if processes > 1 else ''};"
        " without the service's own time"
    )
    beside = "FastAPI and boto3 alone, a second of these and a second of those"
    found = []
    for percent in (50, 95):
        mine, other = percentile(ours, percent), percentile(least, percent)
        subject = f"{name}: a reconnect takes longer by, p{percent}"
        found += [
            Measurement(subject, mine, "ms", conditions),
            Measurement(f"{subject}, of the least backend", other, "ms", beside),
            Measurement(f"{subject}, more than the least backend", mine - other, "ms", beside),
        ]
    return found


def _is_bare(player: int) -> bool:
    """Whether this player's reconnect is asked of the least backend."""
    return player // PER_S % 2 == 1


@asynccontextmanager
async def bare_backend(service_url: str) -> AsyncIterator[int]:
    """The port of a running `bench.bare_backend`."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare_backend", str(port), service_url),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield port
    finally:
        process.kill()
        await process.wait()


async def at_once(database: str, folder: Path, *, players: int) -> list[Measurement]:
    """Every player's first try in one moment: when the last attempt is recorded (its claim)."""
    async with deployment(database, folder, players=players) as it:
        await it.service.command(drop=list(range(players)), windows_s=[600.0] * players)
        connections = [it.connection(player) for player in range(players)]
        for player, connection in enumerate(connections):
            it.headers(player)
            await connection.call("GET", "/v1/health", {})
        began_at = time.monotonic()
        tries = [
            asyncio.ensure_future(it.reconnect(connection, player, 2, 30.0))
            for player, connection in enumerate(connections)
        ]
        claimed_s = await _all_claimed(it, players, began_at)
        answers = await asyncio.gather(*tries)
        for connection in connections:
            connection.close()
    answered = sum(answer.status == 200 for answer in answers)
    conditions = f"{players:,} reconnects at once, 2 processes, PostgreSQL"
    return [
        Measurement("at once: last attempt recorded after", claimed_s, "s", conditions),
        Measurement("at once: answered by the first try", answered, "players", conditions),
        Measurement(
            "at once: last answer after", max(each.took_s for each in answers), "s", conditions
        ),
    ]


async def _all_claimed(it: Deployment, players: int, began_at: float) -> float:
    """Seconds until every session's newest attempt is the second; asks the database directly."""
    database = Database(it.database)
    await database.open()
    try:
        while time.monotonic() - began_at < 60.0:
            count = await database.run(
                lambda connection: connection.scalar(
                    select(func.count()).where(STREAM_SESSION.c.attempt == 2)
                ),
                within_s=5.0,
            )
            if count == players:
                return time.monotonic() - began_at
            await asyncio.sleep(0.05)
    finally:
        await database.close()
    raise RuntimeError("not every attempt was recorded within a minute")
