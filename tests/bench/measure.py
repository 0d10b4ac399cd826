"""What benches share: `run(quick)` of every `bench_*.py` yields `Measurement`s."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PLAYERS_VARIABLE = "REJOIN_BENCH_PLAYERS"
"""`--players`, for the process that measures."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure. `name` is unique within its bench; `conditions`: rounds, percentile, settings."""

    name: str
    value: float
    unit: str
    conditions: str = ""


def per_second(work: Callable[[], object], *, at_least_s: float) -> float:
    """How many times per second `work` can run: the best of three rounds of at least this time."""
    best = 0.0
    for _ in range(3):
        count, batch = 0, 1
        started = time.perf_counter()
        while (took_s := time.perf_counter() - started) < at_least_s:
            for _ in range(batch):
                work()
            count += batch
            batch = min(batch * 2, 4096)
        best = max(best, count / took_s)
    return best


def percentile(values: Sequence[float], percent: int) -> float:
    """The given percentile (1..99) of at least two values, interpolated between them."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
