"""Runs the benches, prints their figures and writes them to docs/.

`python3 dev.py bench [names] [--quick] [--no-write]`: a name is that of a `bench_*.py`. Each bench
runs in a separate process, so that memory and threads of one do not count for another. The figures
go to docs/performance.json, with the date and the machine, and as tables to
docs/performance-tables.md. A quick run is never written. `--players N` is for `backend`.

`python3 dev.py bench --compare OLD.json [names] [--no-write]` measures nothing: it compares
docs/performance.json with an older copy of it, and writes the table to docs/performance.md.
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

from bench.measure import PLAYERS_VARIABLE, Measurement
from rejoin.cli.progress import Pace, Progress

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"
DATA, SUMMARY, TABLES = "performance.json", "performance.md", "performance-tables.md"
TABLES_HEAD = """\
# Performance: all tables

Written by `python3 dev.py bench`; do not edit. [performance.md](performance.md) has a summary and
explains how to read the figures, [performance.json](performance.json) has the same figures as data.
"""
COMPARISON_BEGIN = "<!-- comparison: begin, written by dev.py bench --compare -->"
COMPARISON_END = "<!-- comparison: end -->"

Report = dict[str, Any]
"""One bench as in performance.json: title, rows, seconds, measured_on, machine."""

Reports = dict[str, Report]
"""The content of performance.json: name of the bench -> report."""


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def machine() -> str:
    """CPU, cores, memory, system and Python; nothing that identifies the machine."""
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
    """Run one bench in a separate process; None if it failed."""
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
    described = f"{machine()}, load {load:.1f} at the start"
    return {**report, "seconds": took_s, "measured_on": today, "machine": described}


def number(value: float) -> str:
    """Rounded to four digits, which is enough for a measurement."""
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


def tables(reports: Reports) -> str:
    """The content of performance-tables.md."""
    lines = [TABLES_HEAD]
    for name, report in sorted(reports.items()):
        lines += [f"## {name}", "", f"{report['title']}.", "", *table(report), ""]
        lines += [
            f"`tests/bench/bench_{name}.py`, {report['measured_on']}, {report['seconds']} s in"
            f" total, on {report['machine']}.",
            "",
        ]
    return "\n".join(lines)


def read(data: Path) -> Reports:
    """The reports of a performance.json."""
    reports: Reports = json.loads(data.read_text(encoding="utf-8"))
    return reports


def write(measured: Reports, docs: Path) -> None:
    """Replace the figures of the benches that ran; those of other benches stay."""
    data = docs / DATA
    reports = read(data) if data.exists() else {}
    reports.update(measured)
    (docs / TABLES).write_text(tables(reports), encoding="utf-8")
    data.write_text(
        json.dumps(reports, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def pairs(old: Report, new: Report) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of two runs of a bench that belong together, in the order of the new run.

    Rows are paired by name. Rows whose name occurs in one run only were renamed in between if both
    runs have equally many of them with the same units in the same order; otherwise they have no
    counterpart and are left out.
    """
    old_names = {row["name"] for row in old["rows"]}
    new_names = {row["name"] for row in new["rows"]}
    by_name = {row["name"]: row for row in old["rows"] if row["name"] in new_names}
    old_rest = [row for row in old["rows"] if row["name"] not in new_names]
    new_rest = [row for row in new["rows"] if row["name"] not in old_names]
    if [row["unit"] for row in old_rest] == [row["unit"] for row in new_rest]:
        renamed = zip(new_rest, old_rest, strict=True)
        by_name |= {row["name"]: counterpart for row, counterpart in renamed}
    return [(by_name[row["name"]], row) for row in new["rows"] if row["name"] in by_name]


def ratio(before: float, after: float) -> str:
    """`after / before`, or a dash where that is undefined."""
    return f"{after / before:.3g}" if before else "–"


def comparison(old: Reports, new: Reports, names: Iterable[str]) -> str:
    """Two runs of these benches side by side, as Markdown."""
    lines = []
    for name in names:
        before, after = old[name], new[name]
        lines += [f"### {name}", "", f"{after['title']}.", ""]
        lines += ["| What | Before | After | After / before | Unit |", "|---|--:|--:|--:|---|"]
        for was, now in pairs(before, after):
            figures = [number(was["value"]), number(now["value"])]
            cells = [now["name"], *figures, ratio(was["value"], now["value"]), now["unit"]]
            lines.append(f"| {' | '.join(cells)} |")
        for title, report in (("Before", before), ("After", after)):
            lines += ["", f"{title}: {report['measured_on']}, {report['machine']}."]
        lines.append("")
    return "\n".join(lines)


def write_comparison(text: str, summary: Path) -> None:
    """Replace what stands between the marks in performance.md."""
    content = summary.read_text(encoding="utf-8")
    head, begin, rest = content.partition(COMPARISON_BEGIN)
    _, end, tail = rest.partition(COMPARISON_END)
    if not begin or not end:
        raise ValueError(f"{summary.name} has no marks for the comparison.")
    summary.write_text(f"{head}{begin}\n\n{text}\n{end}{tail}", encoding="utf-8")


def compare(old_file: Path, chosen: list[str], docs: Path, *, to_file: bool) -> None:
    """Print the comparison with an older performance.json, and write it if asked to."""
    old, new = read(old_file), read(docs / DATA)
    in_both = sorted(old.keys() & new.keys())
    if lacking := sorted(set(chosen) - set(in_both)):
        raise SystemExit(f"not measured in both files: {', '.join(lacking)}")
    text = comparison(old, new, chosen or in_both)
    print(text)
    if to_file:
        write_comparison(text, docs / SUMMARY)
        print(f"written to docs/{SUMMARY}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="only check that they run")
    parser.add_argument("--no-write", action="store_true", help="print only, write nothing")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OLD.json",
        help="measure nothing; compare docs/performance.json with this older copy of it",
    )
    parser.add_argument(
        "--players", type=int, metavar="N", help="how many players wait at once, for backend"
    )
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    if options.players is not None:
        os.environ[PLAYERS_VARIABLE] = str(options.players)
    if options.into is not None:
        measure_here(options.names[0], options.quick, options.into)
        return 0
    if options.compare is not None:
        compare(options.compare, options.names, DOCS, to_file=not options.no_write)
        return 0
    return run_benches(options.names or names(), quick=options.quick, to_file=not options.no_write)


def usual_seconds(chosen: list[str], data: Path) -> dict[str, float]:
    """What each of these took when it was last measured; empty where one never was."""
    reports = read(data) if data.exists() else {}
    if not set(chosen) <= reports.keys():
        return {}
    return {name: float(reports[name]["seconds"]) for name in chosen}


def run_benches(chosen: list[str], *, quick: bool, to_file: bool) -> int:
    """Run these benches one after the other; returns the exit code."""
    measured: Reports = {}
    failed: list[str] = []
    usual_s = {} if quick else usual_seconds(chosen, DOCS / DATA)
    pace = Pace.SECONDS if usual_s else Pace.STEPS
    with Progress("bench", len(chosen), pace) as progress:
        for number, name in enumerate(chosen):
            if usual_s:
                left_s = sum(usual_s[each] for each in chosen[number:])
                progress.leaves(left_s, f"{number + 1} of {len(chosen)}: {name}")
            else:
                progress.to(number, name)
            report = measure(name, quick)
            if report is None:
                failed.append(name)
                continue
            measured[name] = report
            lines = [f"\n{report['title']} ({report['seconds']} s)", *table(report)]
            progress.say_lines("\n".join(lines))
            sys.stdout.flush()
    if measured and to_file and not quick:
        write(measured, DOCS)
        print(f"\nwritten to docs/{TABLES} and docs/{DATA}")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
