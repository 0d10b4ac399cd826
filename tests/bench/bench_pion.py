"""A bottleneck in front of Pion as host, whose GCC reads transport-wide feedback alone.

Clips from 0.2 to 4 Mbit/s, each 8 % above the one before; Pion's target decides which is sent.
Without Go and Pion (golang-go, golang-github-pion-webrtc.v3-dev) there is nothing to measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.bench_bottleneck import FREE_PATH, NARROW, NARROWING, foreign_host, play, rows_of
from bench.live_game import run_on_client_loop
from bench.measure import Measurement
from helpers.foreign_host import PION_GCC

PLAYED_S = 20.0
RUNS = 3
BITRATES_BPS = tuple(int(200_000 * 1.08**step) for step in range(40))
CLIENTS = ("Rejoin", "Chromium")
_MODERATE_BPS, _OFFERED_BPS = 2_000_000, 10_000_000
_PATHS = (
    ("free path", FREE_PATH, _MODERATE_BPS),
    ("3 Mbit/s", NARROW, _MODERATE_BPS),
    ("3 Mbit/s, begun at 10", NARROW, _OFFERED_BPS),
    ("3, after 10 s 1 Mbit/s", NARROWING, _MODERATE_BPS),
)


def run(quick: bool) -> Iterator[Measurement]:
    missing = PION_GCC.missing()
    if missing is not None:
        print(f"nothing is measured: {missing}", flush=True)
        return
    yield from run_on_client_loop(_everything(quick))


async def _everything(quick: bool) -> list[Measurement]:
    rows: list[Measurement] = []
    length_s = 2.0 if quick else PLAYED_S
    async with foreign_host() as host:
        await host.ask(do="prepare pion", bitrates_bps=BITRATES_BPS[:: 13 if quick else 1])
        for name, path, start_bps in _PATHS:
            for client in CLIENTS:
                found = [
                    await play(host, client, path, 1.5, length_s, pion_starts_at_bps=start_bps)
                    for _ in range(1 if quick else RUNS)
                ]
                print(name, client, found, await host.ask(do="targets"), flush=True)
                rows += rows_of(f"{name}, FIFO 1.5 s: {client}", found, length_s)
                if client == "Rejoin":
                    freezes = median(each.freezes or 0 for each in found)
                    rows.append(
                        Measurement(f"{name}, FIFO 1.5 s: {client}, freezes", freezes, "freezes")
                    )
    return rows
