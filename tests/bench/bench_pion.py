"""A bottleneck in front of Pion as host, whose GCC reads transport-wide feedback alone.

Clips of key frames from 0.2 to 4 Mbit/s, each 8 % above the one before; Pion's target decides, for
each picture, which is sent. The pacer is Pion's: after a pause it sends a picture at once.
Without Go and Pion (Debian: golang-go, golang-github-pion-webrtc.v3-dev) nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.bench_bottleneck import NARROW, NARROWING, foreign_host, play, rows_of
from bench.live_game import run_on_client_loop
from bench.measure import Measurement
from helpers.foreign_host import PION_GCC

PLAYED_S = 20.0
RUNS = 3
BITRATES_BPS = tuple(int(200_000 * 1.08**step) for step in range(40))
CLIENTS = ("Rejoin", "Chromium")
MODERATE_BPS, OFFERED_BPS = 2_000_000, 10_000_000
"""Where Pion begins: at a rate of its own, or at the one that the offer wishes for."""
SOON_NARROWING = ((0.0, 3_000_000.0), (4.0, 1_000_000.0))
"""Pion has not met the first limit then, so all runs come to the second one alike."""
_PATHS = (
    ("3 Mbit/s", NARROW, MODERATE_BPS),
    ("3, after 4 s 1 Mbit/s", SOON_NARROWING, MODERATE_BPS),
    ("3, after 10 s 1 Mbit/s", NARROWING, MODERATE_BPS),
    ("3 Mbit/s, begun at 10", NARROW, OFFERED_BPS),
)


def run(quick: bool) -> Iterator[Measurement]:
    missing = PION_GCC.missing()
    if missing is not None:
        print(f"nothing is measured: {missing}", flush=True)
        return
    yield from run_on_client_loop(_everything(quick))


async def _everything(quick: bool) -> list[Measurement]:
    rows: list[Measurement] = []
    length_s, runs = (2.0, 1) if quick else (PLAYED_S, RUNS)
    async with foreign_host() as host:
        await host.ask(do="prepare pion", bitrates_bps=BITRATES_BPS[:: 13 if quick else 1])
        for path_name, path, start_bps in _PATHS:
            for client in CLIENTS:
                name = f"{path_name}, FIFO 1.5 s: {client}"
                found, long_s = [], []
                for _ in range(runs):
                    played = await play(
                        host, client, path, 1.5, length_s, pion_starts_at_bps=start_bps
                    )
                    found.append(played)
                    since_s = path[-1][0]
                    after = await host.ask(
                        do="figures", since_s=min(since_s, length_s / 2), until_s=length_s
                    )
                    long_s.append(after["queue_over_50_ms_s"])
                    print(name, played, long_s, await host.ask(do="targets"), flush=True)
                rows += rows_of(name, found, length_s)
                if len(path) > 1:
                    text = ", ".join(f"{each:g}" for each in long_s)
                    changed = f"{name}, queue over 50 ms after the change"
                    rows.append(Measurement(changed, median(long_s), "s", f"median of {text}"))
                if client == "Rejoin":
                    freezes = median(each.freezes or 0 for each in found)
                    rows.append(Measurement(f"{name}, freezes", freezes, "freezes"))
    return rows
