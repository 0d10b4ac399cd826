"""`rejoin qa report` and `rejoin qa merge`, and the reports of `rejoin qa run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import FAILURE, INCONCLUSIVE, SUCCESS
from rejoin.cli.messages import say, warn
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.results import CaseRecord, Summary

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

fail_on_flaky: Final = click.option(
    "--fail-on-flaky", is_flag=True, help="A flaky case ends the run with exit code 1."
)


def report_options(verb: _Verb) -> _Verb:
    """`--junit` and `--markdown`."""
    for option in (
        click.option(
            "--markdown", type=options.FILE, help="Write tables and a card per drop to this file."
        ),
        click.option("--junit", type=options.FILE, help="Write JUnit XML for a CI to this file."),
    ):
        verb = option(verb)
    return verb


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports. `folder`: of the results, where the paths of attachments begin."""

    junit: Path | None
    markdown: Path | None
    folder: Path | None
    fail_on_flaky: bool

    def prepare(self) -> None:
        """Before a run that costs money. Raises BadInputError if a report has no place."""
        for file in (self.junit, self.markdown):
            if file is None:
                continue
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                folder = file.parent
                raise BadInputError(
                    f"The folder {folder} cannot be made: {error.strerror}."
                ) from error

    def write(self, records: Sequence[CaseRecord]) -> None:
        """Also appends to the summary of the step, on GitHub. Raises BadInputError."""
        from rejoin.qa import ci, junit, markdown
        from rejoin.qa.merge import write_file

        if self.junit is not None:
            attached = ci.attachments(self.folder, os.environ)
            text = junit.document(records, attached, fail_on_flaky=self.fail_on_flaky)
            write_file(self.junit, text)
        if self.markdown is not None:
            text = markdown.document(records, fail_on_flaky=self.fail_on_flaky)
            write_file(self.markdown, text)
        summary = ci.summary_file(os.environ)
        if summary is not None:
            text = markdown.document(records, ci.SUMMARY_BYTES, fail_on_flaky=self.fail_on_flaky)
            try:
                ci.append_summary(summary, text)
            except BadInputError as error:
                warn(str(error))  # what was asked for is there


def exit_code(records: Sequence[CaseRecord], *, fail_on_flaky: bool) -> int:
    """Of a run with these results."""
    from rejoin.qa import results
    from rejoin.qa.verdicts import Verdict

    match results.verdict_of(results.grouped(records), fail_on_flaky=fail_on_flaky):
        case Verdict.FAILED:
            return FAILURE
        case Verdict.INCONCLUSIVE | Verdict.SKIPPED:
            return INCONCLUSIVE
        case Verdict.PASSED:
            return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The arguments of `rejoin qa report`."""

    results: Path
    junit: Path | None
    markdown: Path | None
    fail_on_flaky: bool


@click.command(short_help="Make reports of results: JUnit XML, Markdown.")
@click.argument("results", type=options.EXISTING_FILE)
@report_options
@fail_on_flaky
@options.as_values(ReportOptions)
@needs("qa")
def report(chosen: ReportOptions) -> int:
    """Make reports of RESULTS, a results.jsonl of `rejoin qa run --backend` or `rejoin qa merge`.

    In GitHub Actions the Markdown is also appended to the summary of the step. Exit code: that of
    the run: 0 passed, 1 failed, 13 inconclusive.
    """
    from rejoin.qa import results

    records = results.read(chosen.results, warn)
    folder = chosen.results.parent
    Wanted(chosen.junit, chosen.markdown, folder, chosen.fail_on_flaky).write(records)
    for group in results.grouped(records):
        say(f"{group.scenario}, build {group.surroundings.build or 'unknown'}")
        say_summary(group.summary, len(group.records))
    return exit_code(records, fail_on_flaky=chosen.fail_on_flaky)


def say_summary(summary: Summary, plays: int) -> None:
    """The cases that did not simply pass, and how many there are of each kind."""
    for kind in ("flaky", "failed", "inconclusive", "skipped"):
        cases: tuple[str, ...] = getattr(summary, kind)
        if cases:
            say(f"{kind}: {', '.join(cases)}")
    say(
        f"{plays} plays: {len(summary.passed)} cases passed, {len(summary.failed)} failed, "
        f"{len(summary.flaky)} flaky, {len(summary.inconclusive)} inconclusive, "
        f"{len(summary.skipped)} skipped."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """The arguments of `rejoin qa merge`."""

    out: Path
    files: tuple[Path, ...]


@click.command(short_help="Put the results of several shards into one file.")
@click.argument("out", type=options.FILE)
@click.argument("files", metavar="RESULTS...", nargs=-1, required=True, type=options.EXISTING_FILE)
@options.as_values(MergeOptions)
@needs("qa")
def merge(chosen: MergeOptions) -> int:
    """Write the results of all files RESULTS to OUT, for `rejoin qa report`.

    A result that is there twice is written once. A last line that is cut off, as where a run was
    killed, is left out. Traces stay where they are.
    """
    from rejoin.qa import merge as merging

    records = merging.merge(chosen.out, chosen.files, warn)
    runs = len({record.run for record in records})
    say(f"{len(records)} results of {runs} runs in {chosen.out}.")
    return SUCCESS
