"""`rejoin qa compare`: its exit codes, its files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from helpers.compared_results import a_build
from rejoin.cli.qa import qa
from rejoin.cli.qa_report import RESULTS
from rejoin.errors import BadInputError
from rejoin.qa import results, simulation
from rejoin.qa.results import CaseRecord


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(qa, ["compare", *map(str, args)], standalone_mode=False)


def written(folder: Path, records: list[CaseRecord]) -> Path:
    folder.mkdir(parents=True)
    file = folder / RESULTS
    file.write_text("".join(f"{results.to_line(record)}\n" for record in records))
    return file


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return written(tmp_path / "before", a_build(40, 1))


def code_of(result: Result) -> int:
    assert result.exception is None, result.exception
    return int(result.return_value)


def test_the_file_is_the_one_that_a_run_writes() -> None:
    assert results.FILE == RESULTS


def test_exit_codes_say_what_was_found(before: Path, tmp_path: Path) -> None:
    same = written(tmp_path / "same", a_build(40, 2))
    slow = written(tmp_path / "slow", a_build(40, 2, slower_s=1.0))
    few = written(tmp_path / "few", a_build(3, 2))
    assert code_of(invoke(before, same)) == 0
    assert code_of(invoke(before.parent, same.parent)) == 0  # folders will do
    assert code_of(invoke(before, slow)) == 1
    assert code_of(invoke(before, few)) == 13
    assert code_of(invoke(before, same, "--least-effect", "lost_answers_per_100=5")) == 13
    assert code_of(invoke(before, slow, "--least-effect", "noticed_s=5")) == 1  # the freeze
    slower = invoke(
        before, slow, *("--least-effect", "noticed_s=5", "--least-effect", "freeze_s=5")
    )
    assert code_of(slower) == 0


def test_a_budget_is_a_gate_with_and_without_another_build(before: Path, tmp_path: Path) -> None:
    budget = tmp_path / "budget.toml"
    budget.write_text("freeze_p95_s = 3\nlost_answers_per_100 = 0\n")
    assert code_of(invoke(before, "--budget", budget)) == 0
    same = written(tmp_path / "same", a_build(40, 2, lost=0.2))
    result = invoke(before, same, "--budget", budget)
    assert code_of(result) == 1
    assert "OVER BUDGET   lost_answers_per_100" in result.output
    budget.write_text("freeze_p95_s = 3\nleast_drops = 41\n")
    assert code_of(invoke(before, "--budget", budget)) == 13
    for other in ("", "freeze_max_s = 60\n"):
        budget.write_text(f"freeze_limit_s = 0.1\n{other}")
        error = invoke(before, "--budget", budget).exception
        assert isinstance(error, BadInputError), "nothing could be over it"
        assert "freeze_limit_s alone is no limit" in str(error)
    budget.write_text("freezes = 3\n")
    assert isinstance(invoke(before, "--budget", budget).exception, BadInputError)


def test_markdown_and_json_are_written_with_their_folders(before: Path, tmp_path: Path) -> None:
    page, data = tmp_path / "a" / "page.markdown", tmp_path / "b" / "data.json"
    slow = written(tmp_path / "slow", a_build(40, 2, slower_s=1.0))
    invoke(before, slow, "--markdown", page, "--json", data)
    assert page.read_text(encoding="utf-8").startswith("## Compared: worse\n")
    assert json.loads(data.read_text(encoding="utf-8"))["conclusion"] == "worse"


def test_modelled_runs_are_compared_pair_by_pair(tmp_path: Path) -> None:
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder in folders:
        folder.mkdir()
        simulation.tally(0, 4, folder=folder)
    page, data = tmp_path / "page.markdown", tmp_path / "data.json"
    files = ("--markdown", page, "--json", data)
    assert code_of(invoke("--simulated", *folders, *files)) == 0
    assert json.loads(data.read_text(encoding="utf-8"))["pairs"] == 4
    trace = folders[1] / "seed-00000002.jsonl"
    trace.write_text("".join(trace.read_text().splitlines(keepends=True)[:-2]))
    result = invoke("--simulated", *folders)
    assert code_of(result) == 1
    assert "seed-00000002: differs from record" in result.output
    trace.unlink()
    assert code_of(invoke("--simulated", *folders)) == 13


def test_what_cannot_be_compared_is_refused(before: Path, tmp_path: Path) -> None:
    for arguments, wrong in (
        ((before,), "Name BEFORE and AFTER"),
        ((before, before, before), "Two builds"),
        ((before, before, "--least-effect", "speed=1"), "no figure 'speed'"),
        ((before, before, "--least-effect", "freeze_s"), "has to look like"),
        ((before, before, "--least-effect", "freeze_s=-1"), "has to look like"),
        ((before, before, "--least-effect", "freeze_s=nan"), "has to look like"),
        (("--simulated", before, before), "folders of traces"),
        (("--simulated", tmp_path, tmp_path, "--least-effect", "freeze_s=1"), "any difference"),
    ):
        found = invoke(*arguments).exception
        assert isinstance(found, click.UsageError), arguments
        assert wrong in found.format_message()
    other = written(tmp_path / "other", a_build(3, 1, cases=("other",)))
    found = invoke(before, other).exception
    assert isinstance(found, BadInputError)
    assert "no case in common" in str(found)
    assert isinstance(invoke(before, tmp_path).exception, BadInputError)
