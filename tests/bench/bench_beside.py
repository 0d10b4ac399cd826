"""Receiving beside Chromium: first picture, freezes and drops through the same relay

A clip of 720p60 at 8 Mbit/s, the same backend, host and relay for both, one after the other. The
page looks at getStats and comes back by itself. Ours has no window: its pictures are decoded, and
their colours, 1 ms of painting, are in no number.
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
from bench.browser import browser, our_drops, their_drops, until_frames
from bench.clips import Clip
from bench.measure import Measurement, percentile
from bench.stage import Premises, on_clients_loop, played, premises
from helpers.chromium import CHROMIUM

DROPS = 20
WATCHED_S = 60.0
WARM_UP_S = 5.0
"""Chromium's jitter buffer and both rate estimates settle in less."""

LIMITS_S = {0.0: 0.060, 0.030: 0.130}
"""Round trip to the most that commit to the first new picture may take beyond the create call."""

WHO_BEGINS = {False: "the host begins DTLS", True: "the client begins DTLS (--dtls-client)"}
"""By default the host chooses, and the emulated one begins; of the service nobody knows it."""

PATHS: tuple[dict[str, Any], ...] = (
    {"round_trip_s": 0.030, "loss": 0.0},
    {"round_trip_s": 0.060, "loss": 0.01},
    {"round_trip_s": 0.060, "loss": 0.03},
)
_INBOUND = """async () => {
  for (const one of (await connection.rtc.peer.getStats()).values())
    if (one.type === "inbound-rtp" && one.kind === "video") return one;
}"""
_COUNTED = {
    "decoded": ("frames_decoded", "framesDecoded", "frames"),
    "dropped": ("frames_dropped", "framesDropped", "frames"),
    "freezes": ("freeze_count", "freezeCount", ""),
    "frozen": ("total_freezes_duration_s", "totalFreezesDuration", "s"),
    "NACK": ("nack_count", "nackCount", "packets"),
    "PLI": ("pli_count", "pliCount", "packets"),
}
"""What a row is called, and its field with us and with Chromium."""


def run(quick: bool) -> Iterator[Measurement]:
    if CHROMIUM is None:
        raise RuntimeError("There is no Chromium to measure beside.")
    with tempfile.TemporaryDirectory() as name:
        clip = clips.make(Path(name), mbit=8, width=1280, height=720)
        yield from on_clients_loop(_everything(clip, quick))


async def _everything(clip: Clip, quick: bool) -> list[Measurement]:
    rows: list[Measurement] = []
    drops = 2 if quick else DROPS
    async with premises(notice_s=0.0, clip=clip.path) as at:
        for round_trip_s, limit_s in LIMITS_S.items():
            await at.control.change_settings(round_trip_s=round_trip_s)
            for ours in WHO_BEGINS:
                rows += await _commits(at, drops, round_trip_s, limit_s, begin_dtls=ours)
        async with browser(at) as page:
            for round_trip_s in LIMITS_S:
                await at.control.change_settings(round_trip_s=round_trip_s, loss=0.0)
                rows += await _first_pictures(at, page, drops, round_trip_s)
            for path in PATHS:
                await at.control.change_settings(**path)
                rows += await _counts(at, page, 2.0 if quick else WATCHED_S, path)
    return rows


async def _commits(
    at: Premises, drops: int, round_trip_s: float, limit_s: float, *, begin_dtls: bool
) -> list[Measurement]:
    """From commit to the first new picture, no browser on the machine."""
    ours = await our_drops(at, drops, begin_dtls=begin_dtls)
    back_ms = 1000 * median(one.back_s for one in ours)
    create_ms = 1000 * median(one.asked_s for one in ours)
    beyond_ms, limit_ms = back_ms - create_ms, 1000 * limit_s
    met = "met" if beyond_ms <= limit_ms else "missed"
    name = f"round trip {1000 * round_trip_s:g} ms, {WHO_BEGINS[begin_dtls]}"
    told = f"medians of {len(ours)} drops, no browser on the machine"
    beyond = f"target: {limit_ms:g} ms at most, {met}; without the create call; {told}"
    return [
        Measurement(f"{name}: commit to first new picture", beyond_ms, "ms", beyond),
        Measurement(f"{name}: create call, seen by the client", create_ms, "ms", told),
    ]


async def _first_pictures(
    at: Premises, page: Page, drops: int, round_trip_s: float
) -> list[Measurement]:
    await page.reload()  # what it played before takes nothing from ours
    ours = await our_drops(at, drops)
    theirs, error_s = await their_drops(at, page, "stats", drops)
    name = f"round trip {1000 * round_trip_s:g} ms"
    told = f"medians of {len(ours)} and {len(theirs)} drops, the page's clock within "
    told += f"{1000 * error_s:.1f} ms"
    joined_ms = 1000 * median(one.joined_s for one in ours)
    joined_there_ms = 1000 * median(one.joined_s for one in theirs)
    p95_ms = 1000 * percentile([one.joined_s for one in ours], 95)
    p95_there_ms = 1000 * percentile([one.joined_s for one in theirs], 95)
    first = "ours is first" if joined_ms <= joined_there_ms else "Chromium is first"
    return [
        Measurement(f"{name}: answer to picture, ours", joined_ms, "ms", f"{first}; {told}"),
        Measurement(f"{name}: answer to picture, Chromium", joined_there_ms, "ms", told),
        Measurement(f"{name}: answer to picture, ours, p95", p95_ms, "ms", told),
        Measurement(f"{name}: answer to picture, Chromium, p95", p95_there_ms, "ms", told),
    ]


async def _counts(
    at: Premises, page: Page, watched_s: float, path: dict[str, Any]
) -> list[Measurement]:
    async with played(at, keep_records=False) as it:
        await asyncio.sleep(WARM_UP_S)
        peer, before = it.peer, it.peer.statistics()
        await asyncio.sleep(watched_s)
        after = peer.statistics()
        if it.peer is not peer:
            raise RuntimeError("The connection was lost while it was measured.")
    await page.reload()
    await page.evaluate("token => play.start(token)", at.there.player_token)
    await until_frames(page, 30)
    await asyncio.sleep(WARM_UP_S)
    then: dict[str, float] = await page.evaluate(_INBOUND)
    await asyncio.sleep(watched_s)
    now: dict[str, float] = await page.evaluate(_INBOUND)
    await page.evaluate("play.terminate()")
    name = f"round trip {1000 * path['round_trip_s']:g} ms, loss {100 * path['loss']:g} %"
    told = f"{watched_s:g} s of play; loss is each way"
    rows = []
    for what, (field, there, unit) in _COUNTED.items():
        mine = getattr(after, field) - getattr(before, field)
        theirs = now.get(there, 0.0) - then.get(there, 0.0)
        rows.append(Measurement(f"{name}: {what}, ours", mine, unit, told))
        rows.append(Measurement(f"{name}: {what}, Chromium", theirs, unit, told))
    return rows
