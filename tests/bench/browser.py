"""Drops of ours and of Chromium's pages that come back by themselves, at one studio."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, async_playwright

from bench.stage import PATIENCE_S, Premises, played
from helpers.chromium import CHROMIUM, FLAGS, page_and_backend
from rejoin.backend.serving import serving
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import Fault, FaultKind

HOST = "127.0.0.1"
PLAYED_S = 1.5
"""Before each drop, and up to half a second more."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Seconds: from the fault to noticing it, and from there to the next picture; of that the
    backend's part, from request to answer, and what comes after its answer."""

    noticed_s: float
    back_s: float
    asked_s: float
    joined_s: float


async def our_drops(at: Premises, drops: int, *, begin_dtls: bool = False) -> list[Drop]:
    chance = random.Random(1)
    async with played(at, begin_dtls=begin_dtls) as it:
        for _ in range(drops):
            await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
            await it.drop(FaultKind.SILENCE)
        found = []
        for line in it.timelines():
            fault_at, lost_at = line.at("fault"), line.at("lost")
            committed_at, frame_at = line.at("committed"), line.at("first frame")
            asked_at, answered_at = line.at("request sent"), line.at("answer received")
            times = (fault_at, lost_at, committed_at, asked_at, answered_at, frame_at)
            if None in times or line.outcome != "live":
                continue
            assert fault_at is not None
            assert lost_at is not None
            assert committed_at is not None
            assert answered_at is not None
            assert frame_at is not None
            assert asked_at is not None
            back_s, joined_s = frame_at - committed_at, frame_at - answered_at
            found.append(Drop(lost_at - fault_at, back_s, answered_at - asked_at, joined_s))
    return found


@asynccontextmanager
async def browser(at: Premises) -> AsyncIterator[Page]:
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


async def their_drops(at: Premises, page: Page, way: str, drops: int) -> tuple[list[Drop], float]:
    await page.reload()
    await page.evaluate("token => play.start(token)", at.there.player_token)
    await until_frames(page, 30)
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
        found.append(
            Drop(
                noticed_at - fault_at,
                (told["frameAt"] - told["noticedAt"]) / 1000,
                (told["answerAt"] - told["offerAt"]) / 1000,
                (told["frameAt"] - told["answerAt"]) / 1000,
            )
        )
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


async def until_frames(page: Page, count: int) -> None:
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
