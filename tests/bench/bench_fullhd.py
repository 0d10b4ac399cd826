"""1080p60 from the first packet to the screen, compared with FFmpeg alone decoding the same clip

Host and client are separate processes. The clips are compressed in advance, each frame is sent in
one burst through the relay, and the client has a window of 1920x1080.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from bench import clips
from bench.clips import Clip
from bench.live_game import TIMEOUT_S, RunningStudio, play_game, running_studio
from bench.measure import Measurement
from bench.process_usage import open_files, threads
from bench.windowed_client import measure_in_window, windowed_client
from bench.windowed_client_process import ClientFigures
from rejoin import tasks
from rejoin.core import events
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.codec_context import open_codec
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile

PLAYED_S = 20.0
LOSSY_S = 60.0
LONG_S = 600.0
LATENCY_MS = {8: 8.0, 15: 8.0, 30: 11.0}
CPU_RATIO = 1.4
MOST_FROZEN_S, MOST_PLIS = 0.5, 3
AGE_MS = 3.0
LOSSY: dict[str, Any] = {"round_trip_s": 0.060, "loss": 0.03}
GAMES_CLOSED = 200
CLOSED_WITHIN_S = 0.5
RECONNECT_CLOSED_WITHIN_S = 0.15
DETECTED_WITHIN_S = 0.25
SETTLED_S = 3.0


def run(quick: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mbit in (8,) if quick else tuple(LATENCY_MS):
            clip = clips.make(folder, mbit=mbit)
            figures = asyncio.run(measure_in_window(clip, 2.0 if quick else PLAYED_S))
            yield from _rows(clip, figures, _ffmpeg_alone(clip, 60 if quick else 1200))
        clip = clips.make(folder, mbit=15)
        yield from asyncio.run(_lossy(clip, 2.0 if quick else LOSSY_S))
        small = clips.make(folder, mbit=1, width=640, height=360)
        yield from asyncio.run(_nacks_ignored(small, 2.0 if quick else 10.0))
        yield from asyncio.run(_audio(small, 2.0 if quick else LOSSY_S))
        yield from asyncio.run(_long(clip, 2.0 if quick else LONG_S))
    yield from asyncio.run(_closes(4 if quick else GAMES_CLOSED))


def _conditions(clip: Clip, figures: ClientFigures) -> str:
    return (
        f"{figures.for_s:.0f} s of a {clip.width}x{clip.height}"
        f" clip at {clip.mbit_per_s:.1f} Mbit/s,"
        f" key frames of up to {clip.largest_picture} packets in one burst; Qt {figures.platform}"
    )


def _verdict(value: float, limit: float, unit: str) -> str:
    verdict = "met" if value <= limit else "missed"
    return f"target: at most {limit:g} {unit}, {verdict}"


@dataclass(frozen=True, slots=True)
class FfmpegAlone:
    """FFmpeg alone, opened as the client opens it: CPU for 60 frames per second, in % of a core.

    `paced`: one frame every 1/60 s, as during play; in between, caches go cold and threads sleep.
    `flat_out`: one frame directly after the other.
    """

    paced: float
    flat_out: float
    longest_ms: float


def _rows(clip: Clip, figures: ClientFigures, ffmpeg: FfmpegAlone) -> Iterator[Measurement]:
    name, conditions, counters = f"{clip.mbit} Mbit/s", _conditions(clip, figures), figures.counters
    latency = _verdict(figures.latency_p50_ms, LATENCY_MS[clip.mbit], "ms")
    lost = counters["packets_lost"] + counters["frames_broken"]
    yield from (
        Measurement(
            f"{name}: frames painted", counters["frames_painted"] / figures.for_s, "fps", conditions
        ),
        Measurement(
            f"{name}: frames decoded", counters["frames_decoded"] / figures.for_s, "fps", conditions
        ),
        Measurement(f"{name}: packets or frames lost", lost, "packets or frames", conditions),
        Measurement(
            f"{name}: frames replaced before painting",
            counters["pictures_replaced"],
            "frames",
            conditions,
        ),
        Measurement(
            f"{name}: frames sent early by the host",
            figures.sent_early,
            "frames",
            f"less than half a frame interval after the one before; {conditions}",
        ),
        Measurement(
            f"{name}: first packet sent to frame in slot, median",
            figures.latency_p50_ms,
            "ms",
            f"{latency}; converted to RGB later, when painted; {conditions}",
        ),
        Measurement(
            f"{name}: first packet sent to frame in slot, p95",
            figures.latency_p95_ms,
            "ms",
            conditions,
        ),
        Measurement(
            f"{name}: of which decoding, mean",
            1000 * counters["total_decode_time_s"] / counters["frames_decoded"],
            "ms",
            conditions,
        ),
        Measurement(
            f"{name}: frame age when painted, median", figures.age_p50_ms, "ms", conditions
        ),
        Measurement(f"{name}: frame age when painted, p95", figures.age_p95_ms, "ms", conditions),
        Measurement(
            f"{name}: socket receive buffer",
            figures.receive_buffer_bytes / 2**20,
            "MiB",
            conditions,
        ),
    )
    yield from _cpu_rows(name, conditions, figures, ffmpeg)


def _cpu_rows(
    name: str, conditions: str, figures: ClientFigures, ffmpeg: FfmpegAlone
) -> Iterator[Measurement]:
    """CPU of the whole client compared with that of decoding alone, as shares of one core."""
    share = 100 * figures.receiver_cpu_s / figures.for_s
    window = 100 * figures.window_cpu_s / figures.for_s
    ratio = share / ffmpeg.paced
    unit, same = "% of a core", "the same clip"
    yield from (
        Measurement(
            f"{name}: receiving: CPU", share, unit, f"network and decoder threads; {conditions}"
        ),
        Measurement(
            f"{name}: window thread: CPU",
            window,
            unit,
            f"all that the thread does: scaling and painting; {conditions}",
        ),
        Measurement(
            f"{name}: FFmpeg alone: CPU", ffmpeg.paced, unit, f"{same}, one frame every 1/60 s"
        ),
        Measurement(
            f"{name}: FFmpeg alone: CPU, flat out",
            ffmpeg.flat_out,
            unit,
            f"{same}, as fast as possible, scaled to 60 frames per second",
        ),
        Measurement(
            f"{name}: FFmpeg alone: slowest frame",
            ffmpeg.longest_ms,
            "ms",
            f"{same}; above 16.7 ms the next frames are late in any client",
        ),
        Measurement(
            f"{name}: CPU ratio, receiving to FFmpeg alone",
            ratio,
            "times",
            f"{_verdict(ratio, CPU_RATIO, 'times')}; {conditions}",
        ),
        Measurement(
            f"{name}: CPU ratio, receiving to FFmpeg flat out",
            share / ffmpeg.flat_out,
            "times",
            f"no target; {conditions}",
        ),
    )


def _ffmpeg_alone(clip: Clip, count: int) -> FfmpegAlone:
    flat_out, longest_ms = _decode(clip, count, paced=False)
    return FfmpegAlone(_decode(clip, count, paced=True)[0], flat_out, longest_ms)


def _decode(clip: Clip, count: int, *, paced: bool) -> tuple[float, float]:
    """CPU in % of a core at 60 frames per second, and the time of the slowest frame in ms."""
    codec = open_codec()
    frames = [clips.annexb(units) for units in clip.pictures]
    decoded, longest_s, began_at, before = 0, 0.0, time.monotonic(), time.process_time()
    for number in range(count):
        if paced:
            time.sleep(max(0.0, began_at + number / clips.FPS - time.monotonic()))
        packet = av.Packet(frames[number % len(frames)])
        decode_began_at = time.monotonic()
        decoded += len(codec.decode(packet))
        longest_s = max(longest_s, time.monotonic() - decode_began_at)
    if decoded < count - 1:
        raise RuntimeError(f"FFmpeg decoded {decoded} of {count} frames.")
    return 100 * (time.process_time() - before) / (count / clips.FPS), 1000 * longest_s


# --- lossy networks -------------------------------------------------------------------------------


async def _lossy(clip: Clip, for_s: float) -> list[Measurement]:
    figures = await measure_in_window(clip, for_s, **LOSSY)
    counters = figures.counters
    conditions = f"3 % loss in both directions, RTT 60 ms; {_conditions(clip, figures)}"
    frozen, plis = counters["total_freezes_duration_s"], counters["pli_count"]
    name = "3 % loss"
    return [
        Measurement(
            f"{name}: time frozen",
            frozen,
            "s",
            f"{_verdict(frozen, MOST_FROZEN_S, 's')}; {conditions}",
        ),
        Measurement(
            f"{name}: PLIs sent",
            plis,
            "packets",
            f"{_verdict(plis, MOST_PLIS, 'packets')}; {conditions}",
        ),
        Measurement(f"{name}: freezes", counters["freeze_count"], "", conditions),
        Measurement(
            f"{name}: frames painted", counters["frames_painted"] / figures.for_s, "fps", conditions
        ),
        Measurement(
            f"{name}: packets lost in transit", counters["packets_lost"], "packets", conditions
        ),
        Measurement(
            f"{name}: of which retransmitted in time",
            counters["packets_recovered"],
            "packets",
            conditions,
        ),
        Measurement(
            f"{name}: first packet sent to frame in slot, median",
            figures.latency_p50_ms,
            "ms",
            conditions,
        ),
    ]


async def _nacks_ignored(clip: Clip, for_s: float) -> list[Measurement]:
    """Loss that is not repaired, then none: does latency return to what it was?"""
    async with running_studio(notice_s=5.0, clip=clip.path) as studio:
        await studio.control.change_settings(answers_nack=False, **LOSSY)
        async with windowed_client(studio, clip, for_s, warm_up_s=8.0) as figures:
            await asyncio.sleep(5.0)
            await studio.control.change_settings(loss=0.0)
            after: ClientFigures = await figures()
    conditions = f"5 s of 3 % loss, then none, host ignores NACKs; {_conditions(clip, after)}"
    latency_ms = after.latency_p50_ms - 1000 * LOSSY["round_trip_s"] / 2
    beyond_path = f"not counting the path's 30 ms; {conditions}"
    return [
        Measurement(
            "NACKs ignored: frame latency afterwards, median", latency_ms, "ms", beyond_path
        ),
        Measurement(
            "NACKs ignored: frames decoded afterwards",
            after.counters["frames_decoded"] / for_s,
            "fps",
            conditions,
        ),
    ]


async def _audio(clip: Clip, for_s: float) -> list[Measurement]:
    figures = await measure_in_window(clip, for_s, round_trip_s=0.060, loss=0.01)
    counters = figures.counters
    received, concealed = counters["audio_packets_received"], counters["audio_packets_concealed"]
    conditions = f"1 % loss in both directions, RTT 60 ms, {figures.for_s:.0f} s, no retransmission"
    return [
        Measurement(
            "audio, 1 % loss: packets of 20 ms played",
            (received + concealed) / figures.for_s,
            "packets/s",
            conditions,
        ),
        Measurement("audio, 1 % loss: of which concealed", concealed, "packets", conditions),
    ]


# --- long play, and many closed connections -------------------------------------------------------


async def _long(clip: Clip, for_s: float) -> list[Measurement]:
    figures = await measure_in_window(clip, for_s)
    counters, conditions = figures.counters, _conditions(clip, figures)
    lost = counters["packets_lost"] + counters["frames_broken"]
    middle = len(figures.rss_mb) // 2
    growth_mb, late_growth_mb = (
        figures.rss_mb[-1] - figures.rss_mb[1],
        figures.rss_mb[-1] - figures.rss_mb[middle],
    )
    return [
        Measurement(
            "long run: frames painted",
            counters["frames_painted"] / figures.for_s,
            "fps",
            conditions,
        ),
        Measurement("long run: packets or frames lost", lost, "packets or frames", conditions),
        Measurement("long run: freezes", counters["freeze_count"], "", conditions),
        Measurement(
            "long run: frame age when painted, p95",
            figures.age_p95_ms,
            "ms",
            f"since decoding; {_verdict(figures.age_p95_ms, AGE_MS, 'ms')}; {conditions}",
        ),
        Measurement("long run: memory at the end", figures.rss_mb[-1], "MB", conditions),
        Measurement("long run: memory growth since the first tenth", growth_mb, "MB", conditions),
        Measurement("long run: memory growth in the second half", late_growth_mb, "MB", conditions),
    ]


async def _closes(times: int) -> list[Measurement]:
    """Connections closed at any moment, also while connecting; what remains afterwards."""
    chance = random.Random(1)
    async with running_studio(notice_s=0.0) as studio:
        await studio.control.change_settings(placement_s=0.0, connection_timeout_s=1, **_SMALL)
        await _close_game(studio, 1.0)  # creates what is made once and kept: pools, decoder tables
        before = _resources()
        for _ in range(times // 2):
            await _close_game(studio, CLOSED_WITHIN_S * chance.random())
        async with play_game(studio, keep_records=False) as game:
            for _ in range(times - times // 2):
                await game.inject(Fault(FaultKind.GRACEFUL_CLOSE))
                await asyncio.sleep(RECONNECT_CLOSED_WITHIN_S * chance.random())
                await game.inject(Fault(FaultKind.GRACEFUL_CLOSE))
                await asyncio.sleep(DETECTED_WITHIN_S)
                await game.wait_until_live()
        await asyncio.sleep(SETTLED_S)
        after = _resources()
    conditions = (
        f"{times // 2} games closed up to {CLOSED_WITHIN_S:g} s after their start,"
        f" {times - times // 2} connections closed up to {RECONNECT_CLOSED_WITHIN_S:g} s after the"
        " one before, also while still connecting; counted after all have ended"
    )
    names = ("file descriptors", "sockets", "threads", "tasks")
    return [
        Measurement(f"closed connections: {name} left over", count - earlier, "", conditions)
        for name, count, earlier in zip(names, after, before, strict=True)
    ]


_SMALL: dict[str, Any] = {"width": 640, "height": 360, "fps": 30, "bitrate_bps": 2_000_000}


async def _close_game(studio: RunningStudio, after_s: float) -> None:
    """Start a game and close it after this time."""
    player = Player(
        StudioProfile(
            studio.access.backend_url, studio.access.player_token, NetworkRules(loopback_only=True)
        ),
        PlayerOptions(audio=NullOutput()),
    )
    running = tasks.spawn(player.run(), name="player")
    await asyncio.sleep(after_s)
    player.post(events.CloseForNowRequested())
    await asyncio.wait_for(running, TIMEOUT_S)


def _resources() -> tuple[int, int, int, int]:
    """The counts now, without the threads of the event loop's pool, which grows independently."""
    gc.collect()
    pool = sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
    return (*open_files(), threads() - pool, len(asyncio.all_tasks()))
