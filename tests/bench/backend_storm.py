"""A Region drops a thousand games at once: how many are saved, and how many could have been."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.backend_scene import Deployment, deployment, new_offer, outcome
from bench.measure import Measurement
from helpers.matching import (
    WINDOWS_S,
    Rank,
    Storm,
    by_arrival,
    by_deadline,
    dropped_at_once,
    most_saved,
)
from rejoin.backend.create_order import Waiting
from rejoin.signaling.wire import IDEMPOTENCY_HEADER, LATEST_HEADER, WINDOW_HEADER

PER_S, AT_ONCE = 20.0, 5
"""Create calls that the backend makes at most, as its settings say."""
SERVICE_BURST = 20
"""AWS documents a rate and no burst; the service here refuses none of those that are not too many
over a second."""
LONGEST_CALL_S = 9.0
_ORDERS: dict[str, Rank] = {
    "first come, first served": by_arrival,
    "earliest deadline": by_deadline,
}


async def _come_back(it: Deployment, player: int, window_s: float, answers: Counter[str]) -> None:
    """Try until the window is over, as a client does: the same bytes again where the backend says
    that this may help, after the time that it names."""
    connection = it.connection(player)
    over_at = time.monotonic() + window_s
    offer, key = new_offer(), secrets.token_hex(16)
    await asyncio.sleep(random.uniform(0.0, 0.2))  # not every client sees it in the same moment
    while (left_s := over_at - time.monotonic()) > 0.5:
        left_ms = str(int(left_s * 1000))
        answer = await it.reconnect(
            connection,
            player,
            2,
            min(left_s, LONGEST_CALL_S),
            offer=offer,
            more={IDEMPOTENCY_HEADER: key, WINDOW_HEADER: left_ms, LATEST_HEADER: left_ms},
        )
        answers[outcome(answer)] += 1
        if answer.status == 200:
            break
        if answer.status == 409 and b"in-flight" not in answer.body:
            break
        await asyncio.sleep(float(answer.headers.get("retry-after", "0.5")))
    connection.close()


async def measured(database: str, folder: Path, *, players: int) -> list[Measurement]:
    """Windows in equal parts, in a random order."""
    games = dropped_at_once(players)
    windows = [game.latest_at for game in games]
    async with deployment(database, folder, players=players) as it:
        await it.service.command(
            quotas={
                "CreateStreamSessionConnection": [PER_S, SERVICE_BURST],
                "GetStreamSession": [20, 20],
            }
        )
        for player in range(players):
            it.headers(player)
            connection = it.connection(player)
            await connection.call("GET", "/v1/health", {})
            connection.close()
        answers: Counter[str] = Counter()
        drops = await it.service.command(drop=list(range(players)), windows_s=windows)
        began_at = time.monotonic()
        patience_s = 2.0 * players / PER_S + WINDOWS_S[0]
        tries = [
            asyncio.ensure_future(_come_back(it, player, window, answers))
            for player, window in enumerate(windows)
        ]
        await asyncio.wait(tries, timeout=patience_s)
        for each in tries:
            each.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        took_s = time.monotonic() - began_at
        saved_at = await it.service.command(saved=players)
        calls = await it.service.command(calls=True)
    saved = Counter(window for window, at in zip(windows, saved_at, strict=True) if at is not None)
    last_s = max((at - drops[0] for at in saved_at if at is not None), default=0.0)
    best = most_saved(games, PER_S, AT_ONCE)
    conditions = (
        f"{players:,} at once, windows of {', '.join(f'{each:g}' for each in WINDOWS_S)} s in equal"
        f" parts, {PER_S:g} create calls a second, 2 processes, PostgreSQL"
    )
    print(f"storm: {dict(answers)}", flush=True)
    failed = sum(count for said, count in answers.items() if said[0] == "5")
    busy = sum(count for said, count in answers.items() if said.startswith("429"))
    throttled = calls.get("CreateStreamSessionConnection 429", 0)
    return [
        Measurement("storm: games saved", saved.total(), "games", conditions),
        *(
            Measurement(f"storm: of which in {window:g} s", saved[window], "games", conditions)
            for window in WINDOWS_S
        ),
        *(
            Measurement(f"storm: {name} saves", _saved_by(rank, games), "games", "computed")
            for name, rank in _ORDERS.items()
        ),
        Measurement("storm: the best order (maximum matching) saves", best, "games", "computed"),
        Measurement("storm: saved, of the most", 100 * saved.total() / best, "%", conditions),
        Measurement("storm: last game saved after", last_s, "s", conditions),
        Measurement("storm: measured for", took_s, "s", conditions),
        Measurement("storm: calls that the service throttled", throttled, "calls", conditions),
        Measurement("storm: answers 429", busy, "answers", conditions),
        Measurement("storm: answers 5xx", failed, "answers", conditions),
    ]


def _saved_by(rank: Rank, games: Sequence[Waiting]) -> int:
    return Storm(games, rank, skips=False, per_s=PER_S, at_once=AT_ONCE).run()
