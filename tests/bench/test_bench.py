"""The runner of the benches: each bench can be run, and its figures are written and compared."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from bench import __main__ as runner
from bench.measure import Measurement, per_second, percentile


def row(name: str, value: float, unit: str = "events/s") -> dict[str, object]:
    return {"name": name, "value": value, "unit": unit, "conditions": "cold"}


def report(*rows: dict[str, object]) -> runner.Report:
    about = {"title": "The core", "seconds": 1.5, "measured_on": "2026-01-02", "machine": "a box"}
    return {**about, "rows": list(rows)}


def test_every_bench_has_a_title_and_a_run() -> None:
    assert runner.names()
    for name in runner.names():
        module = importlib.import_module(f"bench.bench_{name}")
        assert module.__doc__
        assert callable(module.run)


def test_a_bench_runs_in_a_separate_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    measured = runner.measure("redact", quick=True)
    assert measured is not None
    assert [row["unit"] for row in measured["rows"]] == ["µs each", "µs each"]
    assert all(row["value"] > 0 for row in measured["rows"])


def test_new_figures_replace_old_ones(tmp_path: Path) -> None:
    first = {"core": report(row("events", 1234567.0)), "other": report(row("events", 2.0))}
    runner.write(first, tmp_path)
    runner.write({"core": report(row("events", 0.51239))}, tmp_path)
    written = (tmp_path / "performance-tables.md").read_text(encoding="utf-8")
    assert written.startswith("# Performance: all tables\n")
    assert "1,234,567" not in written
    assert "| events | 0.5124 | events/s | cold |" in written
    assert "| events | 2 | events/s | cold |" in written
    kept = json.loads((tmp_path / "performance.json").read_text(encoding="utf-8"))
    assert kept["core"]["rows"][0]["value"] == 0.51239


def test_a_bench_that_fails_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "names", lambda: ["broken"])
    monkeypatch.setattr(runner, "measure", lambda name, quick: None)
    monkeypatch.setattr(runner, "write", lambda *_: pytest.fail("written"))
    assert runner.main([]) == 1
    assert "failed: broken" in capsys.readouterr().err


def test_the_tables_in_docs_are_those_of_the_data() -> None:
    reports = runner.read(runner.DOCS / runner.DATA)
    tables = (runner.DOCS / runner.TABLES).read_text(encoding="utf-8")
    assert tables == runner.tables(reports)
    assert set(reports) <= set(runner.names())
    for name, measured in reports.items():
        row_names = [row["name"] for row in measured["rows"]]
        assert len(set(row_names)) == len(row_names), f"{name} has two rows of one name"


def test_a_comparison_pairs_rows_by_name() -> None:
    old = {"core": report(row("gone", 9.0), row("b", 2.0), row("a", 4.0))}
    new = {"core": report(row("a", 6.0), row("b", 2.0), row("new", 1.0, "ms"))}
    text = runner.comparison(old, new, ["core"])
    assert "| a | 4 | 6 | 1.5 | events/s |\n| b | 2 | 2 | 1 | events/s |\n\n" in text
    assert "gone" not in text
    assert "new" not in text
    assert "Before: 2026-01-02, a box." in text


def test_a_comparison_pairs_renamed_rows_in_their_order() -> None:
    old = report(row("first", 1.0), row("same", 2.0), row("second", 3.0, "ms"))
    new = report(row("same", 4.0), row("1st", 5.0), row("2nd", 6.0, "ms"))
    found = [(was["name"], now["name"]) for was, now in runner.pairs(old, new)]
    assert found == [("same", "same"), ("first", "1st"), ("second", "2nd")]


def test_a_comparison_has_no_ratio_to_zero() -> None:
    text = runner.comparison(
        {"core": report(row("a", 0.0))}, {"core": report(row("a", 3.0))}, ["core"]
    )
    assert "| a | 0 | 3 | – | events/s |" in text


def test_a_comparison_is_printed_and_written_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "DOCS", tmp_path)
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"core": report(row("a", 1.0)), "gone": report()}), encoding="utf-8")
    runner.write({"core": report(row("a", 2.0)), "link": report()}, tmp_path)
    marks = (runner.COMPARISON_BEGIN, runner.COMPARISON_END)
    summary = tmp_path / "performance.md"
    summary.write_text(f"before\n{marks[0]}\nbygone\n{marks[1]}\nafter\n", encoding="utf-8")

    assert runner.main(["--compare", str(old), "--no-write"]) == 0
    assert "| a | 1 | 2 | 2 | events/s |" in capsys.readouterr().out
    assert "bygone" in summary.read_text(encoding="utf-8")

    assert runner.main(["--compare", str(old)]) == 0
    written = summary.read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "bygone" not in written
    assert "| a | 1 | 2 | 2 | events/s |" in written
    assert "### link" not in written, "it has no older figures"


def test_a_bench_without_older_figures_cannot_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "DOCS", tmp_path)
    runner.write({"core": report(row("a", 1.0))}, tmp_path)
    old = tmp_path / "old.json"
    old.write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="not measured in both files: core"):
        runner.main(["--compare", str(old), "core"])


def test_measuring_tools() -> None:
    done: list[int] = []
    assert per_second(lambda: done.append(1), at_least_s=0.01) > 0
    assert len(done) > 3
    assert percentile([float(n) for n in range(101)], 95) == pytest.approx(95.0)
    assert Measurement("a", 1.0, "s").conditions == ""
