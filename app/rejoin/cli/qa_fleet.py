"""`rejoin qa fleet`: many players at the same time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import click

from rejoin.cli import options
from rejoin.cli.backend_profile import ProfileOptions, profile_of, profile_options, usable_profile
from rejoin.cli.exit_codes import FAILURE, INCONCLUSIVE, SUCCESS
from rejoin.cli.messages import say, warn, warned_if_interrupted
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.qa_run import selected, sweep_left_over
from rejoin.cli.sign_in import token_file
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.fleet.cluster import Cluster
    from rejoin.qa.fleet.messages import Media
    from rejoin.qa.results import CaseRecord, Surroundings
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.verify.scenario import ScenarioCase

_MODELLED_FPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions(ProfileOptions):
    """The arguments of `rejoin qa fleet`."""

    scenario: str
    players: int
    cases: tuple[str, ...]
    media: str
    starts_per_s: float
    scheduler: str | None
    workers: int | None
    backend: str | None
    results_folder: Path | None
    start_within_s: float
    max_sessions: int
    seed: int
    token: str | None = field(repr=False)


@click.command(short_help="Play a scenario with many players at the same time.")
@click.argument("scenario")
@click.option(
    "--players", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many."
)
@click.option("--case", "cases", multiple=True, help="Play only this case; may be repeated.")
@click.option(
    "--media",
    type=click.Choice(["modelled", "real"]),
    default="modelled",
    show_default=True,
    help="modelled: no pictures; HTTP, ICE, DTLS and RTP are real. real: encoded here by the "
    "emulator, decoded by each player.",
)
@click.option(
    "--starts-per-second",
    "starts_per_s",
    type=options.NumberRange(0.1, 1000),
    default=5.0,
    show_default=True,
    help="How many games are started in a second. The faults begin once all are live.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask's scheduler, such as tls://host:8786; its workers need Rejoin with the parts qa and "
    "fleet. Without it: processes on this machine.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes on this machine. Default: one for each processor.",
)
@click.option(
    "--backend",
    metavar="URL",
    help="Play at this backend, one session for each player and case, which costs its studio "
    "money. Without it: the built-in emulator.",
)
@click.option("--results", "results_folder", type=options.FOLDER, help="Folder for fleet.jsonl.")
@options.start_timeout("become live")
@options.max_sessions(100, "With --backend: more sessions than this are not started.")
@options.seed
@token_file("sign-in token for the studio's backend")
@profile_options
@options.as_values(FleetOptions)
@needs("qa", "fleet")
def fleet(chosen: FleetOptions) -> int:
    """Play the cases of SCENARIO one after another, each with many players at the same time.

    Each player is a complete client without window and sound. Dask spreads the players over
    processes. The faults of a case begin at the same time for all players, once all are live.

    Exit code: 0 all players passed, 1 one failed, 13 none failed and one is inconclusive.
    """
    from rejoin.qa import runner
    from rejoin.qa.files import begin_lines
    from rejoin.qa.fleet import cluster
    from rejoin.qa.fleet.messages import FILE
    from rejoin.qa.ledger import Ledger, default_folder

    if chosen.scheduler is not None:
        if chosen.backend is None:
            raise click.UsageError("--scheduler needs --backend: the emulator serves this machine.")
        if chosen.workers is not None:
            raise click.UsageError("--workers is for this machine: not with --scheduler.")
        _warn_of_plain_text(chosen.scheduler)
    profile = None
    if chosen.backend is not None:
        profile = usable_profile(chosen.backend, chosen.token, chosen)
    scenario = runner.load(chosen.scenario)
    cases = tuple(_for_many(selected(scenario, chosen.cases, chosen.scenario).cases))
    if not cases:
        raise click.UsageError("No case is left that many players of one process can play.")
    if chosen.backend is not None:
        _announce(chosen, chosen.players * len(cases))
    _prepare(chosen.results_folder)
    if profile is not None:
        Ledger(default_folder()).prepare()
        sweep_left_over(profile)
    say(f"Media: {chosen.media}. {_MEDIA[chosen.media]}")
    found: list[CaseRecord] = []
    workers = min(chosen.workers or os.cpu_count() or 1, chosen.players)
    with contextlib.ExitStack() as stack:
        if chosen.results_folder is not None:
            stack.enter_context(Ledger(default_folder()).results(chosen.results_folder))
            begin_lines(chosen.results_folder / FILE)
        with Progress("starting Dask", None):
            there = stack.enter_context(cluster.opened(chosen.scheduler, workers))
        for case in cases:
            with warned_if_interrupted(partial(_interrupted, case.name, chosen.results_folder)):
                found += _play(chosen, scenario.name, case, there)
    return _exit_code(found)


def _interrupted(case: str, folder: Path | None) -> str:
    kept = "" if folder is None else f" The results so far are in {folder}."
    return f"Interrupted: {case} was not played to its end.{kept}"


def _announce(chosen: FleetOptions, sessions: int) -> None:
    """Raises UsageError where that is more than may be started."""
    if sessions > chosen.max_sessions:
        raise click.UsageError(
            f"This would start {sessions} stream sessions, which the studio pays for, and "
            f"--max-sessions is {chosen.max_sessions}."
        )
    say(
        f"{sessions} stream sessions at {urlsplit(chosen.backend or '').netloc.rpartition('@')[2]}."
    )


def _for_many(cases: tuple[ScenarioCase, ...]) -> Iterator[ScenarioCase]:
    """Without those whose fault one player would cause for all of its process."""
    from rejoin.injector.plans import OF_PROCESS

    for case in cases:
        found = sorted({drop.profile for drop in case.drops} & OF_PROCESS)
        if found:
            warn(f"{case.name} is left out: {found[0]} is a fault of a whole process of players.")
        else:
            yield case


_MEDIA: Final = {
    "modelled": "No picture was encoded or decoded and no input sent; all else is real.",
    "real": "Pictures are encoded and decoded.",
}


def _play(
    chosen: FleetOptions, scenario: str, case: ScenarioCase, cluster: Cluster
) -> list[CaseRecord]:
    """One case with all players."""
    import secrets

    from rejoin.qa.client_case import Job, surroundings_of, utc_now
    from rejoin.qa.files import add_line
    from rejoin.qa.fleet import figures
    from rejoin.qa.fleet.messages import FILE, Result, to_line
    from rejoin.qa.fleet.run import Fleet, Plan, cost_lines

    run = f"{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    modelled = chosen.media == "modelled"
    with _profile(chosen, case) as profile:
        where: Surroundings = surroundings_of(profile, application=chosen.application or "")
        jobs = tuple(
            Job(
                run=run,
                scenario=scenario,
                case=case,
                repetition=number + 1,
                index=number,
                seed=chosen.seed + number,
                profile=profile,
                surroundings=where,
                start_within_s=chosen.start_within_s,
                modelled=modelled,
                alone=False,
            )
            for number in range(chosen.players)
        )
        plan = Plan(run, jobs, chosen.starts_per_s, guarded=chosen.backend is not None)
        file = None if chosen.results_folder is None else chosen.results_folder / FILE
        done = 0
        with Progress(case.name, plan.takes_s, Pace.SECONDS) as progress:

            def keep(result: Result) -> None:
                nonlocal done
                done += 1
                progress.note(f"{done} of {chosen.players} players done")
                if file is not None:
                    add_line(file, to_line(result, cast("Media", chosen.media)))

            outcome = Fleet(plan, cluster, keep).play()
    records = [each.record for each in outcome.in_order()]
    say(f"{case.name} ({chosen.media} media)")
    for line in (*figures.lines(records), *cost_lines(outcome.costs)):
        say(f"  {line}")
    return records


@contextlib.contextmanager
def _profile(chosen: FleetOptions, case: ScenarioCase) -> Iterator[StudioProfile]:
    """The backend that is named, or an emulator with the settings of this case."""
    if chosen.backend is not None:
        yield profile_of(chosen.backend, chosen.token, chosen)
        return
    from rejoin.emulator.service.control import BlockingEmulatorControl
    from rejoin.rtc.candidates import NetworkRules
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.studio.process import studio_process

    service = case.service
    with contextlib.ExitStack() as stack:
        with Progress("starting the emulator", None):
            there = stack.enter_context(
                studio_process(
                    notice_silent_client_s=service.notice_silent_client_s,
                    connection_timeout_s=service.connection_timeout_s,
                )
            )
        changes: dict[str, object] = {
            "notice_graceful_close_s": service.notice_graceful_close_s,
            "create_latency_s": service.create_latency_s,
            "relay_ports": (0, 0),  # the documented range has 31
        }
        if chosen.media == "modelled":
            changes |= {"modelled_media": True, "fps": _MODELLED_FPS}
        BlockingEmulatorControl(there.control_url, there.control_token).change_settings(**changes)
        yield StudioProfile(there.backend_url, there.player_token, NetworkRules(loopback_only=True))


def _warn_of_plain_text(scheduler: str) -> None:
    parts = urlsplit(scheduler)
    if parts.scheme != "tls" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        warn("The sign-in token travels to Dask's workers in plain text: use tls://.")


def _prepare(folder: Path | None) -> None:
    """Raises BadInputError for a folder that cannot be written to."""
    if folder is not None:
        from rejoin.qa.files import prepare_folder

        prepare_folder(folder)


def _exit_code(records: list[CaseRecord]) -> int:
    """A flaky case counts as failed here, because each play is another player."""
    from rejoin.qa.verdicts import Verdict

    verdicts = {record.verdict for record in records}
    if Verdict.FAILED in verdicts:
        return FAILURE
    if Verdict.INCONCLUSIVE in verdicts or Verdict.PASSED not in verdicts:
        return INCONCLUSIVE
    return SUCCESS
