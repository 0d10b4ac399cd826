"""Runs the benches, prints what they measured and keeps it in docs/performance.md and .json.

`python3 dev.py bench [names] [--quick] [--no-write]`: a name is a bench's without `bench_`. Every
bench runs in a process of its own, so that one's memory and threads are not another's. What was
measured is written together with the day and the machine; a quick run is never written.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measure import Measurement

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"
BEGIN = "<!-- bench: begin, written by dev.py bench -->"
END = "<!-- bench: end -->"

Report = dict[str, Any]
"""One bench: title, rows, seconds, measured_on, machine; as it stands in performance.json."""


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def machine() -> str:
    """CPU, cores, memory, system and Python, without anything that names the machine."""
    cpu = platform.processor() or platform.machine()
    memory = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = f", {pages / 2**30:.0f} GiB"
    system = f"{platform.system()} {platform.release()}"
    return f"{cpu}, {os.cpu_count()} cores{memory}, {system}, Python {platform.python_version()}"


def measure_here(name: str, quick: bool, out: Path) -> None:
    """Run one bench in this process and write its rows."""
    module = importlib.import_module(f"bench.bench_{name}")
    rows: Iterable[Measurement] = module.run(quick)
    title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
    report = {"title": title, "rows": [asdict(row) for row in rows]}
    out.write_text(json.dumps(report), encoding="utf-8")


def measure(name: str, quick: bool) -> Report | None:
    """Run one bench in a process of its own; None when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [sys.executable, "-m", "bench", name, "--into", str(out)]
        started, load = time.monotonic(), os.getloadavg()[0]
        done = subprocess.run([*command, *(["--quick"] if quick else [])], check=False)
        if done.returncode or not out.exists():
            return None
        report: Report = json.loads(out.read_text(encoding="utf-8"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    took_s = round(time.monotonic() - started, 1)
    where = f"{machine()}, load {load:.1f} when it began"
    return {**report, "seconds": took_s, "measured_on": today, "machine": where}


def number(value: float) -> str:
    """Four digits are enough for a measurement."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def table(report: Report) -> list[str]:
    """One bench as a table in Markdown."""
    lines = ["| What | Measured | Unit | Conditions |", "|---|--:|---|---|"]
    lines += [
        f"| {row['name']} | {number(row['value'])} | {row['unit']} | {row['conditions']} |"
        for row in report["rows"]
    ]
    return lines


def section(reports: dict[str, Report]) -> str:
    """Everything measured, as it stands between the marks in performance.md."""
    lines = [BEGIN]
    for name, report in sorted(reports.items()):
        lines += ["", f"### {report['title']}", "", *table(report), ""]
        lines.append(
            f"`tests/bench/bench_{name}.py`, {report['measured_on']}, {report['seconds']} s in all,"
            f" on {report['machine']}."
        )
    return "\n".join([*lines, "", END])


def keep(measured: dict[str, Report], docs: Path) -> None:
    """Put the new numbers in the place of the old ones; those of other benches stay."""
    data, text = docs / "performance.json", docs / "performance.md"
    reports: dict[str, Report] = {}
    if data.exists():
        reports = json.loads(data.read_text(encoding="utf-8"))
    reports.update(measured)
    before, _, rest = text.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text.write_text(before + section(reports) + after, encoding="utf-8")
    data.write_text(
        json.dumps(reports, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="see that they run; nothing is kept")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - set(names()))
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    if asked.into is not None:
        measure_here(asked.names[0], asked.quick, asked.into)
        return 0
    measured: dict[str, Report] = {}
    failed: list[str] = []
    for name in asked.names or names():
        report = measure(name, asked.quick)
        if report is None:
            failed.append(name)
            continue
        measured[name] = report
        print(
            "\n".join([f"\n{report['title']} ({report['seconds']} s)", *table(report)]), flush=True
        )
    if measured and not (asked.quick or asked.no_write):
        keep(measured, DOCS)
        print("\nwritten to docs/performance.md and docs/performance.json")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
