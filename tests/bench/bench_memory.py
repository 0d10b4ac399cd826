"""What remains in memory after many reconnects."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import linear_regression, median

from bench.live_game import STREAM, LiveGame, live_game, run_on_client_loop
from bench.measure import Measurement
from bench.process_usage import open_files, rss_mb, threads, trim_heap
from rejoin.emulator.service.faults import FaultKind

EARLY, LATE = 20, 300
PLAYED_S = 0.5
SAMPLES = 20
SAMPLE_EVERY_S = 0.1
TRAIL_EVERY = 5
SETTLED_AFTER = 100
"""Reconnects until buffers, caches and the heap have the size that they keep."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the two processes use during play."""

    client_mb: float
    held_mb: float
    """The client's, after garbage collection and after the allocator returned what is free."""
    studio_mb: float
    tasks: int
    threads: int
    files: int
    sockets: int
    objects: int


def run(quick: bool) -> Iterator[Measurement]:
    early, late = (1, 3) if quick else (EARLY, LATE)
    before, after, trail = run_on_client_loop(_reconnects(early, late))
    conditions = f"after {late} reconnects compared with after {early}, during play; {STREAM}"
    yield Measurement(
        "client: resident memory, ratio", after.client_mb / before.client_mb, "x", conditions
    )
    held = f"after garbage collection and malloc_trim; {conditions}"
    yield Measurement("client: memory held, ratio", after.held_mb / before.held_mb, "x", held)
    growth_kb = 1000 * (after.held_mb - before.held_mb) / (late - early)
    yield Measurement("client: memory held, growth per reconnect", growth_kb, "kB", held)
    for name, resident_mb in (("client", trail.client_mb), ("studio", trail.studio_mb)):
        slope, error = slope_kb(trail.reconnects, resident_mb)
        fitted = (
            f"least squares over {len(resident_mb)} samples after {trail.reconnects[0]} to {late} "
            f"reconnects, standard error {error:.1f} kB; {STREAM}"
        )
        yield Measurement(f"{name}: resident memory, growth per reconnect", slope, "kB", fitted)
    for reconnects, usage in ((early, before), (late, after)):
        when = f"after {reconnects} reconnects"
        sampled = f"median of {SAMPLES} samples in 2 s"
        yield Measurement(f"client: resident memory {when}", usage.client_mb, "MB", sampled)
        collected = "after garbage collection and malloc_trim"
        yield Measurement(f"client: memory held {when}", usage.held_mb, "MB", collected)
    for reconnects, usage in ((early, before), (late, after)):
        when, moment = f"after {reconnects} reconnects", "at one moment of play"
        yield Measurement(f"client: tasks {when}", usage.tasks, "tasks", moment)
        yield Measurement(f"client: threads {when}", usage.threads, "threads", moment)
        yield Measurement(f"client: file descriptors {when}", usage.files, "open", moment)
        yield Measurement(f"client: of which sockets {when}", usage.sockets, "open", moment)
        collected = "tracked by Python's garbage collector, after a collection"
        yield Measurement(f"client: objects {when}", usage.objects, "", collected)
    studio = f"emulator and backend in one separate process; {conditions}"
    yield Measurement(
        "studio: resident memory, ratio", after.studio_mb / before.studio_mb, "x", studio
    )
    yield Measurement(f"studio: resident memory after {late} reconnects", after.studio_mb, "MB")


@dataclass(frozen=True, slots=True)
class Trail:
    """Resident memory of both processes along the way, each time during play."""

    reconnects: list[int] = field(default_factory=list)
    client_mb: list[float] = field(default_factory=list)
    studio_mb: list[float] = field(default_factory=list)

    def add(self, reconnects: int, studio_pid: int) -> None:
        self.reconnects.append(reconnects)
        self.client_mb.append(rss_mb())
        self.studio_mb.append(rss_mb(studio_pid))


def slope_kb(reconnects: list[int], resident_mb: list[float]) -> tuple[float, float]:
    """Growth per reconnect in kB by least squares, and its standard error."""
    slope, intercept = linear_regression(reconnects, resident_mb)
    mean = sum(reconnects) / len(reconnects)
    spread = sum((at - mean) ** 2 for at in reconnects)
    rest = sum(
        (there - intercept - slope * at) ** 2
        for at, there in zip(reconnects, resident_mb, strict=True)
    )
    error = (rest / max(1, len(reconnects) - 2) / spread) ** 0.5
    return 1000 * slope, 1000 * error


async def _reconnects(early: int, late: int) -> tuple[Usage, Usage, Trail]:
    usages, trail = {}, Trail()
    settled = min(SETTLED_AFTER, late // 3)
    async with live_game(notice_s=0.0, keep_records=False) as game:
        for reconnects in range(1, late + 1):
            await asyncio.sleep(PLAYED_S)
            await game.drop(FaultKind.SILENCE)
            if reconnects >= settled and (reconnects % TRAIL_EVERY == 0 or late < SETTLED_AFTER):
                trail.add(reconnects, game.studio_pid)
            if reconnects in (early, late):
                usages[reconnects] = await _usage(game)
    return usages[early], usages[late], trail


async def _usage(game: LiveGame) -> Usage:
    client, studio = [], []
    for _ in range(SAMPLES):
        await asyncio.sleep(SAMPLE_EVERY_S)
        client.append(rss_mb())
        studio.append(rss_mb(game.studio_pid))
    gc.collect()  # after the samples, because a player's client does neither
    trim_heap()
    held_mb = rss_mb()
    files, sockets = open_files()
    return Usage(
        median(client),
        held_mb,
        median(studio),
        len(asyncio.all_tasks()),
        threads(),
        files,
        sockets,
        len(gc.get_objects()),
    )
