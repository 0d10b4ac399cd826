"""Five hundred live reconnects in one process, and what remains when the game is over."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass

from bench.live_game import STREAM, RunningStudio, play_game, run_on_client_loop, running_studio
from bench.measure import Measurement
from bench.process_usage import open_files, resident_mb, threads
from rejoin.emulator.service.faults import FaultKind

WARM_UP, RECONNECTS = 50, 500
PLAYED_S = 0.2
GROWTH_PERCENT = 5.0
"""The target."""
KINDS = (FaultKind.GRACEFUL_CLOSE, FaultKind.SILENCE)
"""They alternate."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What this process holds while no game is played."""

    tasks: int
    threads: int
    files: int
    sockets: int


def run(quick: bool) -> Iterator[Measurement]:
    warm_up, reconnects = (1, 3) if quick else (WARM_UP, RECONNECTS)
    before, after, early, late = run_on_client_loop(_soak(warm_up, reconnects))
    (client_mb, studio_mb), (client_late_mb, studio_late_mb) = early, late
    how = f"graceful closes and silences alternate, one game; {STREAM}"
    conditions = f"after {reconnects} reconnects compared with after {warm_up}, during play; {how}"
    growth = 100 * (client_late_mb / client_mb - 1)
    verdict = "met" if growth <= GROWTH_PERCENT else "missed"
    target = f"target: at most {GROWTH_PERCENT:g} %, {verdict}"
    yield Measurement("client: growth of resident memory", growth, "%", f"{target}; {conditions}")
    yield Measurement(
        "studio: growth of resident memory", 100 * (studio_late_mb / studio_mb - 1), "%", conditions
    )
    yield Measurement(f"client: resident memory after {warm_up} reconnects", client_mb, "MB")
    yield Measurement(
        f"client: resident memory after {reconnects} reconnects", client_late_mb, "MB"
    )
    for name, had, has in (
        ("tasks", before.tasks, after.tasks),
        ("threads", before.threads, after.threads),
        ("sockets", before.sockets, after.sockets),
        ("file descriptors", before.files, after.files),
    ):
        verdict = "met" if has == had else "missed"
        conditions = (
            f"target: none, {verdict}; {had} before the game, {has} after its end, "
            f"{reconnects} reconnects in between"
        )
        yield Measurement(f"client: {name} left over", has - had, name, conditions)


Resident = tuple[float, float]
"""MB of the client and of the studio."""


async def _soak(warm_up: int, reconnects: int) -> tuple[Resources, Resources, Resident, Resident]:
    usage: dict[int, Resident] = {}
    async with running_studio(notice_s=0.0) as studio:
        async with play_game(studio, keep_records=False):
            pass  # creates what is made once and kept
        before = await _resources(studio)
        async with play_game(studio, keep_records=False) as game:
            for number in range(1, reconnects + 1):
                await asyncio.sleep(PLAYED_S)
                await game.drop(KINDS[number % len(KINDS)])
                if number in (warm_up, reconnects):
                    usage[number] = await resident_mb(), await resident_mb(studio.pid)
        after = await _resources(studio)
    return before, after, usage[warm_up], usage[reconnects]


async def _resources(studio: RunningStudio) -> Resources:
    await studio.control.state()  # so that our connection to the emulator is open both times
    gc.collect()
    files, sockets = open_files()
    return Resources(len(asyncio.all_tasks()), threads(), files, sockets)
