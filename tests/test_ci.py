"""The workflows for GitHub Actions: valid, pinned by hash, with few rights, and of our Pythons.

zizmor (offline) and check-jsonschema judge them; that they run on GitHub is not shown by this.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent


def judged(tool: str, *arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a tool of the environment. Neither needs a network."""
    done = subprocess.run(
        [str(TOOLS / tool), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.returncode, done.stdout + done.stderr


def by_zizmor(folder: Path) -> tuple[int, str]:
    return judged("zizmor", "--offline", "--no-progress", "--persona", "auditor", folder)


def by_schema(name: str, *files: Path) -> tuple[int, str]:
    return judged("check-jsonschema", "--builtin-schema", f"vendor.{name}", *files)


def jobs(workflow: Path) -> dict[str, Any]:
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content["permissions"] == {}, "rights are given to jobs"
    found: dict[str, Any] = content["jobs"]
    return found


def test_zizmor_finds_nothing() -> None:
    code, said = by_zizmor(GITHUB)
    assert code == 0, said


def test_they_are_of_the_form_that_github_reads() -> None:
    for name, files in (
        ("github-workflows", WORKFLOWS),
        ("dependabot", [GITHUB / "dependabot.yml"]),
    ):
        code, said = by_schema(name, *files)
        assert code == 0, said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(uses: actions/checkout)@\w+ # v[\d.]+", r"\1@v7"),
        (r"permissions: \{\}", "permissions: write-all"),
        (r"- run: python dev.py test\n", "- run: echo ${{ github.event.pull_request.title }}\n"),
    ],
    ids=["tag", "rights", "injection"],
)
def test_zizmor_finds_what_is_wrong(old: str, new: str, tmp_path: Path) -> None:
    text, changed = re.subn(old, new, (GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert changed
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ci.yml").write_text(text)
    assert by_zizmor(tmp_path)[0] >= 11  # 10: it found something without a severity


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    text = (GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("timeout-minutes", "timeout"))
    assert by_schema("github-workflows", tmp_path / "ci.yml")[0] == 1


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_githubs_own_and_pinned(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert used
    for each in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_an_action_has_one_hash() -> None:
    """Also in what is shown to a studio."""
    files = (*WORKFLOWS, ROOT / "docs" / "testing.md")
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    found = set(re.findall(r"uses: (actions/[a-z-]+)(@\S+) +(# \S+)", text))
    assert len({name for name, *_ in found}) == len(found)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_a_limit_and_only_the_rights_that_it_needs(workflow: Path) -> None:
    for name, job in jobs(workflow).items():
        assert job["timeout-minutes"] <= 90
        rights = {"contents": "read"}
        if name == "attest":
            rights = {"id-token": "write", "attestations": "write"}
        assert job["permissions"] == rights
        if name == "attest":
            assert all("run" not in step for step in job["steps"]), "no program of ours"


def test_every_python_and_every_system_is_there() -> None:
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    [oldest] = re.findall(r"^OLDEST = \(3, (\d+)\)$", text, re.MULTILINE)
    [newest] = re.findall(r"^NEWEST = \(3, (\d+)\)$", text, re.MULTILINE)
    pythons = [f"3.{minor}" for minor in range(int(oldest), int(newest) + 1)]
    found = jobs(GITHUB / "workflows" / "ci.yml")
    for job in (found["linux"], found["elsewhere"]):
        assert job["strategy"]["matrix"]["python"] == pythons
    systems = {
        each.partition("-")[0] for each in found["elsewhere"]["strategy"]["matrix"]["system"]
    }
    assert systems == {"windows", "macos"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_was_never_run_says_so_and_names_what_exists(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert text.startswith("# Not run: ")
    for name in re.findall(r"\b(?:tests|packaging)/[\w./-]+\b", text):
        assert (ROOT / name).exists(), name
