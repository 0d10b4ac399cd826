"""`rejoin qa report` and `rejoin qa merge`, and the reports of `rejoin qa run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

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


class _Chosen(Protocol):
    """What `report_options` and `fail_on_flaky` make of a command line."""

    @property
    def junit(self) -> Path | None: ...
    @property
    def markdown(self) -> Path | None: ...
    @property
    def html(self) -> Path | None: ...
    @property
    def json(self) -> Path | None: ...
    @property
    def dump_folder(self) -> Path | None: ...
    @property
    def for_support(self) -> bool: ...
    @property
    def fail_on_flaky(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports. `folder`: of the results, where the paths of attachments begin."""

    chosen: _Chosen
    folder: Path | None

    def prepare(self) -> None:
        """Before a run that costs money. Raises BadInputError if a report has no place."""
        from rejoin.qa.files import make_folder

        chosen = self.chosen
        for file in (chosen.junit, chosen.markdown, chosen.html, chosen.json):
            if file is not None:
                make_folder(file.parent)
        if chosen.dump_folder is not None:
            make_folder(chosen.dump_folder)

    def write(self, records: Sequence[CaseRecord]) -> None:
        """Also appends to the summary of the step, on GitHub. Says what was written, for who wants
        to share it. Raises BadInputError."""
        from rejoin.qa import ci, junit, markdown, report_json
        from rejoin.qa.files import write_file

        chosen, strict = self.chosen, self.chosen.fail_on_flaky
        if chosen.junit is not None:
            attached = ci.attachments(self.folder, os.environ)
            write_file(chosen.junit, junit.document(records, attached, fail_on_flaky=strict))
            _say_written(chosen.junit, "all plays")
        if chosen.markdown is not None:
            write_file(chosen.markdown, markdown.document(records, fail_on_flaky=strict))
            _say_written(chosen.markdown, "all plays, a card for each drop")
        if chosen.json is not None:
            text = report_json.document(
                records, fail_on_flaky=strict, for_support=chosen.for_support
            )
            write_file(chosen.json, text)
            _say_written(chosen.json, "all plays")
        if chosen.html is not None:
            self._write_page(chosen.html, records)
        if chosen.dump_folder is not None:
            self._write_dumps(chosen.dump_folder, records)
        if self._any:
            say(_SUPPORT if chosen.for_support else _REMOVED)
        summary = ci.summary_file(os.environ)
        if summary is not None:
            text = markdown.document(records, ci.SUMMARY_BYTES, fail_on_flaky=strict)
            try:
                ci.append_summary(summary, text)
            except BadInputError as error:
                warn(str(error))  # what was asked for is there

    @property
    def _any(self) -> bool:
        chosen = self.chosen
        files = (chosen.junit, chosen.markdown, chosen.html, chosen.json, chosen.dump_folder)
        return any(each is not None for each in files)

    def _write_page(self, file: Path, records: Sequence[CaseRecord]) -> None:
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
        _say_written(
            file,
            f"all plays, {held.drops} drops, {held.pictures} pictures and {held.clips} clips of "
            f"the game, charts of {held.charts} plays{beside}",
        )

    def _write_dumps(self, folder: Path, records: Sequence[CaseRecord]) -> None:
        from rejoin.qa import webrtc_dump

        written = webrtc_dump.write_all(folder, records, self.folder)
        say(f"Written: {written} dumps of {len(records)} plays in {folder}.")


_REMOVED: Final = (
    "Removed: complete addresses, tokens, account numbers, signal strings, ids of sessions and "
    "requests (--for-support keeps these ids). Build, Region and scenario stand as given. Look at "
    "it before you share it."
)
_SUPPORT: Final = (
    "Removed: complete addresses, tokens, account numbers, signal strings. The ids of sessions and "
    "requests are in HTML and JSON: they are for the support of AWS alone."
)


def _say_written(file: Path, holds: str) -> None:
    size = file.stat().st_size
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
    say(f"Written: {file} ({shown}): {holds}.")


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
    html: Path | None
    json: Path | None
    dump_folder: Path | None
    for_support: bool
    fail_on_flaky: bool


@click.command(short_help="Make reports of results: HTML, JSON, JUnit XML, Markdown, dumps.")
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
    wanted = Wanted(chosen, chosen.results.parent)
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
