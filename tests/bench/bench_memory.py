"""What stays behind after many reconnects."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.measure import Measurement
from bench.stage import (
    STREAM,
    Stage,
    on_clients_loop,
    open_files,
    rss_mb,
    stage,
    threads,
    trim_heap,
)
from rejoin.emulator.service.faults import FaultKind

EARLY, LATE = 5, 50
PLAYED_S = 0.5
LOOKS = 20
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """What the two processes take while the game is played."""

    client_mb: float
    held_mb: float
    """The client's when the collector has run and the allocator gave back what is free."""
    studio_mb: float
    tasks: int
    threads: int
    files: int
    sockets: int
    objects: int


def run(quick: bool) -> Iterator[Measurement]:
    early, late = (1, 3) if quick else (EARLY, LATE)
    then, now = on_clients_loop(_reconnects(early, late))
    told = f"after {late} reconnects against after {early}, playing; {STREAM}"
    yield Measurement("client: resident memory, ratio", now.client_mb / then.client_mb, "x", told)
    held = f"garbage collected and malloc_trim first: what is left is held; {told}"
    yield Measurement("client: memory held, ratio", now.held_mb / then.held_mb, "x", held)
    for reconnects, look in ((early, then), (late, now)):
        when = f"after {reconnects} reconnects, median of {LOOKS} looks in 2 s"
        yield Measurement("client: resident memory", look.client_mb, "MB", when)
        when = f"after {reconnects} reconnects, garbage collected and malloc_trim first"
        yield Measurement("client: memory held", look.held_mb, "MB", when)
    for reconnects, look in ((early, then), (late, now)):
        when = f"after {reconnects} reconnects, at one moment of play"
        yield Measurement("client: tasks", look.tasks, "tasks", when)
        yield Measurement("client: threads", look.threads, "threads", when)
        yield Measurement("client: descriptors", look.files, "open", when)
        yield Measurement("client: of them sockets", look.sockets, "open", when)
        collected = f"after {reconnects} reconnects, garbage collected first"
        yield Measurement("client: objects Python's collector knows", look.objects, "", collected)
    studio = f"emulator and backend in their own process; {told}"
    yield Measurement("studio: resident memory, ratio", now.studio_mb / then.studio_mb, "x", studio)
    yield Measurement("studio: resident memory", now.studio_mb, "MB", f"after {late} reconnects")


async def _reconnects(early: int, late: int) -> tuple[Look, Look]:
    looks = {}
    async with stage(notice_s=0.0, keep_records=False) as it:
        for reconnects in range(1, late + 1):
            await asyncio.sleep(PLAYED_S)
            await it.drop(FaultKind.SILENCE)
            if reconnects in (early, late):
                looks[reconnects] = await _look(it)
    return looks[early], looks[late]


async def _look(it: Stage) -> Look:
    client, studio = [], []
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_EVERY_S)
        client.append(rss_mb())
        studio.append(rss_mb(it.studio_pid))
    gc.collect()  # after the looks, since players' clients do neither
    trim_heap()
    held_mb = rss_mb()
    files, sockets = open_files()
    return Look(
        median(client),
        held_mb,
        median(studio),
        len(asyncio.all_tasks()),
        threads(),
        files,
        sockets,
        len(gc.get_objects()),
    )
