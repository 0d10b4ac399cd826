"""Receiving and decoding while somebody plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from bench.measure import Measurement
from bench.stage import STREAM, cpu_s, on_clients_loop, stage

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
    yield from on_clients_loop(_played(for_s, STREAM, {}))
    if not quick:
        yield from on_clients_loop(_played(for_s, FULL_HD_STREAM, FULL_HD))


async def _played(for_s: float, stream: str, settings: dict[str, Any]) -> list[Measurement]:
    async with stage(notice_s=5.0, keep_records=False, **settings) as it:
        await asyncio.sleep(WARM_UP_S)
        began, before = time.perf_counter(), it.peer.statistics()
        cpu_before, studio_before = time.process_time(), cpu_s(it.studio_pid)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, it.peer.statistics()
        cpu, studio = time.process_time() - cpu_before, cpu_s(it.studio_pid) - studio_before
    told = f"{took_s:.1f} s of play; {stream}"
    unpainted = f"receiving, SRTP, decoding; neither colours nor painting; {stream}"

    def rate(name: str) -> float:
        return float(getattr(after, name) - getattr(before, name)) / took_s

    def rise(name: str) -> float:
        return float(getattr(after, name) - getattr(before, name))

    return [
        Measurement("frames decoded", rate("frames_decoded"), "fps", told),
        Measurement("frames received", rate("frames_received"), "fps", told),
        Measurement("frames dropped", rise("frames_dropped"), "frames", f"by the client; {told}"),
        Measurement("frames that could not be decoded", rise("frames_failed"), "frames", told),
        Measurement("packets lost", rise("packets_lost"), "packets", told),
        Measurement("video received", rate("bytes_received") * 8 / 1e6, "Mbit/s", told),
        Measurement("client: CPU", 100 * cpu / took_s, "% of a core", unpainted),
        Measurement("client: CPU a frame", 1000 * cpu / rise("frames_decoded"), "ms", unpainted),
        Measurement(
            "studio: CPU",
            100 * studio / took_s,
            "% of a core",
            f"painting and encoding the game, on the same machine; {stream}",
        ),
    ]
