"""`rejoin qa report` and `rejoin qa merge`, reports of a run, and the examples for CIs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from helpers.qa_results import RECORD
from rejoin.cli.qa import qa
from rejoin.errors import BadInputError
from rejoin.qa import campaign, files, results
from rejoin.qa.results import CaseRecord, Support
from rejoin.qa.verdicts import Verdict

TESTING = Path(__file__).parents[2] / "docs" / "testing.md"
FLAKY = (RECORD, replace(RECORD, repetition=2, index=1, verdict=Verdict.FAILED, sentences=("x",)))


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def invoke(*args: str | Path, token: str | None = None) -> Result:
    secrets = {} if token is None else {"REJOIN_TOKEN": token}
    return CliRunner().invoke(qa, [*map(str, args)], standalone_mode=False, obj=secrets)


def written(folder: Path, *records: CaseRecord) -> Path:
    file = folder / "results.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{results.to_line(record)}\n" for record in records))
    return file


@pytest.mark.parametrize(
    ("records", "more", "code"),
    [
        ((RECORD,), (), 0),
        ((replace(RECORD, verdict=Verdict.FAILED),), (), 1),
        ((replace(RECORD, verdict=Verdict.INCONCLUSIVE),), (), 13),
        ((replace(RECORD, verdict=Verdict.SKIPPED),), (), 13),
        (FLAKY, (), 0),
        (FLAKY, ("--fail-on-flaky",), 1),
        ((), (), 13),
    ],
)
def test_the_exit_code_is_that_of_the_run(
    tmp_path: Path, records: tuple[CaseRecord, ...], more: tuple[str, ...], code: int
) -> None:
    result = invoke("report", written(tmp_path, *records), *more)
    assert result.exception is None
    assert result.return_value == code
    assert ("nothing was played" in result.output) is not bool(records)


def test_the_folder_of_results_will_do(tmp_path: Path) -> None:
    written(tmp_path / "a", RECORD)
    assert invoke("report", tmp_path / "a").return_value == 0
    assert invoke("merge", tmp_path / "all.jsonl", tmp_path / "a").return_value == 0
    assert results.read(tmp_path / "all.jsonl")[0].run == RECORD.run
    (tmp_path / "b").mkdir()
    for verb in (("report",), ("merge", tmp_path / "all.jsonl")):
        error = invoke(*verb, tmp_path / "b").exception
        assert isinstance(error, BadInputError)
        assert str(error) == f"There is no results.jsonl in {tmp_path / 'b'}."


def test_reports_are_written_with_their_folders(tmp_path: Path) -> None:
    trace = tmp_path / RECORD.attachments["trace"]
    trace.parent.mkdir()
    trace.touch()
    junit, page = tmp_path / "a" / "junit.xml", tmp_path / "b" / "report.markdown"
    result = invoke(
        *("report", written(tmp_path, *FLAKY), "--junit", junit, "--markdown", page),
        "--fail-on-flaky",
    )
    assert result.return_value == 1
    root = ET.parse(junit).getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert str(trace) in junit.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").startswith("## Reconnection: failed\n")
    assert "flaky: a cut" in result.output


def test_github_gets_a_summary_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, file = tmp_path / "summary", written(tmp_path, RECORD)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    invoke("report", file)
    assert not summary.exists()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for _ in range(2):
        assert invoke("report", file).return_value == 0
    assert summary.read_text(encoding="utf-8").count("## Reconnection: passed\n") == 2


def test_a_summary_that_cannot_be_written_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary"))
    result = invoke("report", written(tmp_path, RECORD))
    assert result.return_value == 0
    assert "GitHub's summary cannot be written" in result.output


def test_bad_results_are_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("no results")
    assert isinstance(invoke("report", file).exception, BadInputError)
    assert isinstance(invoke("report", tmp_path / "none").exception, click.UsageError)


def test_shards_are_merged_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    first = written(tmp_path / "1", RECORD)
    second = written(tmp_path / "2", RECORD, replace(RECORD, index=1, case="b"))
    second.write_text(second.read_text() + '{"cut')
    out = tmp_path / "out.jsonl"
    result = invoke("merge", out, first, second)
    assert result.return_value == 0
    assert f"2 results of 1 runs in {out}." in result.output
    assert "1 results were there already" in result.output
    assert "cut off" in result.output
    assert len(results.read(out)) == 2


def test_a_place_for_reports_is_made_before_they_are_written(tmp_path: Path) -> None:
    file = written(tmp_path, RECORD)
    for option in ("--junit", "--markdown", "--html", "--json"):
        result = invoke("report", file, option, file / "report")
        assert isinstance(result.exception, BadInputError), option
        assert "cannot be made" in str(result.exception)
    result = invoke("report", file, "--dump", file / "dumps")
    assert isinstance(result.exception, BadInputError)


def test_what_is_written_is_said_before_it_is_shared(tmp_path: Path) -> None:
    support = Support("the-session", ())
    file = written(tmp_path, replace(RECORD, support=support))
    page, document = tmp_path / "a" / "report.html", tmp_path / "b" / "report.json"
    every = ("report", file, "--html", page, "--json", document, "--dump", tmp_path / "dumps")
    result = invoke(*every)
    assert f"Written: {page} (" in result.output
    assert "all plays, 1 drops, 0 pictures and 0 clips of the game" in result.output
    assert f"Written: {document} (" in result.output
    assert "0 dumps of 1 plays" in result.output, "its statistics are not there"
    assert "ids of sessions and requests (--for-support keeps these ids)" in result.output
    assert "Look at it before you share it." in result.output
    assert "the-session" not in page.read_text(encoding="utf-8")
    assert json.loads(document.read_text(encoding="utf-8"))["verdict"] == "passed"
    result = invoke(*every, "--for-support")
    assert "for the support of AWS alone" in result.output
    for each in (page, document):
        assert "the-session" in each.read_text(encoding="utf-8")
    assert "Removed" not in invoke("report", file).output


def test_a_run_writes_its_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def __init__(self, *_: object) -> None: ...

        plays = len(FLAKY)
        takes_s = 1.0

        def announcement(self) -> str:
            return "A run."

        def play_all(
            self, on_result: Callable[[CaseRecord], None], on_playing: object
        ) -> tuple[CaseRecord, ...]:
            del on_playing
            return FLAKY

    monkeypatch.setattr(campaign, "Campaign", Fake)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    junit, page = tmp_path / "junit.xml", tmp_path / "report.markdown"
    result = invoke(
        *("run", "outage-ladder", "--backend", "http://127.0.0.1:1"),
        *("--junit", junit, "--markdown", page),
        token="token",
    )
    assert result.return_value == 0
    assert ET.parse(junit).getroot().get("tests") == "2"
    assert page.read_text(encoding="utf-8").startswith("## Reconnection: passed\n")
    alone = invoke("run", "outage-ladder", "--junit", junit)
    assert isinstance(alone.exception, click.UsageError)
    assert "--junit needs --backend" in str(alone.exception)


# --- the examples of docs/testing.md --------------------------------------------------------------


def examples() -> list[Any]:
    """The YAML of the section."""
    section = TESTING.read_text(encoding="utf-8").split("\n## In CI\n")[1].split("\n## ")[0]
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]


def texts() -> list[str]:
    """All YAML of the document."""
    return re.findall(r"```yaml\n(.*?)```", TESTING.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", texts(), ids=lambda text: text.split("\n")[0])
def test_schemas_and_a_linter_accept_the_examples(tmp_path: Path, text: str) -> None:
    is_github = text.startswith("name:")
    name, schema = (
        (".github/workflows/ci.yml", "vendor.github-workflows")
        if is_github
        else (".gitlab-ci.yml", "vendor.gitlab-ci")
    )
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    programs = Path(sys.executable).parent
    checks = [[programs / "check-jsonschema", "--builtin-schema", schema, file]]
    if is_github:
        checks.append([programs / "zizmor", "--offline", "--no-progress", "--no-config", file])
    for check in checks:
        done = subprocess.run(list(map(str, check)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_actions_of_the_examples_are_those_of_our_workflows() -> None:
    """Which dependabot keeps new."""
    pin = r"uses: (actions/[\w-]+)@(\w{40}) +# (v[\d.]+)"
    folder = TESTING.parents[1] / ".github" / "workflows"
    ours = {
        found
        for file in folder.glob("*.yml")
        for found in re.findall(pin, file.read_text(encoding="utf-8"))
    }
    shown = re.findall(pin, TESTING.read_text(encoding="utf-8"))
    assert len(shown) >= 8
    assert set(shown) <= ours


def commands(value: Any) -> Iterator[list[str]]:
    """The `rejoin qa` commands in the strings of an example, as the shell would split them."""
    if isinstance(value, str):
        shown = re.sub(r"\$\{\{ *matrix\.shard *\}\}", "1", value)
        words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "value", shown))
        if words[:2] == ["rejoin", "qa"]:
            yield words[2:]
    for each in value.values() if isinstance(value, dict) else ():
        yield from commands(each)
    for each in value if isinstance(value, list) else ():
        yield from commands(each)


def test_the_examples_are_yaml_of_their_kind() -> None:
    github, gitlab = examples()
    assert set(github["jobs"]) == {"play", "report"}
    for job in github["jobs"].values():
        assert job["runs-on"]
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    assert github["jobs"]["report"]["needs"] in github["jobs"]
    (job,) = gitlab.values()
    assert all(isinstance(line, str) for line in job["script"])
    assert job["artifacts"]["reports"]["junit"] in job["script"][-1]
    assert job["allow_failure"]["exit_codes"] == 13


def test_the_commands_of_the_examples_have_only_options_that_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("out", "out/1", "out/2"):
        written(tmp_path / path)
    found = [words for example in examples() for words in commands(example)]
    assert [words[0] for words in found] == ["run", "merge", "report", "run"]
    for verb, *arguments in found:
        command = qa.get_command(click.Context(qa), verb)
        assert command is not None
        command.make_context(verb, arguments, obj={})
    with pytest.raises(click.UsageError):
        qa.commands["run"].make_context("run", ["x", "--no-such-option"], obj={})


def test_a_report_that_cannot_be_written_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, full = written(tmp_path, RECORD), tmp_path / "j.xml"
    write = files.write_file

    def failing(path: Path, content: str | bytes) -> None:
        if path == full:
            raise BadInputError("j.xml cannot be written: No space left on device.")
        write(path, content)

    monkeypatch.setattr(files, "write_file", failing)
    result = invoke("report", file, "--junit", full, "--json", tmp_path / "r.json")
    assert isinstance(result.exception, BadInputError)
    assert str(result.exception).startswith("j.xml cannot be written")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["verdict"] == "passed"
