"""Clips of drops: keeping access units, and MP4 of them"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.measure import Measurement
from helpers.h264_streams import x264
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.access_units import AccessUnits
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.kept_units import KeptUnits
from rejoin.media.video.mp4 import mp4_of

RATE_HZ = 60
FRAMES = 600
"""Ten seconds."""
PATTERN = 60


def run(quick: bool) -> Iterator[Measurement]:
    stream = AccessUnits()
    found = [stream.add(each) for each in x264(PATTERN, "keyint=60:qp=38")]
    units = [unit for unit in found if unit is not None]
    frames = [
        EncodedFrame(
            units[number % PATTERN].data,
            number * 90_000 // RATE_HZ,
            number % PATTERN == 0,
            False,
            received_at=number / RATE_HZ,
        )
        for number in range(FRAMES)
    ]
    rounds = 2 if quick else 10
    keeping_s = writing_s = 0.0
    size = 0
    for _ in range(rounds):
        kept = KeptUnits()
        began_at = time.process_time()
        for frame in frames:
            kept.add(ConnectionNumber(1), frame)
        keeping_s += time.process_time() - began_at
        kept.drop_noticed(FRAMES / RATE_HZ)
        [clip] = kept.finish()
        began_at = time.process_time()
        size = len(mp4_of(clip.units))
        writing_s += time.process_time() - began_at
    conditions = f"{FRAMES} frames, {size / 1e6:.1f} MB"
    each_us = keeping_s / rounds / FRAMES * 1e6
    yield Measurement("keeping an access unit", each_us, "µs each", conditions)
    yield Measurement("MP4 of ten seconds", writing_s / rounds * 1000, "ms", conditions)
