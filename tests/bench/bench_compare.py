"""Two builds compared by live drops: what is worse is found, what is the same is not"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.build_runs import DROPS_A_PLAY, played
from bench.measure import Measurement
from rejoin.qa import comparison, storm
from rejoin.qa.comparison import Compared, Finding, Question
from rejoin.qa.figures import MEMORY, NOTICED
from rejoin.qa.storm import Storm

PLAYS = 8
SLOW, LEAK = "detector 1 s slower", "leak of 1 MB a drop"


def run(quick: bool) -> Iterator[Measurement]:
    yield from _builds(1 if quick else PLAYS)
    yield from _storm(1000 if quick else 100_000)


def _builds(plays: int) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        found = played(("unchanged:1", "unchanged:2", SLOW, LEAK), plays, Path(folder))
    before = found["unchanged:1"]
    conditions = f"{plays * DROPS_A_PLAY} drops of each build, in turn; emulator, loopback"
    for build, figure in (("unchanged:2", NOTICED), (SLOW, NOTICED), (LEAK, MEMORY)):
        compared = comparison.compare(before, found[build], Question()).compared
        worse = [each for each in compared if each.finding is Finding.WORSE]
        it = next(each for each in compared if each.figure is figure)
        yield Measurement(f"{build}: figures that are worse", len(worse), "figures", conditions)
        yield from _figure(build, it, conditions)


def _figure(build: str, it: Compared, conditions: str) -> Iterator[Measurement]:
    name = f"{build}: {it.figure.title}"
    yield Measurement(f"{name}, more by", it.difference, it.figure.unit, conditions)
    yield Measurement(f"{name}, by chance", it.chance, "", conditions)


def _storm(players: int) -> Iterator[Measurement]:
    for windows_s in ((120.0,), (60.0, 120.0, 600.0)):
        lost = storm.play(Storm(players, 30.0, 20.0, windows_s))
        name = "+".join(f"{each:g}" for each in windows_s)
        conditions = f"{players:,} games, 30 s away, 20 create calls a second; modelled"
        saved = sum(lost.saved.values())
        yield Measurement(f"storm, windows of {name} s: saved", saved, "games", conditions)
        yield Measurement(
            f"storm, windows of {name} s: no order saves more than", lost.most, "games", conditions
        )
