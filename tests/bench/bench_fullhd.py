"""1080p60 from the first packet to the screen, beside FFmpeg's bare decoding of the same clip

Host and client are processes of their own; the clips were compressed before, each picture goes out
in one burst through the relay, and the client has a window of 1920x1080.
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
from bench.audience import played_in_window, watching
from bench.clips import Clip
from bench.measure import Measurement
from bench.stage import PATIENCE_S, Premises, open_files, played, premises, threads
from bench.watcher import Seen
from rejoin import tasks
from rejoin.core import events
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.codec_context import open_codec
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile

PLAYED_S = 20.0
LOSSY_S = 60.0
LONG_S = 600.0
LATENCY_MS = {8: 8.0, 15: 8.0, 30: 11.0}
CPU_RATIO = 1.4
FROZEN_S, PLIS = 0.5, 3
AGE_MS = 3.0
LOSSY: dict[str, Any] = {"round_trip_s": 0.060, "loss": 0.03}
CLOSES = 200
CLOSED_WITHIN_S = 0.5
REJOIN_CLOSED_WITHIN_S = 0.15
NOTICED_WITHIN_S = 0.25
SETTLED_S = 3.0


def run(quick: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mbit in (8,) if quick else tuple(LATENCY_MS):
            clip = clips.make(folder, mbit=mbit)
            seen = asyncio.run(played_in_window(clip, 2.0 if quick else PLAYED_S))
            yield from _rows(clip, seen, _bare(clip, 60 if quick else 1200))
        clip = clips.make(folder, mbit=15)
        yield from asyncio.run(_lossy(clip, 2.0 if quick else LOSSY_S))
        small = clips.make(folder, mbit=1, width=640, height=360)
        yield from asyncio.run(_nacks_ignored(small, 2.0 if quick else 10.0))
        yield from asyncio.run(_sound(small, 2.0 if quick else LOSSY_S))
        yield from asyncio.run(_long(clip, 2.0 if quick else LONG_S))
    yield from asyncio.run(_closes(4 if quick else CLOSES))


def _told(clip: Clip, seen: Seen) -> str:
    return (
        f"{seen.for_s:.0f} s of a {clip.width}x{clip.height} clip at {clip.mbit_per_s:.1f} Mbit/s,"
        f" key frames of up to {clip.largest_picture} packets in one burst; Qt {seen.platform}"
    )


def _met(value: float, limit: float, unit: str) -> str:
    verdict = "met" if value <= limit else "missed"
    return f"target: {limit:g} {unit} at most, {verdict}"


@dataclass(frozen=True, slots=True)
class Bare:
    """FFmpeg and nothing else, opened as the client opens it: CPU for 60 pictures a second, in %.

    `paced`: a picture each 60th second, as they come in play: between two of them caches go cold
    and threads sleep. `flat_out`: one after the other.
    """

    paced: float
    flat_out: float
    longest_ms: float


def _rows(clip: Clip, seen: Seen, bare: Bare) -> Iterator[Measurement]:
    name, told, counted = f"{clip.mbit} Mbit/s", _told(clip, seen), seen.counters
    latency = _met(seen.latency_p50_ms, LATENCY_MS[clip.mbit], "ms")
    lost = counted["packets_lost"] + counted["frames_broken"]
    yield from (
        Measurement(f"{name}: painted", counted["frames_painted"] / seen.for_s, "fps", told),
        Measurement(f"{name}: decoded", counted["frames_decoded"] / seen.for_s, "fps", told),
        Measurement(f"{name}: lost", lost, "packets or frames", told),
        Measurement(
            f"{name}: not painted in time",
            counted["pictures_replaced"],
            "frames",
            told,
        ),
        Measurement(
            f"{name}: sent bunched by the host",
            seen.bunched,
            "frames",
            f"less than half a frame after the one before; {told}",
        ),
        Measurement(
            f"{name}: first packet sent to frame in the slot, median",
            seen.latency_p50_ms,
            "ms",
            f"{latency}; its colours are made when it is painted; {told}",
        ),
        Measurement(
            f"{name}: first packet sent to frame in the slot, p95", seen.latency_p95_ms, "ms", told
        ),
        Measurement(
            f"{name}: of which decoding, mean",
            1000 * counted["total_decode_time_s"] / counted["frames_decoded"],
            "ms",
            told,
        ),
        Measurement(f"{name}: frame's age when painted, median", seen.age_p50_ms, "ms", told),
        Measurement(f"{name}: frame's age when painted, p95", seen.age_p95_ms, "ms", told),
        Measurement(
            f"{name}: socket buffer granted", seen.receive_buffer_bytes / 2**20, "MiB", told
        ),
    )
    yield from _cpu_rows(name, told, seen, bare)


def _cpu_rows(name: str, told: str, seen: Seen, bare: Bare) -> Iterator[Measurement]:
    """What receiving costs beside what decoding alone costs, as shares of one core."""
    share = 100 * seen.receiver_cpu_s / seen.for_s
    window = 100 * seen.window_cpu_s / seen.for_s
    ratio = share / bare.paced
    unit, same = "% of a core", "the same clip"
    yield from (
        Measurement(
            f"{name}: receiver's CPU", share, unit, f"network and decoder's threads; {told}"
        ),
        Measurement(
            f"{name}: the window's CPU", window, unit, f"scaling and painting, all it does; {told}"
        ),
        Measurement(
            f"{name}: bare FFmpeg's CPU", bare.paced, unit, f"{same}, a picture each 60th second"
        ),
        Measurement(
            f"{name}: bare FFmpeg's CPU, one picture after the other",
            bare.flat_out,
            unit,
            f"{same}, as fast as it can, told for 60 pictures a second",
        ),
        Measurement(
            f"{name}: bare FFmpeg, longest picture",
            bare.longest_ms,
            "ms",
            f"{same}; above 16.7 ms the pictures behind it are late whatever we do",
        ),
        Measurement(
            f"{name}: receiver's CPU to bare FFmpeg's",
            ratio,
            "times",
            f"{_met(ratio, CPU_RATIO, 'times')}; {told}",
        ),
        Measurement(
            f"{name}: the same to FFmpeg as fast as it can",
            share / bare.flat_out,
            "times",
            f"no target; {told}",
        ),
    )


def _bare(clip: Clip, count: int) -> Bare:
    flat_out, longest_ms = _decoded_bare(clip, count, paced=False)
    return Bare(_decoded_bare(clip, count, paced=True)[0], flat_out, longest_ms)


def _decoded_bare(clip: Clip, count: int, *, paced: bool) -> tuple[float, float]:
    """CPU in % at 60 pictures a second, and how many ms the longest picture took."""
    codec = open_codec()
    pictures = [clips.annexb(units) for units in clip.pictures]
    decoded, longest_s, began_at, before = 0, 0.0, time.monotonic(), time.process_time()
    for number in range(count):
        if paced:
            time.sleep(max(0.0, began_at + number / clips.FPS - time.monotonic()))
        packet = av.Packet(pictures[number % len(pictures)])
        from_s = time.monotonic()
        decoded += len(codec.decode(packet))
        longest_s = max(longest_s, time.monotonic() - from_s)
    if decoded < count - 1:
        raise RuntimeError(f"Of {count} pictures FFmpeg decoded {decoded}.")
    return 100 * (time.process_time() - before) / (count / clips.FPS), 1000 * longest_s


# --- networks that lose ---------------------------------------------------------------------------


async def _lossy(clip: Clip, for_s: float) -> list[Measurement]:
    seen = await played_in_window(clip, for_s, **LOSSY)
    counted = seen.counters
    told = f"3 % lost each way, round trip 60 ms; {_told(clip, seen)}"
    frozen, plis = counted["total_freezes_duration_s"], counted["pli_count"]
    name = "3 % loss"
    return [
        Measurement(f"{name}: frozen", frozen, "s", f"{_met(frozen, FROZEN_S, 's')}; {told}"),
        Measurement(f"{name}: PLI", plis, "packets", f"{_met(plis, PLIS, '')}; {told}"),
        Measurement(f"{name}: freezes", counted["freeze_count"], "", told),
        Measurement(f"{name}: painted", counted["frames_painted"] / seen.for_s, "fps", told),
        Measurement(f"{name}: lost on the way", counted["packets_lost"], "packets", told),
        Measurement(
            f"{name}: of them sent again in time", counted["packets_recovered"], "packets", told
        ),
        Measurement(
            f"{name}: first packet sent to frame in the slot, median",
            seen.latency_p50_ms,
            "ms",
            told,
        ),
    ]


async def _nacks_ignored(clip: Clip, for_s: float) -> list[Measurement]:
    """Loss that nobody repairs, and then none: is the latency what it was before?"""
    async with premises(notice_s=5.0, clip=clip.path) as at:
        await at.control.change_settings(answers_nack=False, **LOSSY)
        async with watching(at, clip, for_s, warm_up_s=8.0) as seen:
            await asyncio.sleep(5.0)
            await at.control.change_settings(loss=0.0)
            after: Seen = await seen()
    told = f"5 s of 3 % loss, then none, host ignores NACK; {_told(clip, after)}"
    latency_ms = after.latency_p50_ms - 1000 * LOSSY["round_trip_s"] / 2
    wait = f"over the path's own 30 ms; {told}"
    return [
        Measurement("NACK ignored: frame latency after it, median", latency_ms, "ms", wait),
        Measurement(
            "NACK ignored: decoded after it", after.counters["frames_decoded"] / for_s, "fps", told
        ),
    ]


async def _sound(clip: Clip, for_s: float) -> list[Measurement]:
    seen = await played_in_window(clip, for_s, round_trip_s=0.060, loss=0.01)
    counted = seen.counters
    came, missing = counted["audio_packets_received"], counted["audio_packets_concealed"]
    told = f"1 % lost each way, round trip 60 ms, {seen.for_s:.0f} s, nothing is sent again"
    return [
        Measurement(
            "sound, 1 % loss: packets of 20 ms heard", (came + missing) / seen.for_s, "a s", told
        ),
        Measurement("sound, 1 % loss: of them made good", missing, "packets", told),
    ]


# --- a long time, and many ends -------------------------------------------------------------------


async def _long(clip: Clip, for_s: float) -> list[Measurement]:
    seen = await played_in_window(clip, for_s)
    counted, told = seen.counters, _told(clip, seen)
    lost = counted["packets_lost"] + counted["frames_broken"]
    middle = len(seen.rss_mb) // 2
    grown, late = seen.rss_mb[-1] - seen.rss_mb[1], seen.rss_mb[-1] - seen.rss_mb[middle]
    return [
        Measurement("long: painted", counted["frames_painted"] / seen.for_s, "fps", told),
        Measurement("long: lost", lost, "packets or frames", told),
        Measurement("long: freezes", counted["freeze_count"], "", told),
        Measurement(
            "long: frame's age when painted, p95",
            seen.age_p95_ms,
            "ms",
            f"since it was decoded; {_met(seen.age_p95_ms, AGE_MS, 'ms')}; {told}",
        ),
        Measurement("long: memory at the end", seen.rss_mb[-1], "MB", told),
        Measurement("long: memory grown since the first tenth", grown, "MB", told),
        Measurement("long: memory grown in the second half", late, "MB", told),
    ]


async def _closes(times: int) -> list[Measurement]:
    """Connections that end at any moment, also in mid-connect; what stays behind."""
    chance = random.Random(1)
    async with premises(notice_s=0.0) as at:
        await at.control.change_settings(placement_s=0.0, connection_timeout_s=1, **_SMALL)
        await _leave(at, 1.0)  # what is made once and stays: pools, decoders' tables
        before = _left()
        for _ in range(times // 2):
            await _leave(at, CLOSED_WITHIN_S * chance.random())
        async with played(at, keep_records=False) as it:
            for _ in range(times - times // 2):
                await it.inject(Fault(FaultKind.GRACEFUL_CLOSE))
                await asyncio.sleep(REJOIN_CLOSED_WITHIN_S * chance.random())
                await it.inject(Fault(FaultKind.GRACEFUL_CLOSE))
                await asyncio.sleep(NOTICED_WITHIN_S)
                await it.live()
        await asyncio.sleep(SETTLED_S)
        after = _left()
    told = (
        f"{times // 2} games left up to {CLOSED_WITHIN_S:g} s after their start,"
        f" {times - times // 2} connections closed up to {REJOIN_CLOSED_WITHIN_S:g} s after the one"
        " before, each also in mid-connect; all over"
    )
    names = ("descriptors", "sockets", "threads", "tasks")
    return [
        Measurement(f"closes: {name} more", now - then, "", told)
        for name, now, then in zip(names, after, before, strict=True)
    ]


_SMALL: dict[str, Any] = {"width": 640, "height": 360, "fps": 30, "bitrate_bps": 2_000_000}


async def _leave(at: Premises, after_s: float) -> None:
    """Start a game and leave it so soon after."""
    player = Player(
        StudioProfile(
            at.there.backend_url, at.there.player_token, NetworkRules(loopback_only=True)
        ),
        PlayerOptions(audio=NullOutput()),
    )
    running = tasks.spawn(player.run(), name="player")
    await asyncio.sleep(after_s)
    player.post(events.CloseForNowRequested())
    await asyncio.wait_for(running, PATIENCE_S)


def _left() -> tuple[int, int, int, int]:
    """What is there now; the event loop's pool, which grows as it likes, is no thread of ours."""
    gc.collect()
    pool = sum(each.name.startswith("asyncio_") for each in threading.enumerate())
    return (*open_files(), threads() - pool, len(asyncio.all_tasks()))
