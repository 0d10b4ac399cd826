"""Runs the engine's own unit tests and fails below 95 % of its branches: a step of `dev.py test`.

No checker, simulator or random events: whoever changes a state has to find its transcript here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "app" / "rejoin" / "core" / "engine"
TESTS = ROOT / "tests" / "core" / "engine"
LEAST = 0.95


def branches(report: dict[str, Any]) -> tuple[int, int]:
    """Branches that were taken, and all of them, in a JSON report of coverage.py."""
    totals = report["totals"]
    return int(totals["covered_branches"]), int(totals["num_branches"])


def missed(report: dict[str, Any]) -> list[str]:
    """Where a branch was not taken: "file: line -> line, ..."."""
    return [
        f"{Path(name).name}: "
        + ", ".join(f"{start} -> {end}" for start, end in file["missing_branches"])
        for name, file in sorted(report["files"].items())
        if file["missing_branches"]
    ]


def main() -> int:
    os.chdir(ROOT)
    measured = coverage.Coverage(data_file=None, branch=True, source=[str(ENGINE)])
    measured.start()
    failed = pytest.main(["-q", "-p", "no:cacheprovider", str(TESTS)])
    measured.stop()
    if failed:
        return int(failed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(out))
        report = json.loads(out.read_text(encoding="utf-8"))
    taken, total = branches(report)
    print("\n".join(missed(report)))
    print(f"{taken} of {total} branches of the engine: {taken / total:.1%}")
    return 0 if taken >= LEAST * total else 1


if __name__ == "__main__":
    sys.exit(main())
