"""Beside Chromium: who notices first, and who is back first, on the same host and the same studio.

Two pages reconnect by themselves: one when its connection says "disconnected", one when three looks
at getStats, 250 ms apart, saw no byte of video. They and our client play one after the other at one
studio: the same backend, boto3, emulated service, host and relay, on loopback. The page's clock is
mapped to ours by asking it the time; how well that goes is a row of its own.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.async_api import Page, async_playwright

from bench.measure import Measurement, percentile
from bench.stage import PATIENCE_S, Premises, played, premises
from helpers.chromium import CHROMIUM, FLAGS, page_and_backend
from rejoin.backend.serving import serving
from rejoin.clock import boot_s
from rejoin.emulator.settings import Fault, FaultKind

HOST = "127.0.0.1"
DROPS = 12
PLAYED_S = 1.5
WATCHED_S = 60.0
BURSTY = ("bursty_10_vlong", "lte_burst", "wifi_roam", "wifi_roam_bad")
WAYS = {"disconnected": "a page that waits for `disconnected`", "stats": "a page with getStats"}


@dataclass(frozen=True, slots=True)
class Drop:
    """Seconds from the fault to noticing it, and from there to the next picture."""

    noticed_s: float
    back_s: float


def run(quick: bool) -> Iterator[Measurement]:
    if CHROMIUM is None:
        raise RuntimeError("There is no Chromium to measure beside.")
    yield from asyncio.run(_everything(2 if quick else DROPS, 2.0 if quick else WATCHED_S))


async def _everything(drops: int, watched_s: float) -> list[Measurement]:
    rows: list[Measurement] = []
    async with premises(notice_s=0.0) as at, _browser(at) as page:
        ours = await _our_drops(at, drops)
        rows += _rows("ours", ours, drops)
        for way, name in WAYS.items():
            theirs, error_s = await _their_drops(at, page, way, drops)
            rows += _rows(name, theirs, drops)
            rows.append(
                Measurement("clocks of page and bench agree within", 1000 * error_s, "ms", name)
            )
            for what, field in (("noticed", "noticed_s"), ("noticed to next picture", "back_s")):
                ratio = _median(theirs, field) / _median(ours, field)
                told = f"{name} to ours, medians of {drops} drops; above 1 we are first"
                rows.append(Measurement(f"{what}: ratio", ratio, "times", told))
        for profile in BURSTY:
            rows += await _alarms(at, page, profile, watched_s)
    return rows


def _median(drops: list[Drop], field: str) -> float:
    values: list[float] = [getattr(drop, field) for drop in drops]
    return median(values)


def _rows(name: str, drops: list[Drop], asked: int) -> list[Measurement]:
    told = f"{name}; {len(drops)} of {asked} drops, the service notices at once"
    rows = []
    for what, field in (
        ("silence to noticed", "noticed_s"),
        ("noticed to next picture", "back_s"),
    ):
        values = [1000 * getattr(drop, field) for drop in drops]
        rows.append(Measurement(f"{what}, median", median(values), "ms", told))
        rows.append(Measurement(f"{what}, p95", percentile(values, 95), "ms", told))
    return rows


async def _our_drops(at: Premises, drops: int) -> list[Drop]:
    chance = random.Random(1)
    async with played(at) as it:
        for _ in range(drops):
            await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
            await it.drop(FaultKind.SILENCE)
        found = []
        for line in it.timelines():
            fault_at, lost_at = line.at("fault"), line.at("lost")
            committed_at, frame_at = line.at("committed"), line.at("first frame")
            if None in (fault_at, lost_at, committed_at, frame_at) or line.outcome != "live":
                continue
            assert fault_at is not None
            assert lost_at is not None
            assert committed_at is not None
            assert frame_at is not None
            found.append(Drop(lost_at - fault_at, frame_at - committed_at))
    return found


@asynccontextmanager
async def _browser(at: Premises) -> AsyncIterator[Page]:
    async with (
        httpx.AsyncClient(base_url=at.there.backend_url, trust_env=False, timeout=30) as backend,
        serving(page_and_backend(backend), HOST, 0) as port,
        async_playwright() as playwright,
    ):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            context = await playwright.chromium.launch_persistent_context(
                Path(folder),
                executable_path=CHROMIUM,
                headless=True,
                args=list(FLAGS),
                permissions=["microphone", "camera"],
            )
            try:
                page = await context.new_page()
                page.set_default_timeout(PATIENCE_S * 1000)
                await page.goto(f"http://{HOST}:{port}/reconnecting.html")
                yield page
            finally:
                await context.close()


async def _their_drops(at: Premises, page: Page, way: str, drops: int) -> tuple[list[Drop], float]:
    await page.reload()
    await page.evaluate("token => play.start(token)", at.there.player_token)
    await _until_frames(page, 30)
    offset_s, error_s = await _clocks(page)
    await page.evaluate("way => reconnecting.watch([way], true)", way)
    chance = random.Random(1)
    found: list[Drop] = []
    for number in range(drops):
        await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
        fault_at = await at.control.inject(Fault(FaultKind.SILENCE))
        noted = await _until_noted(page, number + 1)
        told = noted["drops"][number]
        noticed_at = told["noticedAt"] / 1000 + offset_s
        found.append(Drop(noticed_at - fault_at, (told["frameAt"] - told["noticedAt"]) / 1000))
    await page.evaluate("reconnecting.leave()")
    return found, error_s


async def _until_noted(page: Page, count: int) -> dict[str, Any]:
    until_at = boot_s() + PATIENCE_S
    while boot_s() < until_at:
        noted: dict[str, Any] = await page.evaluate("reconnecting.noted()")
        if noted["errors"]:
            raise RuntimeError(f"The page failed: {noted['errors'][0]}")
        if len(noted["drops"]) >= count:
            return noted
        await asyncio.sleep(0.1)
    raise RuntimeError("The page never came back.")


async def _until_frames(page: Page, count: int) -> None:
    until_at = boot_s() + PATIENCE_S
    while boot_s() < until_at:
        if (await page.evaluate("play.seen()"))["frames"] >= count:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("The page shows no picture.")


async def _clocks(page: Page) -> tuple[float, float]:
    """(boot time of the page's zero, how wrong that may be): the quickest of thirty questions."""
    best = (0.0, float("inf"))
    for _ in range(30):
        before = boot_s()
        there_ms: float = await page.evaluate("reconnecting.clock()")
        after = boot_s()
        if after - before < 2 * best[1]:
            best = ((before + after) / 2 - there_ms / 1000, (after - before) / 2)
    return best


async def _alarms(at: Premises, page: Page, profile: str, watched_s: float) -> list[Measurement]:
    """Both play over the same profile at once, and nothing is really lost."""
    await page.reload()
    async with played(at) as it:
        mine = (await at.control.state())["sessions"][0]["session"]
        await page.evaluate("token => play.start(token)", at.there.player_token)
        await _until_frames(page, 30)
        theirs = (await at.control.state())["sessions"][0]["session"]
        await page.evaluate("reconnecting.watch(['disconnected', 'stats'], false)")
        for session in (mine, theirs):
            fault = Fault(FaultKind.PROFILE, profile=profile)
            await at.control.inject(fault, session)
        before = it.episodes
        await asyncio.sleep(watched_s)
        lost = it.episodes - before
        alarms: dict[str, list[float]] = (await page.evaluate("reconnecting.noted()"))["alarms"]
        await page.evaluate("reconnecting.leave()")
    told = f"{profile}, {watched_s:g} s, both at once; nothing was really lost"
    counted = {"ours": lost, **{WAYS[way]: len(times) for way, times in alarms.items()}}
    return [
        Measurement("false alarms", count, "alarms", f"{name}; {told}")
        for name, count in counted.items()
    ]
