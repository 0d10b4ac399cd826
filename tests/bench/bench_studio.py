"""The studio under load: four players at once, and 200 connects of one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from bench.measure import Measurement
from bench.stage import cpu_s, resident_mb, rss_mb, stage, stages
from rejoin.emulator.service.faults import FaultKind

PLAYERS = 4
WARM_UP_S = 3.0
PLAYED_S = 20.0
CONNECTS = (10, 100, 200)
HD_30: dict[str, Any] = {"width": 1280, "height": 720, "fps": 30, "bitrate_bps": 5_000_000}
STREAM = "emulator, loopback, 720p30 at 5 Mbit/s"


def run(quick: bool) -> Iterator[Measurement]:
    yield from asyncio.run(_together(2 if quick else PLAYERS, 0.5 if quick else PLAYED_S))
    yield from asyncio.run(_connects((1, 2) if quick else CONNECTS))


async def _together(players: int, for_s: float) -> list[Measurement]:
    async with stages(players, notice_s=5.0, **HD_30) as playing:
        studio = playing[0].studio_pid
        await asyncio.sleep(WARM_UP_S)
        began, before = time.perf_counter(), [it.peer.statistics() for it in playing]
        cpu_before, studio_before = time.process_time(), cpu_s(studio)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, [it.peer.statistics() for it in playing]
        cpu, studio_cpu = time.process_time() - cpu_before, cpu_s(studio) - studio_before
        resident_mb = rss_mb(studio)
    pairs = list(zip(before, after, strict=True))
    rates = [(now.frames_decoded - then.frames_decoded) / took_s for then, now in pairs]
    told = f"{players} players at once, each in a game of its own, {took_s:.0f} s; {STREAM}"
    dropped = sum(now.frames_dropped - then.frames_dropped for then, now in pairs)
    lost = sum(now.packets_lost - then.packets_lost for then, now in pairs)
    return [
        Measurement("frames decoded, the slowest of them", min(rates), "fps", told),
        Measurement("frames decoded, the fastest of them", max(rates), "fps", told),
        Measurement("frames dropped, all together", dropped, "frames", told),
        Measurement("packets lost, all together", lost, "packets", told),
        Measurement("studio: CPU", 100 * studio_cpu / took_s, "% of a core", told),
        Measurement("studio: resident memory", resident_mb, "MB", told),
        Measurement("clients: CPU, all together", 100 * cpu / took_s, "% of a core", told),
    ]


async def _connects(counts: tuple[int, ...]) -> list[Measurement]:
    looks = {}
    async with stage(notice_s=0.0, keep_records=False, **HD_30) as it:
        for connects in range(1, counts[-1] + 1):
            await it.drop(FaultKind.GRACEFUL_CLOSE)  # back when a new picture is decoded
            if connects in counts:
                looks[connects] = await resident_mb(it.studio_pid)
    told = f"each through CreateStreamSessionConnection to the first new picture; {STREAM}"
    found = [
        Measurement("studio: resident memory", mb, "MB", f"after {connects} connects, {told}")
        for connects, mb in looks.items()
    ]
    first, last = counts[0], counts[-1]
    ratio = looks[last] / looks[first]
    when = f"after {last} connects against after {first}, {told}"
    return [*found, Measurement("studio: resident memory, ratio", ratio, "x", when)]
