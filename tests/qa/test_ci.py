"""Paths of attachments as CIs read them, and GitHub's summary of a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.qa_results import RECORD
from rejoin.errors import BadInputError
from rejoin.qa import ci
from rejoin.qa.ci import Attachments

TRACE = "traces/0000-a-cut.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trace = tmp_path / "out" / TRACE
    trace.parent.mkdir(parents=True)
    trace.touch()
    return tmp_path / "out"


def paths(attached: Attachments, path: str = TRACE) -> tuple[str, ...]:
    return attached.paths(replace(RECORD, attachments={"trace": path}))


def test_jenkins_gets_absolute_paths(folder: Path) -> None:
    assert paths(ci.attachments(folder, {})) == ((folder / TRACE).resolve().as_posix(),)


def test_gitlab_gets_paths_from_the_projects_folder(folder: Path) -> None:
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder.parent)}
    assert paths(ci.attachments(folder, gitlab)) == (f"out/{TRACE}",)


def test_what_gitlab_cannot_publish_is_left_out(folder: Path, tmp_path: Path) -> None:
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(tmp_path / "project")}
    assert paths(ci.attachments(folder, gitlab)) == ()


def test_files_that_are_not_there_are_left_out(folder: Path) -> None:
    attached = ci.attachments(folder, {})
    assert paths(attached, "traces/other.jsonl") == ()
    assert paths(attached, "traces") == ()
    assert paths(attached, "a\0b") == ()
    assert paths(ci.attachments(None, {})) == ()


def test_no_file_of_the_machine_is_published(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    (folder / "link").symlink_to(tmp_path / "secret")
    attached = Attachments(folder, folder)
    for path in ("../secret", str(tmp_path / "secret"), "link", "/etc/hostname"):
        assert paths(attached, path) == ()
    assert paths(Attachments(folder, tmp_path), "../secret")  # in the project: merged shards


@pytest.mark.parametrize("name", ["a|b", "a]]b", "a\nb"])
def test_a_name_that_would_end_the_form_is_left_out(folder: Path, name: str) -> None:
    (folder / name).touch()
    assert paths(ci.attachments(folder, {}), name) == ()


def test_the_summary_is_githubs_alone(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    assert ci.summary_file({"GITHUB_STEP_SUMMARY": str(file)}) is None
    assert ci.summary_file({"GITHUB_ACTIONS": "true"}) is None
    found = ci.summary_file({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})
    assert found == file


def test_the_summary_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("before\n")
    ci.append_summary(file, "## after\n")
    assert file.read_text() == "before\n\n## after\n"
    with pytest.raises(BadInputError, match="cannot be written"):
        ci.append_summary(tmp_path / "none" / "summary", "text")
