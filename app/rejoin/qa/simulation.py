"""Many simulated worlds, one per seed: how many games were saved, and which seeds failed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.qa import traces
from rejoin.qa.process_pool import process_pool
from rejoin.verify import faults
from rejoin.verify.scenario import NOTHING_KNOWN, KnownService
from rejoin.verify.simulate import RunOutcome, simulate

_CHUNK = 250


@dataclass(frozen=True, slots=True)
class FailedSeed:
    """A seed that violated an invariant."""

    seed: int
    about: str
    violations: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """The outcome of many seeds. `drops`: runs that had an episode; `savable`: of those, runs whose
    game could be saved; `saved`: of those, runs that ended live."""

    runs: int = 0
    drops: int = 0
    savable: int = 0
    saved: int = 0
    found: list[FailedSeed] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        self.runs += other.runs
        self.drops += other.drops
        self.savable += other.savable
        self.saved += other.saved
        self.found += other.found
        return self

    @property
    def saved_share(self) -> float:
        """0..1; 1 if no game was savable."""
        return self.saved / self.savable if self.savable else 1.0


def case_of(seed: int, known: KnownService = NOTHING_KNOWN) -> faults.SimulationCase:
    """The world of this seed; successive seeds use the fault profiles in turn. `known`: of its
    service."""
    names = faults.simulated_profiles()
    draw = random.Random(f"{seed} world").random
    return faults.draw_case(
        draw, chance_of(seed), network_profiles(), names[seed % len(names)], known
    )


def run(seed: int, known: KnownService = NOTHING_KNOWN) -> tuple[faults.SimulationCase, RunOutcome]:
    """The run of this seed; the same every time."""
    case = case_of(seed, known)
    draw = random.Random(f"{seed} engine").random
    return case, simulate(case.world, draw=draw, for_s=case.for_s, policy=case.policy)


def tally(
    first: int, count: int, known: KnownService = NOTHING_KNOWN, folder: Path | None = None
) -> Tally:
    """The runs of `count` seeds from `first` on. `folder`: for the trace of each, named after its
    seed. Raises BadInputError if one cannot be written."""
    total = Tally()
    for seed in range(first, first + count):
        case, outcome = run(seed, known)
        if folder is not None:
            traces.write(folder / f"seed-{seed:08}.jsonl", outcome.records)
        total.runs += 1
        if outcome.dropped:
            total.drops += 1
            savable = outcome.live or outcome.savable
            total.savable += savable
            total.saved += savable and outcome.live
        if outcome.violations:
            total.found.append(FailedSeed(seed, case.about, outcome.violations))
    return total


def tally_all(
    first: int,
    count: int,
    jobs: int | None,
    progress: Callable[[Tally], None],
    known: KnownService = NOTHING_KNOWN,
    folder: Path | None = None,
) -> Tally:
    """The same on several processors; `progress` is called with the sum after each part."""
    total = Tally()
    part_of = partial(tally, known=known, folder=folder)
    for part in _parts(first, count, jobs or os.cpu_count() or 1, part_of):
        total += part
        progress(total)
    total.found.sort(key=lambda one: one.seed)
    return total


def _parts(
    first: int, count: int, jobs: int, part_of: Callable[[int, int], Tally]
) -> Iterator[Tally]:
    chunks = [(at, min(_CHUNK, first + count - at)) for at in range(first, first + count, _CHUNK)]
    if jobs == 1 or len(chunks) == 1:
        for at, size in chunks:
            yield part_of(at, size)
        return
    with process_pool(jobs) as pool:
        yield from pool.map(part_of, *zip(*chunks, strict=True))
