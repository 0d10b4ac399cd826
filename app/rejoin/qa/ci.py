"""Interfaces to a CI: paths of attachments, and GitHub's summary of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.errors import BadInputError
from rejoin.qa.results import CaseRecord

SUMMARY_BYTES: Final = 1000 * 1024
"""GitHub takes 1024 KiB of one step; other commands of the step may write too."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """Where the files of results are. `folder`: of the results; None: none were written. `project`:
    the folder that a CI publishes from. `relative`: whether paths begin there."""

    folder: Path | None
    project: Path
    relative: bool = False

    def paths(self, record: CaseRecord) -> tuple[str, ...]:
        """The files that exist, in the form that `[[ATTACHMENT|path]]` takes.

        Files outside both folders are left out: a foreign file of results must not make a CI
        publish files of its machine.
        """
        if self.folder is None:
            return ()
        found = (self._path(self.folder, path) for _, path in sorted(record.attachments.items()))
        return tuple(path for path in found if path)

    def _path(self, folder: Path, path: str) -> str:
        try:
            file = (folder / path).resolve()
            project = self.project.resolve()
            inside = any(file.is_relative_to(each) for each in (folder.resolve(), project))
            if not inside or not file.is_file():
                return ""
        except (OSError, ValueError):
            return ""
        if self.relative:
            if not file.is_relative_to(project):
                return ""
            file = file.relative_to(project)
        shown = file.as_posix()
        return shown if shown.isprintable() and "|" not in shown and "]]" not in shown else ""


def attachments(folder: Path | None, environment: Mapping[str, str]) -> Attachments:
    """GitLab wants paths from the project's folder; Jenkins documents absolute ones."""
    on_gitlab = environment.get("GITLAB_CI") == "true"
    project = environment.get("CI_PROJECT_DIR") if on_gitlab else None
    return Attachments(folder, Path(project) if project else Path.cwd(), relative=bool(project))


def summary_file(environment: Mapping[str, str]) -> Path | None:
    """GitHub's file for the summary of this step; None: this is not GitHub Actions."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    return Path(path) if path and environment.get("GITHUB_ACTIONS") == "true" else None


def append_summary(file: Path, text: str) -> None:
    """Raises BadInputError if it cannot be written."""
    try:
        with file.open("a", encoding="utf-8", newline="") as out:
            out.write(f"\n{text}")
    except OSError as error:
        raise BadInputError(f"GitHub's summary cannot be written: {error.strerror}.") from error
