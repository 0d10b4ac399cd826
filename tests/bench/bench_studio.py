"""The studio under load: four players at once, and 200 connections of one player."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from bench.live_game import live_game, live_games
from bench.measure import Measurement
from bench.process_usage import cpu_s, resident_mb, rss_mb
from rejoin.emulator.service.faults import FaultKind

PLAYERS = 4
WARM_UP_S = 3.0
PLAYED_S = 20.0
CONNECTIONS = (10, 100, 200)
HD_30: dict[str, Any] = {"width": 1280, "height": 720, "fps": 30, "bitrate_bps": 5_000_000}
STREAM = "emulator, loopback, 720p30 at 5 Mbit/s"


def run(quick: bool) -> Iterator[Measurement]:
    yield from asyncio.run(_players(2 if quick else PLAYERS, 0.5 if quick else PLAYED_S))
    yield from asyncio.run(_connections((1, 2) if quick else CONNECTIONS))


async def _players(players: int, for_s: float) -> list[Measurement]:
    async with live_games(players, notice_s=5.0, **HD_30) as games:
        studio = games[0].studio_pid
        await asyncio.sleep(WARM_UP_S)
        began, before = time.perf_counter(), [game.peer.statistics() for game in games]
        cpu_before, studio_before = time.process_time(), cpu_s(studio)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, [game.peer.statistics() for game in games]
        cpu, studio_cpu = time.process_time() - cpu_before, cpu_s(studio) - studio_before
        resident_mb = rss_mb(studio)
    pairs = list(zip(before, after, strict=True))
    rates = [(later.frames_decoded - earlier.frames_decoded) / took_s for earlier, later in pairs]
    conditions = f"{players} players at once, each in a separate game, {took_s:.0f} s; {STREAM}"
    dropped = sum(later.frames_dropped - earlier.frames_dropped for earlier, later in pairs)
    lost = sum(later.packets_lost - earlier.packets_lost for earlier, later in pairs)
    return [
        Measurement("frames decoded, slowest player", min(rates), "fps", conditions),
        Measurement("frames decoded, fastest player", max(rates), "fps", conditions),
        Measurement("frames dropped, all players", dropped, "frames", conditions),
        Measurement("packets lost, all players", lost, "packets", conditions),
        Measurement("studio: CPU", 100 * studio_cpu / took_s, "% of a core", conditions),
        Measurement("studio: resident memory during play", resident_mb, "MB", conditions),
        Measurement("clients: CPU, all players", 100 * cpu / took_s, "% of a core", conditions),
    ]


async def _connections(counts: tuple[int, ...]) -> list[Measurement]:
    memory_mb = {}
    async with live_game(notice_s=0.0, keep_records=False, **HD_30) as game:
        for connects in range(1, counts[-1] + 1):
            await game.drop(FaultKind.GRACEFUL_CLOSE)  # returns once a new frame is decoded
            if connects in counts:
                memory_mb[connects] = await resident_mb(game.studio_pid)
    conditions = f"each from CreateStreamSessionConnection to the first new frame; {STREAM}"
    found = [
        Measurement(f"studio: resident memory after {connects} connections", mb, "MB", conditions)
        for connects, mb in memory_mb.items()
    ]
    first, last = counts[0], counts[-1]
    ratio = memory_mb[last] / memory_mb[first]
    when = f"after {last} connections compared with after {first}; {conditions}"
    return [*found, Measurement("studio: resident memory, ratio", ratio, "x", when)]
