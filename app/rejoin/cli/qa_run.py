"""`rejoin qa run` and `rejoin qa sweep`: scenarios, simulated, live here, or at any backend."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options
from rejoin.cli.backend_profile import ProfileOptions, profile_options, usable_profile
from rejoin.cli.exit_codes import FAILURE, SUCCESS
from rejoin.cli.messages import say, warn, warned_if_interrupted
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.qa_report import (
    ReportChoice,
    Wanted,
    exit_code,
    fail_on_flaky,
    report_options,
    say_summary,
)
from rejoin.cli.sign_in import token_file
from rejoin.parts import needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from rejoin.qa.campaign import Campaign
    from rejoin.qa.results import CaseRecord
    from rejoin.qa.runner import CaseResult
    from rejoin.qa.sweep import Swept
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.verify.scenario import Scenario, ScenarioCase

    _Show = Callable[[Progress, CaseResult], None]

_OVERHEAD_S: Final = 8.0
"""What a case with an emulator of its own takes to start and to end, by experience."""


_STILL_LEFT: Final = (
    "Interrupted: sessions of former runs may still be left. `rejoin qa sweep` ends them."
)


def _shard(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, int]:
    """I/N: the I-th of N parts."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", value)
    which, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= which <= count:
        raise click.BadParameter("It has to look like 2/5: the second of five parts.")
    return which, count


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(ProfileOptions, ReportChoice):
    """The arguments of `rejoin qa run`."""

    scenario: str
    live: bool
    service: Path | None
    cases: tuple[str, ...]
    seed: int
    traces_folder: Path | None
    samples: bool
    pictures: bool
    backend: str | None
    results_folder: Path | None
    repeat: int
    parallel: int
    shard: tuple[int, int]
    last_failed: bool
    timeout_s: float | None
    start_within_s: float
    max_sessions: int
    max_minutes: float
    region: str
    build: str
    token: str | None = field(repr=False)


@click.command(short_help="Run a scenario: simulated, on real sockets, or at any backend.")
@click.argument("scenario")
@click.option(
    "--live", is_flag=True, help="Use real sockets and the built-in emulator, in real time."
)
@options.learned_service
@click.option("--case", "cases", multiple=True, help="Run only this case; may be repeated.")
@options.seed
@click.option(
    "--traces", "traces_folder", type=options.FOLDER, help="Folder for the trace of every case."
)
@click.option(
    "--samples",
    is_flag=True,
    help="With --live or --backend: keep the samples in the traces, for `rejoin qa score`.",
)
@click.option(
    "--pictures",
    is_flag=True,
    help="With --results: keep pictures of the game: an MP4 of the ten seconds before and after "
    "each drop, and the last picture before and one after it.",
)
@click.option(
    "--backend",
    metavar="URL",
    help="Play at this backend, which costs its studio money; the faults are put into the client.",
)
@click.option(
    "--results",
    "results_folder",
    type=options.FOLDER,
    help="With --backend: folder for results.jsonl and the trace of every case.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Play each case this many times. One that fails and passes is flaky.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Play this many cases at the same time.",
)
@click.option(
    "--shard",
    metavar="I/N",
    default="1/1",
    callback=_shard,
    help="Play the I-th of N parts of all plays, such as 2/5.",
)
@click.option("--last-failed", is_flag=True, help="Only the cases that did not pass last time.")
@click.option(
    "--timeout",
    "timeout_s",
    type=options.NumberRange(1, 86400),
    help="Seconds that one case may take. Default: its start, its duration and a minute.",
)
@options.start_timeout("become live")
@options.max_sessions(100)
@options.max_minutes(120.0, "Play no more minutes than that, all sessions together.")
@click.option("--region", default="", help="Region of the sessions, written into every result.")
@click.option("--build", default="", help="Id of the build under test, written into every result.")
@fail_on_flaky
@report_options
@token_file("sign-in token for the studio's backend")
@profile_options
@options.as_values(RunOptions)
@needs("qa")
def run(chosen: RunOptions) -> int:
    """Run every case of SCENARIO: a TOML file, or a built-in one (every-profile, outage-ladder).

    Cases run on a virtual clock, with --live in real time, with --backend URL at a backend that
    others run. Each trace is checked against the invariants, and the result of each case against
    what the scenario expects.

    --html, --json, --junit, --markdown and --dump write reports, --html with charts and pictures
    only beside --results; in GitHub Actions the Markdown is also appended to the
    summary of the step. Exit code with --backend: 0 passed, 1 failed, 13 inconclusive: no case
    failed, and for one at least there was no capacity, quota, sign-in or network.
    """
    _check_combination(chosen)
    if chosen.backend is not None:
        return _run_at_backend(chosen)
    return _run_here(chosen)


def _check_combination(chosen: RunOptions) -> None:
    """Raises click.UsageError for options that do not go together."""
    if chosen.backend is not None:
        if chosen.live:
            raise click.UsageError("--live is for the built-in emulator: not with --backend.")
        if chosen.traces_folder is not None:
            raise click.UsageError("With --backend traces are in the folder of --results.")
        if chosen.pictures and chosen.results_folder is None:
            raise click.UsageError("--pictures needs --results: they are kept in its folder.")
        if chosen.dump_folder is not None and chosen.results_folder is None:
            raise click.UsageError("--dump needs --results, for the statistics of each play.")
        return
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name)
        if name in _AT_BACKEND_ONLY and given is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} needs --backend URL.")


_AT_BACKEND_ONLY: Final = frozenset(
    {
        *(each.name for each in (*fields(ProfileOptions), *fields(ReportChoice))),
        "token",
        "results_folder",
        "pictures",
        "repeat",
        "parallel",
        "shard",
        "last_failed",
        "timeout_s",
        "start_within_s",
        "max_sessions",
        "max_minutes",
        "region",
        "build",
    }
)


def _run_here(chosen: RunOptions) -> int:
    from rejoin.qa import traces
    from rejoin.qa.files import make_folder

    scenario = _scenario(chosen)
    folder = chosen.traces_folder
    if folder is not None:
        make_folder(folder)

    def show(progress: Progress, result: CaseResult) -> None:
        progress.say(result.line())
        for sentence in result.wrong:
            progress.say(f"        {sentence}")
        if folder is not None:
            traces.write(folder / f"{traces.file_name(result.case.name)}.jsonl", result.records)

    results = (_play_live if chosen.live else _simulate)(scenario, chosen, show)
    failed = sum(not result.passed for result in results)
    say(f"{len(results)} cases, {failed} failed.")
    return FAILURE if failed else SUCCESS


def _simulate(scenario: Scenario, chosen: RunOptions, show: _Show) -> tuple[CaseResult, ...]:
    from rejoin.qa import runner

    with Progress("cases", len(scenario.cases)) as progress:

        def report(result: CaseResult) -> None:
            progress.add()
            show(progress, result)

        return runner.play_all(
            scenario, lambda case: runner.play_simulated(case, chosen.seed), report
        )


def _play_live(scenario: Scenario, chosen: RunOptions, show: _Show) -> tuple[CaseResult, ...]:
    from rejoin.cli.charted_progress import ChartedProgress
    from rejoin.qa import live

    def takes_s(case: ScenarioCase) -> float:
        return case.duration_s + _OVERHEAD_S

    total_s = sum(takes_s(case) for case in scenario.cases)
    with ChartedProgress("cases", total_s, Pace.SECONDS) as progress:

        def report(result: CaseResult) -> None:
            progress.add(takes_s(result.case))
            progress.over(result.case.name)
            show(progress, result)

        return live.play_all(
            scenario,
            chosen.seed,
            report,
            lambda case, now: progress.playing(case.name, now),
            samples=chosen.samples,
        )


def _scenario(chosen: RunOptions) -> Scenario:
    """The chosen cases, with the service that was learned."""
    from rejoin.qa import runner

    scenario = selected(runner.load(chosen.scenario), chosen.cases, chosen.scenario)
    if chosen.service is None:
        return scenario
    from rejoin.qa import known_service

    return known_service.applied(scenario, known_service.read(chosen.service))


def selected(scenario: Scenario, cases: tuple[str, ...], named: str) -> Scenario:
    """The scenario with the chosen cases alone, or all of it when none was chosen."""
    if not cases:
        return scenario
    found = tuple(case for case in scenario.cases if case.name in cases)
    missing = set(cases) - {case.name for case in found}
    if missing:
        raise click.UsageError(f"There is no case {sorted(missing)[0]} in {named}.")
    return replace(scenario, cases=found)


# --- at a backend ---------------------------------------------------------------------------------


def _run_at_backend(chosen: RunOptions) -> int:
    from rejoin.cli.charted_progress import ChartedProgress
    from rejoin.qa import ledger, results
    from rejoin.qa.last_failed import WHOLE, LastFailed

    assert chosen.backend is not None
    profile = usable_profile(chosen.backend, chosen.token, chosen)
    profile = replace(profile, keeps_last_picture=chosen.pictures)
    scenario, shard = _scenario(chosen), chosen.shard
    remembered = LastFailed(ledger.default_folder(), scenario.name, chosen.backend)
    if chosen.last_failed:
        last = remembered.cases(chosen.shard)
        if last is not None:
            shard = WHOLE  # they are those of this shard already
            again = tuple(case for case in scenario.cases if case.name in last)
            if not again:
                say("Every case passed last time: there is nothing to play.")
                return SUCCESS
            scenario = replace(scenario, cases=again)
    reports = Wanted(chosen, chosen.results_folder)
    reports.prepare()
    ledger.Ledger(ledger.default_folder()).prepare()
    sweep_left_over(profile)
    run_of = _campaign(scenario, profile, chosen, shard)
    say(run_of.announcement())
    done, plays = 0, run_of.plays
    with (
        warned_if_interrupted(lambda: _interrupted(done, plays, chosen.results_folder)),
        ChartedProgress("cases", run_of.takes_s, Pace.SECONDS) as progress,
    ):

        def report(record: CaseRecord) -> None:
            nonlocal done
            done += 1
            progress.to(run_of.played_s, f"{done} of {plays} plays done")
            progress.over(record.name)
            progress.say(record.line())
            for sentence in record.sentences:
                progress.say(f"              {sentence}")

        records = run_of.play_all(report, lambda play, now: progress.playing(play.name, now))
    summary = results.summarize(records)
    say_summary(summary, len(records))
    left = (*summary.failed, *summary.flaky, *summary.inconclusive)
    remembered.keep(chosen.shard, (record.name for record in records), left)
    reports.write(records)
    return exit_code(records, fail_on_flaky=chosen.fail_on_flaky)


def _interrupted(done: int, plays: int, folder: Path | None) -> str:
    kept = "" if folder is None else f" Their results are in {folder}."
    return f"Interrupted: {done} of {plays} plays have a result.{kept} No report is written."


def _campaign(
    scenario: Scenario, profile: StudioProfile, chosen: RunOptions, shard: tuple[int, int]
) -> Campaign:
    from rejoin.qa import ledger
    from rejoin.qa.campaign import Campaign, Caps, Choice, How, Target
    from rejoin.qa.client_case import surroundings_of

    surroundings = surroundings_of(
        profile,
        region=chosen.region,
        application=chosen.application or "",
        build=chosen.build,
    )
    how = How(
        parallel=chosen.parallel,
        timeout_s=chosen.timeout_s,
        start_within_s=chosen.start_within_s,
        caps=Caps(chosen.max_sessions, chosen.max_minutes),
        samples=chosen.samples,
        folder=chosen.results_folder,
    )
    return Campaign(
        scenario,
        Target(profile, surroundings, ledger.default_folder()),
        Choice(chosen.repeat, shard, chosen.seed),
        how,
    )


def sweep_left_over(profile: StudioProfile) -> list[Swept]:
    """End what former runs have left at this backend, and say so."""
    import asyncio

    from rejoin.qa.ledger import Ledger, default_folder
    from rejoin.qa.sweep import sweep as sweep_entries

    ledger = Ledger(default_folder())
    for name in ledger.unreadable():
        warn(
            f"The entry {name} of the ledger cannot be read, so its session is not ended. Remove "
            f"the file from {default_folder()} when that session is over."
        )
    with (
        warned_if_interrupted(lambda: _STILL_LEFT),
        Progress("ending what is left", 1) as progress,
    ):

        def show(over: int, of: int) -> None:
            progress.to(over / of, f"{over} of {of} sessions")

        swept = asyncio.run(sweep_entries(ledger, ledger.left_over(), profile, show))
    for each in swept:
        why = f": {each.why}" if each.why else ""
        say(f"left over from {each.entry.run}, case {each.entry.case}: {each.end.value}{why}")
    return swept


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions(ProfileOptions):
    """The arguments of `rejoin qa sweep`."""

    backend: str
    token: str | None = field(repr=False)


@click.command(short_help="End sessions that former runs have left.")
@click.option("--backend", metavar="URL", required=True, help="The studio's backend.")
@token_file("sign-in token for the studio's backend")
@profile_options
@options.as_values(SweepOptions)
@needs("qa")
def sweep(chosen: SweepOptions) -> int:
    """End the sessions that runs of `rejoin qa run` which are gone have left at this backend.

    The next run does the same before it starts. Exit code: 1 if one could not be ended.
    """
    from rejoin.qa.sweep import End

    swept = sweep_left_over(usable_profile(chosen.backend, chosen.token, chosen))
    if not swept:
        say("Nothing is left over.")
    return FAILURE if any(each.end is End.STILL_OPEN for each in swept) else SUCCESS
