"""`rejoin qa report` and `rejoin qa merge`, and the reports of `rejoin qa run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import FAILURE, INCONCLUSIVE, SUCCESS
from rejoin.cli.messages import say, warn
from rejoin.cli.progress import Pace, Progress
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.results import CaseRecord, Summary

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

fail_on_flaky: Final = click.option(
    "--fail-on-flaky", is_flag=True, help="A flaky case ends the run with exit code 1."
)


def report_options(verb: _Verb) -> _Verb:
    """Which reports are written; their values are those of `Wanted.of`."""
    for option in (
        click.option(
            "--for-support",
            is_flag=True,
            help="Keep the ids of sessions and requests in HTML and JSON, which AWS's support asks "
            "for. Without it no report has them.",
        ),
        click.option(
            "--dump",
            "dump_folder",
            type=options.FOLDER,
            help="Write a webrtc-internals dump of each play to this folder; needs its statistics.",
        ),
        click.option("--json", type=options.FILE, help="Write one JSON document to this file."),
        click.option(
            "--html",
            type=options.FILE,
            help="Write one HTML page with timelines, charts and pictures to this file.",
        ),
        click.option(
            "--markdown", type=options.FILE, help="Write tables and a card per drop to this file."
        ),
        click.option("--junit", type=options.FILE, help="Write JUnit XML for a CI to this file."),
    ):
        verb = option(verb)
    return verb


RESULTS: Final = "results.jsonl"
"""`qa.results.FILE`, repeated so that `--help` imports nothing else."""


def results_file(path: Path) -> Path:
    """The file of results that a path names: itself, or the one in this folder. Raises
    BadInputError where the folder has none."""
    if not path.is_dir():
        return path
    if not (path / RESULTS).is_file():
        raise BadInputError(f"There is no {RESULTS} in {path}.")
    return path / RESULTS


_Make = Callable[["Sequence[CaseRecord]"], str]
"""Makes a report of these results, and returns a sentence about it."""


@dataclass(frozen=True, kw_only=True)
class ReportChoice:
    """The values of `report_options` and `fail_on_flaky`. Without slots: Python cannot combine two
    classes that have some."""

    junit: Path | None
    markdown: Path | None
    html: Path | None
    json: Path | None
    dump_folder: Path | None
    for_support: bool
    fail_on_flaky: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports. `folder`: of the results, where the paths of attachments begin."""

    chosen: ReportChoice
    folder: Path | None

    def prepare(self) -> None:
        """Before a run that costs money. Raises BadInputError if a report has no place."""
        from rejoin.qa.files import prepare_file, prepare_folder

        chosen = self.chosen
        for file in (chosen.junit, chosen.markdown, chosen.html, chosen.json):
            if file is not None:
                prepare_file(file)
        if chosen.dump_folder is not None:
            prepare_folder(chosen.dump_folder)

    def write(self, records: Sequence[CaseRecord]) -> None:
        """Also appends to the summary of the step, on GitHub. Says what was written, for who wants
        to share it. Raises BadInputError for the first one that cannot be written, once all others
        are."""
        from rejoin.qa import ci, markdown

        asked = list(self._reports())
        failed: list[BadInputError] = []
        with Progress("report", len(asked), Pace.STEPS) as progress:
            for number, (name, make) in enumerate(asked):
                progress.to(number, name)
                try:
                    progress.say(make(records))
                except BadInputError as error:
                    failed.append(error)
        if len(asked) > len(failed):
            say(_SUPPORT if self.chosen.for_support else _REMOVED)
        summary = ci.summary_file(os.environ)
        if summary is not None:
            strict = self.chosen.fail_on_flaky
            text = markdown.document(records, ci.SUMMARY_BYTES, fail_on_flaky=strict)
            try:
                ci.append_summary(summary, text)
            except BadInputError as error:
                warn(str(error))  # it was not asked for
        for other in failed[1:]:
            warn(str(other))
        if failed:
            raise failed[0]

    def _reports(self) -> Iterator[tuple[str, _Make]]:
        """The functions that write the requested reports, with their names."""
        chosen = self.chosen
        if chosen.junit is not None:
            yield "JUnit XML", partial(self._write_junit, chosen.junit)
        if chosen.markdown is not None:
            yield "Markdown", partial(self._write_markdown, chosen.markdown)
        if chosen.json is not None:
            yield "JSON", partial(self._write_json, chosen.json)
        if chosen.html is not None:
            yield "HTML", partial(self._write_page, chosen.html)
        if chosen.dump_folder is not None:
            yield "dumps", partial(self._write_dumps, chosen.dump_folder)

    def _write_junit(self, file: Path, records: Sequence[CaseRecord]) -> str:
        from rejoin.qa import ci, junit
        from rejoin.qa.files import write_file

        attached = ci.attachments(self.folder, os.environ)
        strict = self.chosen.fail_on_flaky
        write_file(file, junit.document(records, attached, fail_on_flaky=strict))
        return _written(file, "all plays")

    def _write_markdown(self, file: Path, records: Sequence[CaseRecord]) -> str:
        from rejoin.qa import markdown
        from rejoin.qa.files import write_file

        write_file(file, markdown.document(records, fail_on_flaky=self.chosen.fail_on_flaky))
        return _written(file, "all plays, a card for each drop")

    def _write_json(self, file: Path, records: Sequence[CaseRecord]) -> str:
        from rejoin.qa import report_json
        from rejoin.qa.files import write_file

        chosen = self.chosen
        text = report_json.document(
            records, fail_on_flaky=chosen.fail_on_flaky, for_support=chosen.for_support
        )
        write_file(file, text)
        return _written(file, "all plays")

    def _write_page(self, file: Path, records: Sequence[CaseRecord]) -> str:
        from rejoin.qa import report_page
        from rejoin.qa.files import write_file

        text, held = report_page.page(
            records,
            self.folder,
            fail_on_flaky=self.chosen.fail_on_flaky,
            for_support=self.chosen.for_support,
        )
        write_file(file, text)
        beside = f", {held.beside} pictures or clips only named" if held.beside else ""
        return _written(
            file,
            f"all plays, {held.drops} drops, {held.pictures} pictures and {held.clips} clips of "
            f"the game, charts of {held.charts} plays{beside}",
        )

    def _write_dumps(self, folder: Path, records: Sequence[CaseRecord]) -> str:
        from rejoin.qa import webrtc_dump

        written = webrtc_dump.write_all(folder, records, self.folder)
        return f"Written: {written} dumps of {len(records)} plays in {folder}."


_REMOVED: Final = (
    "Removed: complete addresses, tokens, account numbers, signal strings, ids of sessions and "
    "requests (--for-support keeps these ids). Build, Region and scenario stand as given. Look at "
    "it before you share it."
)
_SUPPORT: Final = (
    "Removed: complete addresses, tokens, account numbers, signal strings. The ids of sessions and "
    "requests are in HTML and JSON: they are for the support of AWS alone."
)


def _written(file: Path, holds: str) -> str:
    size = file.stat().st_size
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
    return f"Written: {file} ({shown}): {holds}."


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
class ReportOptions(ReportChoice):
    """The arguments of `rejoin qa report`."""

    results: Path


@click.command(short_help="Make reports of results: HTML, JSON, JUnit XML, Markdown, dumps.")
@click.argument("results", type=options.EXISTING_PATH)
@report_options
@fail_on_flaky
@options.as_values(ReportOptions)
@needs("qa")
def report(chosen: ReportOptions) -> int:
    """Make reports of RESULTS, a results.jsonl of `rejoin qa run --backend` or `rejoin qa merge`,
    or its folder.

    In GitHub Actions the Markdown is also appended to the summary of the step. Exit code: that of
    the run: 0 passed, 1 failed, 13 inconclusive.
    """
    from rejoin.qa import results

    file = results_file(chosen.results)
    with Progress("reading", None) as progress:
        records = results.read(file, progress.warn)
    if not records:
        warn(f"{file.name} has no result: nothing was played.")
    wanted = Wanted(chosen, file.parent)
    wanted.prepare()
    wanted.write(records)
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
@click.argument("files", metavar="RESULTS...", nargs=-1, required=True, type=options.EXISTING_PATH)
@options.as_values(MergeOptions)
@needs("qa")
def merge(chosen: MergeOptions) -> int:
    """Write the results of all files or folders RESULTS to OUT, for `rejoin qa report`.

    A result that is there twice is written once. A last line that is cut off, as where a run was
    killed, is left out. Traces stay where they are.
    """
    from rejoin.qa import merge as merging

    with Progress("file", len(chosen.files), Pace.STEPS) as progress:
        records = merging.merge(
            chosen.out,
            [results_file(path) for path in chosen.files],
            progress.warn,
            on_file=lambda number: progress.to(number, str(chosen.files[number])),
        )
    runs = len({record.run for record in records})
    say(f"{len(records)} results of {runs} runs in {chosen.out}.")
    return SUCCESS
