"""Receiving and decoding during play."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from bench.live_game import STREAM, live_game, run_on_client_loop
from bench.measure import Measurement
from bench.process_usage import cpu_s

WARM_UP_S = 2.0
PLAYED_S = 10.0


FULL_HD: dict[str, Any] = {
    "width": 1920,
    "height": 1080,
    "fps": 60,
    "bitrate_bps": 15_000_000,
    "constant_bitrate": True,
}
FULL_HD_STREAM = "emulator, loopback, 1080p60 at a constant 15 Mbit/s"


def run(quick: bool) -> Iterator[Measurement]:
    for_s = 0.5 if quick else PLAYED_S
    yield from run_on_client_loop(_frames("720p60", for_s, STREAM, {}))
    if not quick:
        yield from run_on_client_loop(_frames("1080p60", for_s, FULL_HD_STREAM, FULL_HD))


async def _frames(
    size: str, for_s: float, stream: str, settings: dict[str, Any]
) -> list[Measurement]:
    async with live_game(notice_s=5.0, keep_records=False, **settings) as game:
        await asyncio.sleep(WARM_UP_S)
        began, before = time.perf_counter(), game.peer.statistics()
        cpu_before, studio_before = time.process_time(), cpu_s(game.studio_pid)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, game.peer.statistics()
        cpu, studio_cpu = time.process_time() - cpu_before, cpu_s(game.studio_pid) - studio_before
    conditions = f"{took_s:.1f} s of play; {stream}"
    unpainted = f"receiving, SRTP and decoding; no RGB conversion, no painting; {stream}"

    def rate(name: str) -> float:
        return float(getattr(after, name) - getattr(before, name)) / took_s

    def increase(name: str) -> float:
        return float(getattr(after, name) - getattr(before, name))

    return [
        Measurement(f"{size}: frames decoded", rate("frames_decoded"), "fps", conditions),
        Measurement(f"{size}: frames received", rate("frames_received"), "fps", conditions),
        Measurement(
            f"{size}: frames dropped",
            increase("frames_dropped"),
            "frames",
            f"by the client; {conditions}",
        ),
        Measurement(
            f"{size}: frames that failed to decode", increase("frames_failed"), "frames", conditions
        ),
        Measurement(f"{size}: packets lost", increase("packets_lost"), "packets", conditions),
        Measurement(
            f"{size}: video received", rate("bytes_received") * 8 / 1e6, "Mbit/s", conditions
        ),
        Measurement(f"{size}: client: CPU", 100 * cpu / took_s, "% of a core", unpainted),
        Measurement(
            f"{size}: client: CPU per frame",
            1000 * cpu / increase("frames_decoded"),
            "ms",
            unpainted,
        ),
        Measurement(
            f"{size}: studio: CPU",
            100 * studio_cpu / took_s,
            "% of a core",
            f"drawing and encoding the game, on the same machine; {stream}",
        ),
    ]
