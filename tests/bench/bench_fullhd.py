"""1080p60 received, decoded and scaled, beside FFmpeg's bare decoding of the same pictures"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from bench.measure import Measurement
from bench.stage import cpu_s, open_files, rss_mb, stage, threads
from rejoin.emulator.game import TICKS_PER_S, Game
from rejoin.emulator.sender import VideoEncoder
from rejoin.emulator.settings import FaultKind

WARM_UP_S = 2.0
MBITS = (8, 15, 30)
LONG_S = 600.0
CLOSES = 200
ENCODED_FRAMES = 600


def settings(mbit: int) -> dict[str, Any]:
    return {
        "width": 1920,
        "height": 1080,
        "fps": 60,
        "bitrate_bps": mbit * 1_000_000,
        "constant_bitrate": True,
    }


def run(quick: bool) -> Iterator[Measurement]:
    for mbit in MBITS[:1] if quick else MBITS:
        yield from asyncio.run(_played(mbit, 1.0 if quick else 20.0))
        yield from _bare(mbit, 30 if quick else ENCODED_FRAMES)
    yield from asyncio.run(_long(2.0 if quick else LONG_S))
    yield from asyncio.run(_closes(2 if quick else CLOSES))


async def _played(mbit: int, for_s: float) -> list[Measurement]:
    async with stage(notice_s=5.0, keep_records=False, **settings(mbit)) as it:
        await asyncio.sleep(WARM_UP_S)
        began, before, busy = time.perf_counter(), it.peer.statistics(), time.process_time()
        studio = cpu_s(it.studio_pid)
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, it.peer.statistics()
        busy, studio = time.process_time() - busy, cpu_s(it.studio_pid) - studio
    told = f"{took_s:.0f} s of play at a constant {mbit} Mbit/s asked for, emulator, loopback"
    decoded = after.frames_decoded - before.frames_decoded
    decode_s = after.total_decode_time_s - before.total_decode_time_s
    received = (after.bytes_received - before.bytes_received) * 8 / took_s / 1e6
    failed = after.frames_failed - before.frames_failed
    return [
        Measurement(f"{mbit} Mbit/s: received", received, "Mbit/s", told),
        Measurement(f"{mbit} Mbit/s: decoded", decoded / took_s, "fps", told),
        Measurement(
            f"{mbit} Mbit/s: lost", after.packets_lost - before.packets_lost, "packets", told
        ),
        Measurement(f"{mbit} Mbit/s: not decodable", failed, "frames", told),
        Measurement(f"{mbit} Mbit/s: client's CPU", 100 * busy / took_s, "% of a core", told),
        Measurement(f"{mbit} Mbit/s: decoding a frame", 1000 * decode_s / decoded, "ms", told),
        Measurement(f"{mbit} Mbit/s: studio's CPU", 100 * studio / took_s, "% of a core", told),
    ]


def _bare(mbit: int, count: int) -> Iterator[Measurement]:
    """The emulator's own pictures through FFmpeg's decoder alone, made before."""
    form = settings(mbit)
    game, bitrate_bps = Game(0.0, 1), mbit * 1_000_000
    encoder = VideoEncoder(
        width=1920, height=1080, fps=60, profile="high", bitrate_bps=bitrate_bps, fill=True
    )
    pictures = []
    for number in range(count):
        game.advance(number / TICKS_PER_S)
        units = encoder.encode(game.scene(), key=number == 0, bitrate_bps=bitrate_bps)
        pictures.append(b"".join(b"\0\0\0\1" + unit for unit in units))
    encoder.close()
    codec = av.CodecContext.create("h264", "r")
    assert isinstance(codec, VideoCodecContext)
    codec.thread_type, codec.thread_count = "SLICE", 2
    decoded, busy = 0, time.process_time()
    for data in pictures:
        decoded += len(codec.decode(av.Packet(data)))
    busy = time.process_time() - busy
    told = f"FFmpeg and nothing else, {decoded} pictures of {form['width']}x{form['height']}"
    share = 100 * busy / (count / TICKS_PER_S)
    yield Measurement(f"{mbit} Mbit/s: bare decoding", share, "% of a core", f"{told}, at 60 fps")


async def _long(for_s: float) -> list[Measurement]:
    """One stretch of play: what grows, what was lost, what froze."""
    async with stage(notice_s=5.0, keep_records=False, **settings(15)) as it:
        await asyncio.sleep(WARM_UP_S)
        before, mb = it.peer.statistics(), rss_mb()
        began = time.perf_counter()
        await asyncio.sleep(for_s)
        took_s, after = time.perf_counter() - began, it.peer.statistics()
        grown = rss_mb() - mb
    told = f"{took_s:.0f} s at a constant 15 Mbit/s asked for"
    decoded = after.frames_decoded - before.frames_decoded
    return [
        Measurement("long: decoded", decoded / took_s, "fps", told),
        Measurement("long: freezes", after.freeze_count - before.freeze_count, "", told),
        Measurement("long: lost", after.packets_lost - before.packets_lost, "packets", told),
        Measurement("long: memory grown", grown, "MB", told),
    ]


async def _closes(times: int) -> list[Measurement]:
    """Drops at any moment of a connection's life; what stays behind when all is over."""
    chance = random.Random(1)
    async with stage(notice_s=0.0, keep_records=False) as it:
        await asyncio.sleep(WARM_UP_S)
        files, count = open_files(), threads()
        for _ in range(times):
            await it.drop(FaultKind.GRACEFUL_CLOSE)
            await asyncio.sleep(0.3 * chance.random())
        await asyncio.sleep(1.0)
        after, left = open_files(), threads()
        tasks = len(asyncio.all_tasks())
    told = f"{times} connections closed up to 0.3 s after their first picture; one is still open"
    return [
        Measurement("closes: descriptors more", after[0] - files[0], "", told),
        Measurement("closes: sockets more", after[1] - files[1], "", told),
        Measurement("closes: threads more", left - count, "", told),
        Measurement("closes: tasks in all", tasks, "", told),
    ]
