"""Receiving and decoding while somebody plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from bench.measure import Measurement
from bench.stage import STREAM, cpu_s, stage

WARM_UP_S = 2.0
PLAYED_S = 10.0


def run(quick: bool) -> Iterator[Measurement]:
    yield from asyncio.run(_played(0.5 if quick else PLAYED_S))


async def _played(for_s: float) -> list[Measurement]:
    async with stage(notice_s=5.0, keep_records=False) as it:
        await asyncio.sleep(WARM_UP_S)
        began, before = time.perf_counter(), it.peer.statistics()
        cpu_before, studio_before = time.process_time(), cpu_s(it.studio_pid)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, it.peer.statistics()
        cpu, studio = time.process_time() - cpu_before, cpu_s(it.studio_pid) - studio_before
    told = f"{took_s:.1f} s of play; {STREAM}"
    unpainted = "receiving, SRTP, decoding, scaling to BGRA at 1280x720; not painting"

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
            "painting and encoding the game, on the same machine",
        ),
    ]
