"""Ten minutes over a satellite: a round trip of 600 ms, and no connection is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median

from bench.measure import Measurement
from bench.stage import STREAM, on_clients_loop, stage
from rejoin.emulator.service.faults import FaultKind

PLAYED_S = 600.0
SETTLED_S = 3.0
"""After the round trip has jumped from nothing to 600 ms, before anything is counted."""


def run(quick: bool) -> Iterator[Measurement]:
    return iter(on_clients_loop(_played(5.0 if quick else PLAYED_S)))


async def _played(played_s: float) -> list[Measurement]:
    async with stage(notice_s=5.0) as it:
        await it.shape("geo_sat")
        await asyncio.sleep(SETTLED_S)
        peer, samples, began = it.peer, it.watch(), len(it.records())
        before = peer.statistics()
        await asyncio.sleep(played_s)
        after, seen, episodes = peer.statistics(), tuple(samples), it.episodes
        lost = sum(record.name == "Lost" for record in it.records()[began:])
        await it.drop(FaultKind.DTLS_CLOSE)
        back = it.timelines()[-1]
    told = f"profile geo_sat, {played_s:.0f} s of play; {STREAM}"
    rtts_s = [sample.rtt_s for sample in seen if sample.rtt_s is not None]
    frames = after.frames_decoded - before.frames_decoded
    received = after.packets_received - before.packets_received
    missing = after.packets_lost - before.packets_lost
    fault_at, frame_at = back.at("fault"), back.at("first frame")
    if not rtts_s or fault_at is None or frame_at is None:
        raise RuntimeError("The satellite was not measured: no round trip, or no way back.")
    return [
        Measurement("round trip as the client measures it, median", median(rtts_s), "s", told),
        Measurement("episodes", episodes, "", told),
        Measurement("LOST", lost, "times", told),
        Measurement("frames decoded", frames, "frames", told),
        Measurement("frames decoded a second", frames / played_s, "fps", told),
        Measurement("packets lost", missing / max(1, received + missing), "of 1", told),
        Measurement(
            "largest gap between two packets",
            max(sample.largest_gap_s for sample in seen) * 1000,
            "ms",
            f"our own loop's lag taken off; {told}",
        ),
        Measurement(
            "then DTLS closed by the host, to first new frame",
            (frame_at - fault_at) * 1000,
            "ms",
            f"once, ICE and DTLS over the same satellite; {STREAM}",
        ),
    ]
