"""Detecting a drop and reconnecting, compared with Chromium at the same studio.

Two pages reconnect by themselves: one when its connection becomes "disconnected", the other when
three polls of getStats, 250 ms apart, show no new byte of video. They and Rejoin play one after the
other at one studio: the same backend, boto3, emulated service, host and relay, on loopback. The
page's clock is mapped to this process's by round trips; the remaining error has a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median

from playwright.async_api import Page

from bench.chromium_drops import Drop, chromium_drops, chromium_page, rejoin_drops, wait_for_frames
from bench.live_game import RunningStudio, play_game, run_on_client_loop, running_studio
from bench.measure import Measurement, percentile
from helpers.chromium import CHROMIUM
from rejoin.emulator.service.faults import Fault, FaultKind

DROPS = 12
MEASURED_S = 60.0
BURSTY = ("bursty_10_vlong", "lte_burst", "wifi_roam", "wifi_roam_bad")
METHODS = {"disconnected": "page waiting for `disconnected`", "stats": "page polling getStats"}


def run(quick: bool) -> Iterator[Measurement]:
    if CHROMIUM is None:
        raise RuntimeError("This bench needs Chromium.")
    yield from run_on_client_loop(_everything(2 if quick else DROPS, 2.0 if quick else MEASURED_S))


async def _everything(drops: int, measured_s: float) -> list[Measurement]:
    rows: list[Measurement] = []
    async with running_studio(notice_s=0.0) as studio, chromium_page(studio) as page:
        ours = await rejoin_drops(studio, drops)
        rows += _rows("Rejoin", ours, drops)
        for method, name in METHODS.items():
            theirs, error_s = await chromium_drops(studio, page, method, drops)
            rows += _rows(name, theirs, drops)
            rows.append(Measurement(f"{name}: error of the page's clock", 1000 * error_s, "ms"))
            for what, field in (("detection", "detection_s"), ("reconnect", "reconnect_s")):
                ratio = _median(theirs, field) / _median(ours, field)
                conditions = f"medians of {drops} drops; above 1 Rejoin is faster"
                rows.append(
                    Measurement(
                        f"{name}: {what} time, ratio to Rejoin's", ratio, "times", conditions
                    )
                )
        for profile in BURSTY:
            rows += await _false_alarms(studio, page, profile, measured_s)
    return rows


def _median(drops: list[Drop], field: str) -> float:
    values: list[float] = [getattr(drop, field) for drop in drops]
    return median(values)


def _rows(name: str, drops: list[Drop], injected: int) -> list[Measurement]:
    conditions = f"{len(drops)} of {injected} drops; the service notices at once"
    rows = []
    for what, field in (
        ("silence to detection", "detection_s"),
        ("detection to next frame", "reconnect_s"),
    ):
        values = [1000 * getattr(drop, field) for drop in drops]
        rows.append(Measurement(f"{name}: {what}, median", median(values), "ms", conditions))
        rows.append(Measurement(f"{name}: {what}, p95", percentile(values, 95), "ms", conditions))
    return rows


async def _false_alarms(
    studio: RunningStudio, page: Page, profile: str, measured_s: float
) -> list[Measurement]:
    """Both clients play at once over this profile, which never really drops a connection."""
    await page.reload()
    async with play_game(studio) as game:
        ours = (await studio.control.state())["sessions"][0]["session"]
        await page.evaluate("token => play.start(token)", studio.access.player_token)
        await wait_for_frames(page, 30)
        theirs = (await studio.control.state())["sessions"][0]["session"]
        await page.evaluate("reconnecting.watch(['disconnected', 'stats'], false)")
        for session in (ours, theirs):
            fault = Fault(FaultKind.PROFILE, profile=profile)
            await studio.control.inject(fault, session)
        before = game.episodes
        await asyncio.sleep(measured_s)
        lost = game.episodes - before
        alarms: dict[str, list[float]] = (await page.evaluate("reconnecting.noted()"))["alarms"]
        await page.evaluate("reconnecting.leave()")
    conditions = f"{measured_s:g} s, all at once; no connection was really lost"
    counts = {"Rejoin": lost, **{METHODS[method]: len(at) for method, at in alarms.items()}}
    return [
        Measurement(f"{profile}: false alarms, {name}", count, "alarms", conditions)
        for name, count in counts.items()
    ]
