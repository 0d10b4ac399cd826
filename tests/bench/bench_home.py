"""From the start of the program to the home window, and what loading costs it afterwards

`rejoin home` with three games on Qt's offscreen platform, beside a window of Qt's with a label, in
turn. Elapsed time begins before the process does and ends with the first frame. After it, what a
game needs is loaded while the window stays usable: its longest stop is the longest time for which
its thread did not run.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.bench_start import started
from bench.measure import Measurement

ROUNDS = 15
GAMES = "".join(
    f'[[game]]\nname = "Game {number}"\nbackend_url = "https://{number}.example"\n'
    for number in range(3)
)


def run(quick: bool) -> Iterator[Measurement]:
    rounds = 2 if quick else ROUNDS
    found: dict[str, list[dict[str, float]]] = {"bare": [], "home": [], "loading": []}
    with tempfile.TemporaryDirectory() as folder:
        games = Path(folder) / "rejoin" / "games.toml"
        games.parent.mkdir()
        games.write_text(GAMES, encoding="utf-8")
        for _ in range(1 + rounds):  # the first one writes bytecode
            for kind, starts in found.items():
                starts.append(started(kind, None, folder))
    conditions = f"median of {rounds}, in turn; offscreen"
    names = {"bare": "a window of Qt's", "home": "rejoin home"}
    medians = {}
    for kind, name in names.items():
        for figure, title, unit in (("elapsed_ms", "elapsed", "ms"), ("cpu_ms", "CPU", "ms")):
            value = statistics.median(start[figure] for start in found[kind][1:])
            medians[kind, figure] = value
            yield Measurement(f"{name}: {title}", value, unit, conditions)
    ratio = medians["home", "elapsed_ms"] / medians["bare", "elapsed_ms"]
    yield Measurement("rejoin home: of a window of Qt's", ratio, "times", conditions)
    stops = [start["longest_stop_ms"] for start in found["loading"][1:]]
    yield Measurement("loading: longest stop", statistics.median(stops), "ms", conditions)
    yield Measurement("loading: longest stop of all runs", max(stops), "ms", conditions)
