"""Thousands of long polls at two backends: memory, CPU, and how soon news arrives."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from pathlib import Path

from bench.backend_scene import Deployment, deployment, outcome, session_id
from bench.http_calls import Connection
from bench.measure import Measurement, percentile
from bench.process_usage import cpu_s, rss_mb

WAIT_S = 25.0
WARM_PLAYERS = 50
"""Have polled before memory is compared, so that what is loaded once does not count."""
OPENED_PER_S = 250
DROPPED_WINDOW_S = 600.0
DROPPED = "PENDING_CLIENT_RECONNECTION"


class Player:
    """Polls without an end, as a client does whose game runs. `knew_at`: when it saw the drop."""

    def __init__(self, it: Deployment, number: int, statuses: Counter[str]) -> None:
        self.number = number
        self.knew_at: float | None = None
        self.polling = asyncio.Event()
        self.knows = asyncio.Event()
        self._connection: Connection = it.connection(number)
        self._headers = it.headers(number, WAIT_S + 10.0)
        self._statuses = statuses

    async def play(self) -> None:
        """Until the session is seen to wait for its player."""
        known = "CONNECTED"
        while self.knew_at is None:
            path = f"/v1/sessions/{session_id(self.number)}?known={known}&wait_s={WAIT_S:g}"
            call = asyncio.ensure_future(self._connection.call("GET", path, self._headers))
            await asyncio.sleep(0)
            self.polling.set()
            answer = await call
            self._statuses[outcome(answer)] += 1
            if answer.status != 200:
                await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
                continue
            known = answer.json()["status"]
            if known == DROPPED:
                self.knew_at = time.monotonic()
                self.knows.set()

    def close(self) -> None:
        self._connection.close()


async def measured(
    database: str, folder: Path, *, players: int, hold_s: float, single_news: int
) -> list[Measurement]:
    """`hold_s`: how long all of them wait, at least. `single_news`: sessions dropped one by one."""
    async with deployment(database, folder, players=players) as it:
        statuses: Counter[str] = Counter()
        waiting = [Player(it, number, statuses) for number in range(players)]
        pids = [pid for _, pid in it.backends]
        games: list[asyncio.Task[None]] = []
        try:
            await _open(waiting[:WARM_PLAYERS], games)
            await asyncio.sleep(2.0)
            rss_before = sum(map(rss_mb, pids))
            await _open(waiting[WARM_PLAYERS:], games)
            cpu_before, held_at = sum(map(cpu_s, pids)), time.monotonic()
            answered = statuses.total()
            single_s = await _news_one_by_one(it, waiting, single_news, hold_s)
            held_s = time.monotonic() - held_at
            used_s = sum(map(cpu_s, pids)) - cpu_before
            answered = statuses.total() - answered
            rss = sum(map(rss_mb, pids)) - rss_before
            all_s = await _news_of_all(it, waiting)
            answers = statuses.copy()
        finally:
            for game in games:
                game.cancel()
            for player in waiting:
                player.close()
            await asyncio.gather(*games, return_exceptions=True)
    kib = rss * 1e6 / 1024 / (players - WARM_PLAYERS)
    conditions = f"{players:,} long polls of {WAIT_S:g} s, 2 processes, PostgreSQL"
    print(f"waiting: {dict(answers)}", flush=True)
    failed = sum(count for said, count in answers.items() if said[0] == "5")
    busy = sum(count for said, count in answers.items() if said.startswith("429"))
    return [
        Measurement("waiting: memory for each player", kib, "KiB", conditions),
        Measurement(
            "waiting: CPU of both processes", 100 * used_s / held_s, "% of a core", conditions
        ),
        Measurement(
            "waiting: CPU for each answer", 1000 * used_s / max(1, answered), "ms", conditions
        ),
        Measurement("waiting: answers 429", busy, "answers", conditions),
        Measurement("waiting: answers 5xx", failed, "answers", conditions),
        Measurement("waiting: connections cut off", answers["0"], "connections", conditions),
        Measurement("waiting: answers in all", sum(answers.values()), "answers", conditions),
        *_news("news, one at a time", single_s, single_news, conditions),
        *_news("news, every session at once", all_s, players - single_news, conditions),
    ]


def _news(name: str, took_s: list[float], expected: int, conditions: str) -> list[Measurement]:
    found = [Measurement(f"{name}: arrived", len(took_s), f"of {expected:,}", conditions)]
    if len(took_s) > 1:
        found += [
            Measurement(f"{name}: after, p{percent}", percentile(took_s, percent), "s", conditions)
            for percent in (50, 99)
        ]
    return found


async def _open(players: list[Player], games: list[asyncio.Task[None]]) -> None:
    """Let them begin, so many a second."""
    began_at = time.monotonic()
    for number, player in enumerate(players):
        await asyncio.sleep(max(0.0, began_at + number / OPENED_PER_S - time.monotonic()))
        games.append(asyncio.ensure_future(player.play()))
    for player in players:
        await player.polling.wait()


async def _news_one_by_one(
    it: Deployment, players: list[Player], count: int, at_least_s: float
) -> list[float]:
    """Drop some sessions, one after another, over the whole time."""
    began_at = time.monotonic()
    chosen = random.Random(1).sample(players, count)
    dropped: list[tuple[Player, float]] = []
    for number, player in enumerate(chosen):
        await asyncio.sleep(began_at + number * at_least_s / count - time.monotonic())
        (at,) = await it.service.command(drop=[player.number], windows_s=[DROPPED_WINDOW_S])
        dropped.append((player, at))
    await _until_all_know([player for player, _ in dropped])
    return [player.knew_at - at for player, at in dropped if player.knew_at is not None]


async def _news_of_all(it: Deployment, players: list[Player]) -> list[float]:
    """A Region drops everybody at once."""
    left = [player for player in players if player.knew_at is None]
    numbers = [player.number for player in left]
    drops = await it.service.command(drop=numbers, windows_s=[DROPPED_WINDOW_S] * len(left))
    await _until_all_know(left)
    return [
        player.knew_at - at
        for player, at in zip(left, drops, strict=True)
        if player.knew_at is not None
    ]


async def _until_all_know(players: list[Player]) -> None:
    """Wait for them, but no longer than two long polls."""
    knowing = asyncio.gather(*(player.knows.wait() for player in players))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(knowing, 2 * WAIT_S)
