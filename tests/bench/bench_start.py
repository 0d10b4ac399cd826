"""From the start of the program to the first paint of its window, drawn by the processor

`rejoin play` on Qt's offscreen platform, beside a window of Qt's with a label, in turn. Elapsed
time begins before the process does. REJOIN_BENCH_OLD names another checkout, which is then a third.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Measurement

ROUNDS = 15
TESTS = Path(__file__).resolve().parents[1]
OLD = "REJOIN_BENCH_OLD"
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def run(quick: bool) -> Iterator[Measurement]:
    rounds = 2 if quick else ROUNDS
    kinds: dict[str, tuple[str, Path | None]] = {
        "a window of Qt's": ("bare", None),
        "rejoin play": ("rejoin", None),
    }
    if os.environ.get(OLD):
        kinds["rejoin play before"] = ("rejoin", Path(os.environ[OLD]) / "app")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(1 + rounds):  # the first one writes bytecode
            for name, (kind, app) in kinds.items():
                found[name].append(started(kind, app, folder))
    conditions = f"median of {rounds}, in turn; offscreen"
    medians = {}
    for name, starts in found.items():
        for figure, unit in ("elapsed_ms", "ms"), ("cpu_ms", "ms"), ("modules", "modules"):
            value = statistics.median(start[figure] for start in starts[1:])
            medians[name, figure] = value
            title = {"elapsed_ms": "elapsed", "cpu_ms": "CPU", "modules": "Python modules"}[figure]
            yield Measurement(f"{name}: {title}", value, unit, conditions)
    for name in [*kinds][1:]:
        of_qt = medians[name, "elapsed_ms"] / medians["a window of Qt's", "elapsed_ms"]
        yield Measurement(f"{name}: of a window of Qt's", of_qt, "times", conditions)


def started(kind: str, app: Path | None, folder: str) -> dict[str, float]:
    """One start. `app`: the source root of another checkout."""
    names = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
    path = [str(TESTS)] if app is None else [str(app), str(TESTS)]
    environment = {
        **{name: value for name, value in os.environ.items() if name != _NO_BYTECODE},
        # An installed program has bytecode, also where this environment wants none to be written.
        "PYTHONPYCACHEPREFIX": os.path.join(folder, "bytecode"),
        **dict.fromkeys(names, folder),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "QT_QPA_PLATFORM": "offscreen",
    }
    began_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench.start_process", kind],
        env=environment,
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode != 0 or not done.stdout:
        raise RuntimeError(done.stderr)
    found = json.loads(done.stdout)
    return {
        "longest_stop_ms": max(found.get("stops", [0.0])) * 1000,
        "longest_own_stop_ms": max(found.get("own_stops", [0.0])) * 1000,
        "elapsed_ms": (found["at"] - began_at) * 1000,
        "cpu_ms": found["cpu_s"] * 1000,
        "modules": found["modules"],
    }
