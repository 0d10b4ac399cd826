"""Injects drops at one studio and times how Rejoin, or a page in Chromium, reconnects."""

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

from bench.live_game import TIMEOUT_S, RunningStudio, play_game
from helpers.chromium import CHROMIUM, FLAGS, page_and_backend
from rejoin.backend.serving import serving
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import Fault, FaultKind

LOOPBACK = "127.0.0.1"
PLAYED_S = 1.5
"""Before each drop; up to half a second more is added at random."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Times of one drop."""

    detection_s: float
    """From the fault until the client detects it."""
    reconnect_s: float
    """From there to the first new frame."""
    create_call_s: float
    """Of that, from the request to the backend's answer."""
    answer_to_frame_s: float
    """And from that answer to the first new frame."""


async def rejoin_drops(
    studio: RunningStudio, drops: int, *, begin_dtls: bool = False
) -> list[Drop]:
    chance = random.Random(1)
    async with play_game(studio, begin_dtls=begin_dtls) as game:
        for _ in range(drops):
            await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
            await game.drop(FaultKind.SILENCE)
        found = []
        for line in game.timelines():
            fault_at, lost_at = line.at("fault"), line.at("lost")
            committed_at, frame_at = line.at("committed"), line.at("first frame")
            requested_at, answered_at = line.at("request sent"), line.at("answer received")
            times = (fault_at, lost_at, committed_at, requested_at, answered_at, frame_at)
            if None in times or line.outcome != "live":
                continue
            assert fault_at is not None
            assert lost_at is not None
            assert committed_at is not None
            assert answered_at is not None
            assert frame_at is not None
            assert requested_at is not None
            found.append(
                Drop(
                    lost_at - fault_at,
                    frame_at - committed_at,
                    answered_at - requested_at,
                    frame_at - answered_at,
                )
            )
    return found


@asynccontextmanager
async def chromium_page(studio: RunningStudio) -> AsyncIterator[Page]:
    async with (
        httpx.AsyncClient(
            base_url=studio.access.backend_url, trust_env=False, timeout=30
        ) as backend,
        serving(page_and_backend(backend), LOOPBACK, 0) as port,
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
                page.set_default_timeout(TIMEOUT_S * 1000)
                await page.goto(f"http://{LOOPBACK}:{port}/reconnecting.html")
                yield page
            finally:
                await context.close()


async def chromium_drops(
    studio: RunningStudio, page: Page, method: str, drops: int
) -> tuple[list[Drop], float]:
    """The drops of a page that detects them by `method`, and the error of its clock in seconds."""
    await page.reload()
    await page.evaluate("token => play.start(token)", studio.access.player_token)
    await wait_for_frames(page, 30)
    offset_s, error_s = await _page_clock(page)
    await page.evaluate("way => reconnecting.watch([way], true)", method)
    chance = random.Random(1)
    found: list[Drop] = []
    for number in range(drops):
        await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
        fault_at = await studio.control.inject(Fault(FaultKind.SILENCE))
        noted = await _wait_for_drops(page, number + 1)
        drop = noted["drops"][number]
        detected_at = drop["noticedAt"] / 1000 + offset_s
        found.append(
            Drop(
                detected_at - fault_at,
                (drop["frameAt"] - drop["noticedAt"]) / 1000,
                (drop["answerAt"] - drop["offerAt"]) / 1000,
                (drop["frameAt"] - drop["answerAt"]) / 1000,
            )
        )
    await page.evaluate("reconnecting.leave()")
    return found, error_s


async def _wait_for_drops(page: Page, count: int) -> dict[str, Any]:
    deadline_at = boot_s() + TIMEOUT_S
    while boot_s() < deadline_at:
        noted: dict[str, Any] = await page.evaluate("reconnecting.noted()")
        if noted["errors"]:
            raise RuntimeError(f"The page failed: {noted['errors'][0]}")
        if len(noted["drops"]) >= count:
            return noted
        await asyncio.sleep(0.1)
    raise RuntimeError("The page did not reconnect.")


async def wait_for_frames(page: Page, count: int) -> None:
    deadline_at = boot_s() + TIMEOUT_S
    while boot_s() < deadline_at:
        if (await page.evaluate("play.seen()"))["frames"] >= count:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("The page shows no video.")


async def _page_clock(page: Page) -> tuple[float, float]:
    """The boot time at zero of the page's clock, and its error: the quickest of 30 round trips."""
    best = (0.0, float("inf"))
    for _ in range(30):
        before = boot_s()
        page_ms: float = await page.evaluate("reconnecting.clock()")
        after = boot_s()
        if after - before < 2 * best[1]:
            best = ((before + after) / 2 - page_ms / 1000, (after - before) / 2)
    return best
