"""The runner of the benches: every bench runs, and what was measured is kept and read again."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from bench import __main__ as runner
from bench.measure import Measurement, per_second, percentile


def report(value: float) -> runner.Report:
    row = {"name": "steps", "value": value, "unit": "steps/s", "conditions": "cold"}
    told = {"title": "The core", "seconds": 1.5, "measured_on": "2026-01-02", "machine": "a box"}
    return {**told, "rows": [row]}


def test_every_bench_has_a_title_and_a_run() -> None:
    assert runner.names()
    for name in runner.names():
        module = importlib.import_module(f"bench.bench_{name}")
        assert module.__doc__
        assert callable(module.run)


def test_a_bench_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    measured = runner.measure("redact", quick=True)
    assert measured is not None
    assert [row["unit"] for row in measured["rows"]] == ["µs each", "µs each"]
    assert all(row["value"] > 0 for row in measured["rows"])


def test_new_numbers_take_the_place_of_old_ones(tmp_path: Path) -> None:
    text = tmp_path / "performance.md"
    text.write_text(f"before\n{runner.BEGIN}\nbygone\n{runner.END}\nafter\n", encoding="utf-8")
    runner.keep({"core": report(1234567.0), "other": report(2.0)}, tmp_path)
    runner.keep({"core": report(0.51239)}, tmp_path)
    written = text.read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "bygone" not in written
    assert "1,234,567" not in written
    assert "| steps | 0.5124 | steps/s | cold |" in written
    assert "| steps | 2 | steps/s | cold |" in written
    kept = json.loads((tmp_path / "performance.json").read_text(encoding="utf-8"))
    assert kept["core"]["rows"][0]["value"] == 0.51239


def test_a_bench_that_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "names", lambda: ["broken"])
    monkeypatch.setattr(runner, "measure", lambda name, quick: None)
    monkeypatch.setattr(runner, "keep", lambda *_: pytest.fail("kept"))
    assert runner.main([]) == 1
    assert "failed: broken" in capsys.readouterr().err


def test_measuring_tools() -> None:
    done: list[int] = []
    assert per_second(lambda: done.append(1), at_least_s=0.01) > 0
    assert len(done) > 3
    assert percentile([float(n) for n in range(101)], 95) == pytest.approx(95.0)
    assert Measurement("a", 1.0, "s").conditions == ""
