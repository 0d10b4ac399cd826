"""Receiving the same stream as Chromium: time to the first frame, freezes and losses

A clip of 720p60 at 8 Mbit/s. Both clients use one backend, host and relay, in turn. The page polls
getStats and reconnects by itself. Rejoin has no window here: its frames are decoded, and converting
and painting them, about 1 ms, is in no figure.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Page

from bench import clips
from bench.chromium_drops import chromium_drops, chromium_page, rejoin_drops, wait_for_frames
from bench.clips import Clip
from bench.live_game import RunningStudio, play_game, run_on_client_loop, running_studio
from bench.measure import Measurement, percentile
from helpers.chromium import CHROMIUM

DROPS = 20
MEASURED_S = 60.0
WARM_UP_S = 5.0
"""Enough for Chromium's jitter buffer and both bitrate estimates to settle."""

LIMITS_S = {0.0: 0.060, 0.030: 0.130}
"""RTT -> target for commit to first new frame, not counting the create call."""

DTLS_CLIENTS = {False: "the host is DTLS client", True: "Rejoin is DTLS client"}
"""By default the host chooses, and the emulated host becomes DTLS client. What the service's host
chooses is not known."""

PATHS: tuple[dict[str, Any], ...] = (
    {"round_trip_s": 0.030, "loss": 0.0},
    {"round_trip_s": 0.060, "loss": 0.01},
    {"round_trip_s": 0.060, "loss": 0.03},
)
_INBOUND = """async () => {
  for (const stats of (await connection.rtc.peer.getStats()).values())
    if (stats.type === "inbound-rtp" && stats.kind === "video") return stats;
}"""
_COUNTED = {
    "frames decoded": ("frames_decoded", "framesDecoded", "frames"),
    "frames dropped": ("frames_dropped", "framesDropped", "frames"),
    "freezes": ("freeze_count", "freezeCount", ""),
    "time frozen": ("total_freezes_duration_s", "totalFreezesDuration", "s"),
    "NACKs sent": ("nack_count", "nackCount", "packets"),
    "PLIs sent": ("pli_count", "pliCount", "packets"),
}
"""Name of the row -> the counter in our statistics, the one in Chromium's, and the unit."""


def run(quick: bool) -> Iterator[Measurement]:
    if CHROMIUM is None:
        raise RuntimeError("This bench needs Chromium.")
    with tempfile.TemporaryDirectory() as name:
        clip = clips.make(Path(name), mbit=8, width=1280, height=720)
        yield from run_on_client_loop(_everything(clip, quick))


async def _everything(clip: Clip, quick: bool) -> list[Measurement]:
    rows: list[Measurement] = []
    drops = 2 if quick else DROPS
    async with running_studio(notice_s=0.0, clip=clip.path) as studio:
        for round_trip_s, limit_s in LIMITS_S.items():
            await studio.control.change_settings(round_trip_s=round_trip_s)
            for begin_dtls in DTLS_CLIENTS:
                rows += await _commits(studio, drops, round_trip_s, limit_s, begin_dtls=begin_dtls)
        async with chromium_page(studio) as page:
            for round_trip_s in LIMITS_S:
                await studio.control.change_settings(round_trip_s=round_trip_s, loss=0.0)
                rows += await _first_frames(studio, page, drops, round_trip_s)
            for path in PATHS:
                await studio.control.change_settings(**path)
                rows += await _counts(studio, page, 2.0 if quick else MEASURED_S, path)
    return rows


async def _commits(
    studio: RunningStudio, drops: int, round_trip_s: float, limit_s: float, *, begin_dtls: bool
) -> list[Measurement]:
    """From commit to the first new frame, while no browser runs."""
    found = await rejoin_drops(studio, drops, begin_dtls=begin_dtls)
    reconnect_ms = 1000 * median(drop.reconnect_s for drop in found)
    create_ms = 1000 * median(drop.create_call_s for drop in found)
    rest_ms, limit_ms = reconnect_ms - create_ms, 1000 * limit_s
    verdict = "met" if rest_ms <= limit_ms else "missed"
    name = f"RTT {1000 * round_trip_s:g} ms, {DTLS_CLIENTS[begin_dtls]}"
    conditions = f"medians of {len(found)} drops, no browser running"
    target = f"target: at most {limit_ms:g} ms, {verdict}; create call not included; {conditions}"
    return [
        Measurement(f"{name}: commit to first new frame", rest_ms, "ms", target),
        Measurement(f"{name}: create call as the client sees it", create_ms, "ms", conditions),
    ]


async def _first_frames(
    studio: RunningStudio, page: Page, drops: int, round_trip_s: float
) -> list[Measurement]:
    await page.reload()  # so that the page uses no CPU while Rejoin is measured
    ours = await rejoin_drops(studio, drops)
    theirs, error_s = await chromium_drops(studio, page, "stats", drops)
    name = f"RTT {1000 * round_trip_s:g} ms: answer to first frame"
    conditions = f"{len(ours)} and {len(theirs)} drops; error of the page's clock "
    conditions += f"{1000 * error_s:.1f} ms"
    our_times_ms = [1000 * drop.answer_to_frame_s for drop in ours]
    their_times_ms = [1000 * drop.answer_to_frame_s for drop in theirs]
    our_median_ms, their_median_ms = median(our_times_ms), median(their_times_ms)
    faster = "Rejoin is faster" if our_median_ms <= their_median_ms else "Chromium is faster"
    return [
        Measurement(f"{name}, Rejoin, median", our_median_ms, "ms", f"{faster}; {conditions}"),
        Measurement(f"{name}, Chromium, median", their_median_ms, "ms", conditions),
        Measurement(f"{name}, Rejoin, p95", percentile(our_times_ms, 95), "ms", conditions),
        Measurement(f"{name}, Chromium, p95", percentile(their_times_ms, 95), "ms", conditions),
    ]


async def _counts(
    studio: RunningStudio, page: Page, measured_s: float, path: dict[str, Any]
) -> list[Measurement]:
    async with play_game(studio, keep_records=False) as game:
        await asyncio.sleep(WARM_UP_S)
        peer, before = game.peer, game.peer.statistics()
        await asyncio.sleep(measured_s)
        after = peer.statistics()
        if game.peer is not peer:
            raise RuntimeError("The connection was lost during the measurement.")
    await page.reload()
    await page.evaluate("token => play.start(token)", studio.access.player_token)
    await wait_for_frames(page, 30)
    await asyncio.sleep(WARM_UP_S)
    page_before: dict[str, float] = await page.evaluate(_INBOUND)
    await asyncio.sleep(measured_s)
    page_after: dict[str, float] = await page.evaluate(_INBOUND)
    await page.evaluate("play.terminate()")
    name = f"RTT {1000 * path['round_trip_s']:g} ms, loss {100 * path['loss']:g} %"
    conditions = f"{measured_s:g} s of play; loss in both directions"
    rows = []
    for what, (our_field, their_field, unit) in _COUNTED.items():
        ours = getattr(after, our_field) - getattr(before, our_field)
        theirs = page_after.get(their_field, 0.0) - page_before.get(their_field, 0.0)
        rows.append(Measurement(f"{name}: {what}, Rejoin", ours, unit, conditions))
        rows.append(Measurement(f"{name}: {what}, Chromium", theirs, unit, conditions))
    return rows
