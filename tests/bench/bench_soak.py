"""Five hundred live reconnects in one process, and what is left of them when the game is over."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import Measurement
from bench.stage import (
    STREAM,
    Premises,
    on_clients_loop,
    open_files,
    played,
    premises,
    resident_mb,
    threads,
)
from rejoin.emulator.service.faults import FaultKind

WARM_UP, RECONNECTS = 50, 500
PLAYED_S = 0.2
GROWTH_PERCENT = 5.0
"""The target."""
KINDS = (FaultKind.GRACEFUL_CLOSE, FaultKind.SILENCE)
"""In turns."""


@dataclass(frozen=True, slots=True)
class Left:
    """What this process holds while no game is played."""

    tasks: int
    threads: int
    files: int
    sockets: int


def run(quick: bool) -> Iterator[Measurement]:
    warm_up, reconnects = (1, 3) if quick else (WARM_UP, RECONNECTS)
    before, after, then, now = on_clients_loop(_soak(warm_up, reconnects))
    (client_mb, studio_mb), (client_now_mb, studio_now_mb) = then, now
    how = f"graceful closes and silences in turns, one game; {STREAM}"
    told = f"after {reconnects} reconnects against after {warm_up}, playing; {how}"
    growth = 100 * (client_now_mb / client_mb - 1)
    verdict = "met" if growth <= GROWTH_PERCENT else "missed"
    target = f"target: {GROWTH_PERCENT:g} % at most, {verdict}"
    yield Measurement("client: growth of resident memory", growth, "%", f"{target}; {told}")
    yield Measurement(
        "studio: growth of resident memory", 100 * (studio_now_mb / studio_mb - 1), "%", told
    )
    yield Measurement("client: resident memory", client_mb, "MB", f"after {warm_up} reconnects")
    yield Measurement(
        "client: resident memory", client_now_mb, "MB", f"after {reconnects} reconnects"
    )
    for name, had, has in (
        ("tasks", before.tasks, after.tasks),
        ("threads", before.threads, after.threads),
        ("sockets", before.sockets, after.sockets),
        ("descriptors", before.files, after.files),
    ):
        verdict = "met" if has == had else "missed"
        told = (
            f"target: none, {verdict}; {had} before the game, {has} after its end, "
            f"{reconnects} reconnects between"
        )
        yield Measurement(f"client: {name} left over", has - had, name, told)


Resident = tuple[float, float]
"""MB of the client and of the studio."""


async def _soak(warm_up: int, reconnects: int) -> tuple[Left, Left, Resident, Resident]:
    looks: dict[int, Resident] = {}
    async with premises(notice_s=0.0) as at:
        async with played(at, keep_records=False):
            pass  # what is made once and kept is there from now on
        before = await _left(at)
        async with played(at, keep_records=False) as it:
            for number in range(1, reconnects + 1):
                await asyncio.sleep(PLAYED_S)
                await it.drop(KINDS[number % len(KINDS)])
                if number in (warm_up, reconnects):
                    looks[number] = await resident_mb(), await resident_mb(at.pid)
        after = await _left(at)
    return before, after, looks[warm_up], looks[reconnects]


async def _left(at: Premises) -> Left:
    await at.control.state()  # our own connection to the emulator is open, both times
    gc.collect()
    files, sockets = open_files()
    return Left(len(asyncio.all_tasks()), threads(), files, sockets)
