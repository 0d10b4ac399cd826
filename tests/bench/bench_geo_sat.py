"""Ten minutes over a satellite link with an RTT of 600 ms: no connection is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median

from bench.live_game import STREAM, live_game, run_on_client_loop
from bench.measure import Measurement
from rejoin.emulator.service.faults import FaultKind

PLAYED_S = 600.0
SETTLED_S = 3.0
"""Between the change of the RTT from 0 to 600 ms and the start of the measurement."""


def run(quick: bool) -> Iterator[Measurement]:
    return iter(run_on_client_loop(_satellite(5.0 if quick else PLAYED_S)))


async def _satellite(played_s: float) -> list[Measurement]:
    async with live_game(notice_s=5.0) as game:
        await game.apply_profile("geo_sat")
        await asyncio.sleep(SETTLED_S)
        peer, samples, began = game.peer, game.collect_samples(), len(game.records())
        before = peer.statistics()
        await asyncio.sleep(played_s)
        after, taken, episodes = peer.statistics(), tuple(samples), game.episodes
        lost = sum(record.name == "Lost" for record in game.records()[began:])
        await game.drop(FaultKind.DTLS_CLOSE)
        reconnect = game.timelines()[-1]
    conditions = f"profile geo_sat, {played_s:.0f} s of play; {STREAM}"
    rtts_s = [sample.rtt_s for sample in taken if sample.rtt_s is not None]
    frames = after.frames_decoded - before.frames_decoded
    received = after.packets_received - before.packets_received
    missing = after.packets_lost - before.packets_lost
    fault_at, frame_at = reconnect.at("fault"), reconnect.at("first frame")
    if not rtts_s or fault_at is None or frame_at is None:
        raise RuntimeError("There is no measured RTT, or the reconnect failed.")
    return [
        Measurement("RTT measured by the client, median", median(rtts_s), "s", conditions),
        Measurement("drops (episodes)", episodes, "", conditions),
        Measurement("transitions to LOST", lost, "times", conditions),
        Measurement("frames decoded", frames, "frames", conditions),
        Measurement("frames decoded per second", frames / played_s, "fps", conditions),
        Measurement("packets lost", missing / max(1, received + missing), "of 1", conditions),
        Measurement(
            "largest gap between two packets",
            max(sample.largest_gap_s for sample in taken) * 1000,
            "ms",
            f"without the lag of the client's own loop; {conditions}",
        ),
        Measurement(
            "DTLS close by the host to first new frame",
            (frame_at - fault_at) * 1000,
            "ms",
            f"one drop at the end, ICE and DTLS over the same satellite; {STREAM}",
        ),
    ]
