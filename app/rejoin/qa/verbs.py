"""`rejoin qa`: what testers run. Heavy imports happen inside the verb that needs them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

FAILED = 1
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_SAVED_AT_LEAST = 0.999
"""The share of games that could be saved and were; below it a simulation fails."""


@click.group(short_help="Test reconnection: simulate, read traces, score the detector.")
def qa() -> None:
    """Test reconnection. Every verb ends with 0 if all is well, 1 if not, 2 if it could not run."""


@qa.command(short_help="Run modelled worlds by the thousand, one a seed.")
@click.option("--seeds", type=click.IntRange(1, 10_000_000), default=2000, show_default=True)
@click.option("--first", type=click.IntRange(0), default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; one a processor.")
@click.option("--seed", type=click.IntRange(0), help="Run this one seed and tell all of it.")
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --seed: write its trace to this file.",
)
def simulate(seeds: int, first: int, jobs: int | None, seed: int | None, trace: Path | None) -> int:
    """Play drops in modelled worlds on a virtual clock and judge every invariant.

    Each seed is one world: a fault profile, by turns, a service, a network and a backend drawn by
    chance. A seed that breaks an invariant is printed with the command that plays it again.
    """
    from rejoin.qa import simulation

    if seed is not None:
        return _one_seed(seed, trace)
    if trace is not None:
        raise click.UsageError("--trace is for one --seed.")

    told = 0

    def progress(so_far: simulation.Tally) -> None:
        nonlocal told
        if sys.stderr.isatty() and so_far.runs - told >= 1000:
            told = so_far.runs
            click.echo(f"\r{so_far.runs} of {seeds}", nl=False, err=True)

    total = simulation.tally_all(first, seeds, jobs, progress)
    if told:
        click.echo("\r", nl=False, err=True)
    for one in total.found:
        click.echo(f"seed {one.seed} ({one.about})")
        for violation in one.violations:
            click.echo(f"  {violation}")
        click.echo(f"  again: rejoin qa simulate --seed {one.seed}")
    click.echo(
        f"{total.runs} worlds, {total.drops} with a drop; of {total.savable} games that could be "
        f"saved {total.saved} were ({total.saved_share:.3%}); {len(total.found)} worlds broke an "
        "invariant."
    )
    return FAILED if total.found or total.saved_share < _SAVED_AT_LEAST else 0


def _one_seed(seed: int, trace: Path | None) -> int:
    from rejoin.core.trace import timelines
    from rejoin.qa import simulation, traces

    case, outcome = simulation.run(seed)
    world = case.world
    click.echo(f"seed {seed}: {case.about}")
    click.echo(
        f"  round trip {world.rtt_s * 1000:g} ms, create call {world.create_s:g} s, silence "
        f"noticed after {world.notice_silent_s:g} s, connection timeout "
        f"{world.rules.connection_timeout_s:g} s"
    )
    click.echo(
        f"  backend tells the status: {_yes(case.policy.reports_status)}, passes the token on: "
        f"{_yes(case.policy.forwards_token)}"
    )
    for line in timelines(outcome.records):
        click.echo(f"episode {line.episode}, {line.outcome}")
        for text in line.lines():
            click.echo(text)
    if trace is not None:
        traces.write(trace, outcome.records)
    ending = "live" if outcome.ending is None else outcome.ending.kind.value
    click.echo(f"ended {ending if outcome.live or outcome.ending else 'in the middle of a drop'}")
    for violation in outcome.violations:
        click.echo(violation)
    return FAILED if outcome.violations else 0


def _yes(value: bool) -> str:
    return "yes" if value else "no"


@qa.command(short_help="Print the timeline of every episode of a trace.")
@click.argument("file", type=_EXISTING)
def trace(file: Path) -> int:
    """Print the timeline of every episode in FILE, and what in it breaks an invariant."""
    from rejoin.core.trace import timelines
    from rejoin.qa import trace_schema, traces
    from rejoin.verify import invariants

    records = sorted(traces.read(file), key=lambda record: record.at)
    for record in records:
        trace_schema.check(record)  # what follows trusts it
    found = timelines(records)
    for line in found:
        click.echo(f"episode {line.episode}, {line.outcome}")
        for text in line.lines():
            click.echo(text)
    if not found:
        click.echo("No episode: the connection was never lost.")
    violations = invariants.violations(records)
    for violation in violations:
        click.echo(violation)
    return FAILED if violations else 0


@qa.command(short_help="Score the detector on traces, recorded or generated.")
@click.argument("files", nargs=-1, type=_EXISTING)
@click.option("--profile", "profiles", multiple=True, help="Generate this network profile.")
@click.option("--hours", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True)
@click.option("--drops", type=click.IntRange(0, 100_000), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
def score(
    files: tuple[Path, ...], profiles: tuple[str, ...], hours: float, drops: int, seed: int
) -> int:
    """Replay the samples of traces through the detector, and say how good it is.

    For each FILE, and for each --profile, which is played for so many hours without a drop and then
    dropped so many times: times from the last packet to LOST, LOST without an outage (mistakes) and
    reconnects without one (wrong commits), both an hour.
    """
    from rejoin.netem.network_profile import NETWORK_PROFILES
    from rejoin.qa import scoring

    if not files and not profiles:
        raise click.UsageError("There is nothing to score: name a trace, or a --profile.")
    for name in profiles:
        if name not in NETWORK_PROFILES:
            known = ", ".join(NETWORK_PROFILES)
            raise click.UsageError(f"There is no network profile {name}; there are {known}.")
    click.echo(scoring.HEADING)
    for file in files:
        click.echo(scoring.line(file.name, scoring.of_file(file)))
    for name in profiles:
        click.echo(scoring.line(name, scoring.of_profile(name, hours, drops, seed)))
    return 0


@qa.command(short_help="Play a scenario, in a modelled world or for real.")
@click.argument("scenario")
@click.option("--live", is_flag=True, help="On real sockets, against the built-in emulator.")
@click.option("--case", "only", multiple=True, help="Play this case alone; may be given again.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--traces",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the trace of every case.",
)
@click.option("--samples", is_flag=True, help="With --live: keep samples, for `rejoin qa score`.")
def run(
    scenario: str,
    live: bool,
    only: tuple[str, ...],
    seed: int,
    folder: Path | None,
    samples: bool,
) -> int:
    """Play every case of SCENARIO: a file, or one that ships (every-profile, outage-ladder).

    Without --live on a virtual clock. Each trace is held against the invariants, and what came of
    each case against what the scenario expects.
    """
    from dataclasses import replace

    from rejoin.qa import runner, traces

    wanted = runner.load(scenario)
    if only:
        cases = tuple(case for case in wanted.cases if case.name in only)
        missing = set(only) - {case.name for case in cases}
        if missing:
            raise click.UsageError(f"There is no case {sorted(missing)[0]} in {scenario}.")
        wanted = replace(wanted, cases=cases)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)

    def told(result: runner.Result) -> None:
        click.echo(result.line())
        for sentence in result.wrong:
            click.echo(f"        {sentence}")
        if folder is not None:
            traces.write(folder / f"{_file_name(result.case.name)}.jsonl", result.records)

    if live:
        from rejoin.qa import live as stage

        results = stage.play_all(wanted, seed, told, samples=samples)
    else:
        results = runner.play_all(wanted, lambda case: runner.play_simulated(case, seed), told)
    failed = sum(not result.passed for result in results)
    click.echo(f"{len(results)} cases, {failed} failed.")
    return FAILED if failed else 0


def _file_name(name: str) -> str:
    """A case's name as that of a file."""
    return "".join(each if each.isalnum() or each in "-_.+" else "-" for each in name)


@qa.command(short_help="Draw the engine's states, read from its code.")
@click.option("--write", "page", type=_EXISTING, help="Put the drawing into this page.")
def diagram(page: Path | None) -> int:
    """Draw every way from one state to another that the engine's code has."""
    from rejoin.qa import diagram as drawing

    drawn = drawing.document(drawing.ways())
    if page is None:
        click.echo(drawn)
        return 0
    page.write_text(drawing.put_into(page.read_text(encoding="utf-8"), drawn), encoding="utf-8")
    return 0


@qa.command(short_help="Try every order of events, state by state.")
@click.option("--states", type=click.IntRange(1), default=15_000, show_default=True)
def check(states: int) -> int:
    """Explore client, backend and service together, up to so many states of each kind of trouble.

    What breaks an invariant is printed with a shortest way there.
    """
    from rejoin.verify.explore import BUDGETS, explore

    broken = 0
    for name, budget in BUDGETS.items():
        report = explore(budget, states)
        whole = ", all there are" if report.whole else ""
        click.echo(
            f"{name}: {report.states} states{whole}, {report.steps} steps, {report.fair_runs} run "
            f"to their end, {len(report.violations)} violations"
        )
        for violation in report.violations:
            click.echo(violation)
        broken += len(report.violations)
    return FAILED if broken else 0
