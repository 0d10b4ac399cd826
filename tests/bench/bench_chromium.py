"""Beside Chromium: who notices first, and who is back first, on the same host and the same studio.

Two pages reconnect by themselves: one when its connection says "disconnected", one when three looks
at getStats, 250 ms apart, saw no byte of video. They and our client play one after the other at one
studio: the same backend, boto3, emulated service, host and relay, on loopback. The page's clock is
mapped to ours by asking it the time; how well that goes is a row of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median

from playwright.async_api import Page

from bench.browser import Drop, browser, our_drops, their_drops, until_frames
from bench.measure import Measurement, percentile
from bench.stage import Premises, on_clients_loop, played, premises
from helpers.chromium import CHROMIUM
from rejoin.emulator.service.faults import Fault, FaultKind

DROPS = 12
WATCHED_S = 60.0
BURSTY = ("bursty_10_vlong", "lte_burst", "wifi_roam", "wifi_roam_bad")
WAYS = {"disconnected": "a page that waits for `disconnected`", "stats": "a page with getStats"}


def run(quick: bool) -> Iterator[Measurement]:
    if CHROMIUM is None:
        raise RuntimeError("There is no Chromium to measure beside.")
    yield from on_clients_loop(_everything(2 if quick else DROPS, 2.0 if quick else WATCHED_S))


async def _everything(drops: int, watched_s: float) -> list[Measurement]:
    rows: list[Measurement] = []
    async with premises(notice_s=0.0) as at, browser(at) as page:
        ours = await our_drops(at, drops)
        rows += _rows("ours", ours, drops)
        for way, name in WAYS.items():
            theirs, error_s = await their_drops(at, page, way, drops)
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


async def _alarms(at: Premises, page: Page, profile: str, watched_s: float) -> list[Measurement]:
    """Both play over the same profile at once, and nothing is really lost."""
    await page.reload()
    async with played(at) as it:
        mine = (await at.control.state())["sessions"][0]["session"]
        await page.evaluate("token => play.start(token)", at.there.player_token)
        await until_frames(page, 30)
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
