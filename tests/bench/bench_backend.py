"""The backend for ten thousand players: waiting, reconnecting, attacked, and a storm.

Everything runs on one machine: two backend processes, PostgreSQL, a service without streams, and
the players. `--players` says how many wait at once (default 10,000).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import backend_attack, backend_reconnects, backend_storm, backend_waiting
from bench.measure import PLAYERS_VARIABLE, Measurement
from helpers.postgres import postgres_server

PLAYERS = 10_000


def run(quick: bool) -> Iterator[Measurement]:
    players = int(os.environ.get(PLAYERS_VARIABLE, PLAYERS))
    with postgres_server() as server, tempfile.TemporaryDirectory() as name:
        folder, database = Path(name), server.new_database
        yield from asyncio.run(
            backend_reconnects.overhead(
                database(),
                folder,
                name="PostgreSQL",
                seconds=2.0 if quick else 10.0,
                processes=2,
            )
        )
        yield from asyncio.run(
            backend_reconnects.overhead(
                str(folder / "backend.sqlite3"),
                folder,
                name="SQLite",
                seconds=2.0 if quick else 10.0,
                processes=1,
            )
        )
        yield from asyncio.run(
            backend_reconnects.at_once(database(), folder, players=20 if quick else 1000)
        )
        yield from asyncio.run(
            backend_attack.measured(
                database(),
                folder,
                seconds=1.0 if quick else 5.0,
                attacks=backend_attack.ATTACKS[:1] if quick else backend_attack.ATTACKS,
            )
        )
        yield from asyncio.run(
            backend_storm.measured(database(), folder, players=40 if quick else 1000)
        )
        yield from asyncio.run(
            backend_waiting.measured(
                database(),
                folder,
                players=80 if quick else players,
                hold_s=1.0 if quick else 30.0,
                single_news=5 if quick else min(200, players // 4),
            )
        )
