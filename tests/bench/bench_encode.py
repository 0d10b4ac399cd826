"""What a 1080p60 game costs the studio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

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
WARM_UP_S, PLAYED_S = 2.0, 6.0
LARGE: dict[str, Any] = {"width": 1920, "height": 1080, "fps": 60, "bitrate_bps": BITRATE_BPS}
RIGHT, LEFT = 0x4F, 0x50


def run(quick: bool) -> Iterator[Measurement]:
    prepare()
    for profile, named in (("baseline", "Constrained Baseline"), ("high", "High")):
        yield from _frames(profile, named, *((1, 3) if quick else (ROUNDS, FRAMES)))
    for constant in (False,) if quick else (False, True):
        yield asyncio.run(_studio(constant, 0.2 if quick else PLAYED_S))


def _frames(profile: str, named: str, rounds: int, frames: int) -> Iterator[Measurement]:
    finest = EmulatorSettings(width=1920, height=1080).quantizer_limit
    video_format = VideoFormat(1920, 1080, 60, BITRATE_BPS, profile, finest_quantizer=finest)
    encoder, game = VideoEncoder(video_format), Game(0.0)
    took_ms: list[float] = []
    sent_bytes = 0
    for turn in range(rounds + 1):
        began = time.process_time()
        for _ in range(frames):
            held = RIGHT if game.counter // 120 % 2 == 0 else LEFT
            game.hold(Controls(frozenset({held})), (game.counter + 1.5) / TICKS_PER_S)
            key = game.counter == 1
            units = encoder.encode(game.scene(), key=key, bitrate_bps=BITRATE_BPS)
            sent_bytes += sum(map(len, units)) if turn else 0
        if turn:  # the first turn opens the encoder
            took_ms.append((time.process_time() - began) / frames * 1000)
    encoder.close()
    conditions = (
        f"CPU time, median of {rounds} times {frames} frames; scene with a moving player; {named},"
        f" {BITRATE_BPS / 1e6:.0f} Mbit/s allowed"
    )
    rate = sent_bytes * 8 * TICKS_PER_S / rounds / frames / 1e6
    yield Measurement(f"{named}: paint and encode a frame", median(took_ms), "ms", conditions)
    yield Measurement(f"{named}: bitrate", rate, "Mbit/s", conditions)


async def _studio(constant: bool, for_s: float) -> Measurement:
    stream = f"{'a constant' if constant else 'up to'} {BITRATE_BPS / 1e6:.0f} Mbit/s"
    async with live_game(
        notice_s=5.0, keep_records=False, constant_bitrate=constant, **LARGE
    ) as game:
        await asyncio.sleep(WARM_UP_S)
        decoded, used_s = game.peer.statistics().frames_decoded, cpu_s(game.studio_pid)
        await asyncio.sleep(for_s)
        decoded = game.peer.statistics().frames_decoded - decoded
        took_ms = (cpu_s(game.studio_pid) - used_s) / max(1, decoded) * 1000
    conditions = (
        f"CPU time of the studio's process for each frame that a client decoded; {for_s:.0f} s of"
        f" play; emulator, loopback, 1080p60 at {stream}"
    )
    return Measurement(f"studio, {stream}: a frame", took_ms, "ms", conditions)
