"""`rejoin qa`: simulations, scenarios, traces and scores, for testers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options
from rejoin.cli.backend_profile import ProfileOptions, profile_options, usable_profile
from rejoin.cli.exit_codes import FAILURE, SUCCESS
from rejoin.cli.messages import say, say_lines
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.qa_compare import compare
from rejoin.cli.qa_fleet import fleet
from rejoin.cli.qa_learn import learn
from rejoin.cli.qa_report import merge, report
from rejoin.cli.qa_run import run, sweep
from rejoin.cli.qa_storm import storm
from rejoin.cli.sign_in import token_file
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.verify.scenario import KnownService

_LEAST_SAVED_SHARE: Final = 0.999
"""A simulation fails when a smaller share of the games that could be saved was saved."""

_START_S: Final = 4.0
_END_S: Final = 0.5
"""A game at an emulator, by experience; elsewhere it may have to be placed first."""


@click.group(short_help="Test reconnection: simulate, read traces, score the detector.")
def qa() -> None:
    """Test reconnection. Exit code: 0 all passed, 1 something failed, 2 it could not run, 13 it
    says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """The arguments of `rejoin qa simulate`."""

    seeds: int
    first: int
    jobs: int | None
    seed: int | None
    trace: Path | None
    service: Path | None
    traces_folder: Path | None


@qa.command(short_help="Run thousands of simulated games, one for each seed.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 10_000_000),
    default=2000,
    show_default=True,
    help="Number of seeds.",
)
@click.option(
    "--first", type=click.IntRange(0), default=0, show_default=True, help="The first seed."
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Processes. Default: one for each processor."
)
@click.option("--seed", type=click.IntRange(0), help="Run only this seed and print all details.")
@click.option("--trace", type=options.FILE, help="With --seed: write its trace to this file.")
@options.learned_service
@click.option(
    "--traces",
    "traces_folder",
    type=options.FOLDER,
    help="Folder for the trace of every seed, for `rejoin qa compare --simulated`.",
)
@options.as_values(SimulateOptions)
@needs("qa")
def simulate(chosen: SimulateOptions) -> int:
    """Simulate drops on a virtual clock and check every invariant.

    Each seed is one simulated game. Fault profiles take turns; service, network and backend are
    random. For each game that breaks an invariant, prints the command that repeats it.
    """
    from rejoin.qa import simulation
    from rejoin.qa.files import make_folder
    from rejoin.verify.scenario import NOTHING_KNOWN

    known = NOTHING_KNOWN
    if chosen.service is not None:
        from rejoin.qa import known_service

        known = known_service.read(chosen.service)
    if chosen.seed is not None:
        if chosen.traces_folder is not None:
            raise click.UsageError("--traces is for many seeds; with --seed it is --trace.")
        return _one_seed(chosen.seed, chosen.trace, known)
    if chosen.trace is not None:
        raise click.UsageError("--trace needs --seed.")
    if chosen.traces_folder is not None:
        make_folder(chosen.traces_folder)

    with Progress("games", chosen.seeds) as progress:
        total = simulation.tally_all(
            chosen.first,
            chosen.seeds,
            chosen.jobs,
            lambda so_far: progress.to(so_far.runs, f"{so_far.runs} of {chosen.seeds}"),
            known,
            chosen.traces_folder,
        )
    for one in total.found:
        say(f"seed {one.seed} ({one.about})")
        for violation in one.violations:
            say(f"  {violation}")
        service = "" if chosen.service is None else f" --service {shlex.quote(str(chosen.service))}"
        say(f"  repeat with: rejoin qa simulate --seed {one.seed}{service}")
    say(
        f"{total.runs} games, {total.drops} with a drop; of {total.savable} games that could be "
        f"saved {total.saved} were ({total.saved_share:.3%}); {len(total.found)} games broke an "
        "invariant."
    )
    return FAILURE if total.found or total.saved_share < _LEAST_SAVED_SHARE else SUCCESS


def _one_seed(seed: int, trace: Path | None, known: KnownService) -> int:
    from rejoin.core.trace import timelines
    from rejoin.qa import simulation, traces

    case, outcome = simulation.run(seed, known)
    world = case.world
    say(f"seed {seed}: {case.about}")
    say(
        f"  round trip {world.rtt_s * 1000:g} ms, create call {world.create_s:g} s, silence "
        f"detected after {world.notice_silent_client_s:g} s, connection timeout "
        f"{world.rules.connection_timeout_s:g} s"
    )
    say(
        f"  backend reports the status: {_yes(case.policy.reports_status)}, passes the idempotency "
        f"token on: {_yes(case.policy.forwards_token)}"
    )
    for line in timelines(outcome.records):
        say(f"episode {line.episode}, {line.outcome}")
        for text in line.lines():
            say(text)
    if trace is not None:
        traces.write(trace, outcome.records)
    ending = "live" if outcome.ending is None else outcome.ending.kind.value
    say(f"ended {ending if outcome.live or outcome.ending else 'in the middle of a drop'}")
    for violation in outcome.violations:
        say(violation)
    return FAILURE if outcome.violations else SUCCESS


def _yes(value: bool) -> str:
    return "yes" if value else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions:
    """The arguments of `rejoin qa trace`."""

    file: Path


@qa.command(short_help="Print the timeline of every episode of a trace.")
@click.argument("file", type=options.EXISTING_FILE)
@options.as_values(TraceOptions)
@needs("qa")
def trace(chosen: TraceOptions) -> int:
    """Print the timeline of every episode in FILE, and every invariant that it breaks."""
    from rejoin.core.trace import timelines
    from rejoin.qa import trace_schema, traces
    from rejoin.verify import invariants

    with Progress("trace", None) as progress:
        progress.note("reading")
        records = sorted(traces.read(chosen.file), key=lambda record: record.at)
        for record in records:
            trace_schema.check(record)  # what follows relies on it
        found = timelines(records)
        progress.note("checking the invariants")
        violations = invariants.violations(records)
    for line in found:
        say(f"episode {line.episode}, {line.outcome}")
        for text in line.lines():
            say(text)
    if not found:
        say("No episode: the connection was never lost.")
    for violation in violations:
        say(violation)
    return FAILURE if violations else SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """The arguments of `rejoin qa score`."""

    files: tuple[Path, ...]
    profiles: tuple[str, ...]
    hours: float
    drops: int
    seed: int


@qa.command(short_help="Score the drop detector on recorded or generated traces.")
@click.argument("files", nargs=-1, type=options.EXISTING_FILE)
@click.option(
    "--profile", "profiles", multiple=True, help="Generate this network profile; may be repeated."
)
@click.option(
    "--hours",
    type=options.NumberRange(0.01, 1000),
    default=1.0,
    show_default=True,
    help="Generated hours without a drop.",
)
@click.option(
    "--drops",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="Generated drops.",
)
@options.seed
@options.as_values(ScoreOptions)
@needs("qa")
def score(chosen: ScoreOptions) -> int:
    """Replay the samples of traces through the drop detector and print its score.

    Prints one line for each FILE and for each --profile. A profile is simulated for --hours without
    a drop, and then dropped --drops times. p50, p95 and p99 are seconds from the last packet to
    LOST. Without an outage, LOST is a false alarm, and the decision to reconnect a false commit.
    """
    from rejoin.netem.network_profile import NETWORK_PROFILES
    from rejoin.qa import scoring

    if not chosen.files and not chosen.profiles:
        raise click.UsageError("There is nothing to score: name a trace file or a --profile.")
    for name in chosen.profiles:
        if name not in NETWORK_PROFILES:
            known = ", ".join(NETWORK_PROFILES)
            raise click.UsageError(f"There is no network profile {name}. The profiles are {known}.")
    say(scoring.HEADING)
    drops = max(1, chosen.drops)
    with Progress("scores", len(chosen.files) + len(chosen.profiles)) as progress:
        for number, file in enumerate(chosen.files):
            progress.to(number, file.name)
            progress.say(scoring.line(file.name, scoring.of_file(file)))
        for number, name in enumerate(chosen.profiles, len(chosen.files)):

            def dropped(so_far: int, number: int = number, name: str = name) -> None:
                progress.to(number + so_far / (drops + 1), name)

            dropped(0)
            row = scoring.of_profile(name, chosen.hours, chosen.drops, chosen.seed, dropped)
            progress.say(scoring.line(name, row))
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions(ProfileOptions):
    """The arguments of `rejoin qa input`."""

    backend: str
    seconds: float
    token: str | None = field(repr=False)


@qa.command("input", short_help="Show what the service's input module makes of the player's input.")
@click.option("--backend", metavar="URL", required=True, help="The studio's backend.")
@click.option(
    "--seconds",
    type=options.NumberRange(1, 3600),
    default=10.0,
    show_default=True,
    help="How long to play.",
)
@token_file("sign-in token for the studio's backend")
@profile_options
@options.as_values(InputOptions)
@needs("qa")
def check_input(chosen: InputOptions) -> int:
    """Start a game, play keyboard, mouse and gamepad for a while, and end the game.

    Prints which events the service's input module turned into bytes, and which parts of a browser
    it asked for that are missing here. What the bytes mean is not looked at.
    """
    import asyncio

    from rejoin.qa import input_check

    profile = usable_profile(chosen.backend, chosen.token, chosen)
    with Progress("input", _START_S + chosen.seconds, Pace.SECONDS) as progress:
        progress.note("starting a game")
        playing = input_check.check(
            profile, chosen.seconds, lambda: progress.leaves(chosen.seconds + _END_S, "playing")
        )
        report = asyncio.run(playing)
    for line in report.lines():
        say(line)
    return SUCCESS if report.plays else FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramOptions:
    """The arguments of `rejoin qa diagram`."""

    page: Path | None


@qa.command(short_help="Draw the engine's states and transitions.")
@click.option(
    "--write", "page", type=options.EXISTING_FILE, help="Replace the diagram in this file."
)
@options.as_values(DiagramOptions)
@needs("qa")
def diagram(chosen: DiagramOptions) -> int:
    """Draw every transition between the engine's states, read from the engine's code."""
    from rejoin.qa import diagram as drawing

    drawn = drawing.document(drawing.transitions())
    page = chosen.page
    if page is None:
        say_lines(drawn)
        return SUCCESS
    drawing.update(page, drawn)
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The arguments of `rejoin qa check`."""

    states: int


@qa.command(short_help="Try every order of events, state by state.")
@click.option(
    "--states",
    type=click.IntRange(1),
    default=15_000,
    show_default=True,
    help="The most states to explore for each kind of fault.",
)
@options.as_values(CheckOptions)
@needs("qa")
def check(chosen: CheckOptions) -> int:
    """Explore client, backend and service together, for each kind of fault.

    For each broken invariant, prints a shortest sequence of events that breaks it.
    """
    from rejoin.verify.explore import BUDGETS, explore

    broken = 0
    with Progress("states", len(BUDGETS)) as progress:
        for number, (name, budget) in enumerate(BUDGETS.items()):

            def seen(states: int, number: int = number, name: str = name) -> None:
                progress.to(number + min(1.0, states / chosen.states), name)

            report = explore(budget, chosen.states, on_states=seen)
            whole = ", all there are" if report.whole else ""
            progress.say(
                f"{name}: {report.states} states{whole}, {report.steps} steps, "
                f"{report.fair_runs} runs to the end, {len(report.violations)} violations"
            )
            for violation in report.violations:
                progress.say_lines(str(violation))
            broken += len(report.violations)
    return FAILURE if broken else SUCCESS


qa.add_command(run)
qa.add_command(learn)
qa.add_command(fleet)
qa.add_command(sweep)
qa.add_command(report)
qa.add_command(merge)
qa.add_command(compare)
qa.add_command(storm)
