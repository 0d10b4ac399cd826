"""What a 1080p60 game costs the studio, beside the setup before ADR 0080 in the same run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.former_encoder import FormerEncoder
from bench.live_game import live_game
from bench.measure import Measurement
from bench.process_usage import cpu_s
from rejoin.emulator.host.encoders import VideoEncoder, prepare
from rejoin.emulator.host.game import TICKS_PER_S, Game
from rejoin.emulator.host.x264 import VideoFormat
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.input_protocol.controls import Controls

BITRATE_BPS = 15_000_000
ROUNDS, FRAMES = 8, 60
"""Each setup encodes so many frames in turn, so that load on the machine meets both."""
WARM_UP_S, PLAYED_S, TURNS = 2.0, 6.0, 1
LARGE: dict[str, Any] = {"width": 1920, "height": 1080, "fps": 60, "bitrate_bps": BITRATE_BPS}
RIGHT, LEFT = 0x4F, 0x50


def run(quick: bool) -> Iterator[Measurement]:
    prepare()
    for profile, named in (("baseline", "Constrained Baseline"), ("high", "High")):
        yield from _frames(profile, named, *((1, 3) if quick else (ROUNDS, FRAMES)))
    for constant in (False,) if quick else (False, True):
        yield from asyncio.run(_studio(constant, *((0.2, 1) if quick else (PLAYED_S, TURNS))))


def _frames(profile: str, named: str, rounds: int, frames: int) -> Iterator[Measurement]:
    finest = EmulatorSettings(width=1920, height=1080).quantizer_limit
    video_format = VideoFormat(1920, 1080, 60, BITRATE_BPS, profile, finest_quantizer=finest)
    encoders = [FormerEncoder(video_format), VideoEncoder(video_format)]
    games = [Game(0.0), Game(0.0)]
    took_ms: list[list[float]] = [[], []]
    sent_bytes = [0, 0]
    for turn in range(rounds + 1):
        for which, (encoder, game) in enumerate(zip(encoders, games, strict=True)):
            began = time.process_time()
            for _ in range(frames):
                held = RIGHT if game.counter // 120 % 2 == 0 else LEFT
                game.hold(Controls(frozenset({held})), (game.counter + 1.5) / TICKS_PER_S)
                key = game.counter == 1
                units = encoder.encode(game.scene(), key=key, bitrate_bps=BITRATE_BPS)
                sent_bytes[which] += sum(map(len, units)) if turn else 0
            if turn:  # the first turn opens the encoders
                took_ms[which].append((time.process_time() - began) / frames * 1000)
    for encoder in encoders:
        encoder.close()
    before, now = map(median, took_ms)
    conditions = (
        f"CPU time, median of {rounds} times {frames} frames; scene with a moving player; {named},"
        f" {BITRATE_BPS / 1e6:.0f} Mbit/s allowed"
    )
    rates = [each * 8 * TICKS_PER_S / rounds / frames / 1e6 for each in sent_bytes]
    yield Measurement(f"{named}: paint and encode a frame, before", before, "ms", conditions)
    yield Measurement(f"{named}: paint and encode a frame, now", now, "ms", conditions)
    yield Measurement(f"{named}: ratio", now / before, "times", conditions)
    yield Measurement(f"{named}: bitrate before", rates[0], "Mbit/s", conditions)
    yield Measurement(f"{named}: bitrate now", rates[1], "Mbit/s", conditions)


async def _studio(constant: bool, for_s: float, turns: int) -> list[Measurement]:
    stream = f"{'a constant' if constant else 'up to'} {BITRATE_BPS / 1e6:.0f} Mbit/s"
    took_ms: dict[str, list[float]] = {"bench.former_encoder": [], "rejoin": []}
    for _ in range(turns):
        for module, found in took_ms.items():
            found.append(await _studio_ms(module, for_s, constant))
    before, now = (median(found) for found in took_ms.values())
    conditions = (
        f"CPU time of the studio's process for each frame that a client decoded; {turns} times"
        f" {for_s:.0f} s; emulator, loopback, 1080p60 at {stream}"
    )
    return [
        Measurement(f"studio, {stream}: a frame, before", before, "ms", conditions),
        Measurement(f"studio, {stream}: a frame, now", now, "ms", conditions),
        Measurement(f"studio, {stream}: ratio", now / before, "times", conditions),
    ]


async def _studio_ms(module: str, for_s: float, constant: bool) -> float:
    async with live_game(
        notice_s=5.0, keep_records=False, module=module, constant_bitrate=constant, **LARGE
    ) as game:
        await asyncio.sleep(WARM_UP_S)
        decoded, used_s = game.peer.statistics().frames_decoded, cpu_s(game.studio_pid)
        await asyncio.sleep(for_s)
        decoded = game.peer.statistics().frames_decoded - decoded
        return (cpu_s(game.studio_pid) - used_s) / max(1, decoded) * 1000
