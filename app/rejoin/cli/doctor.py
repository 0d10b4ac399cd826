"""`rejoin doctor`: what of this computer and of the way to a backend works, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

import click

from rejoin.cli import backend_profile
from rejoin.cli.exit_codes import FAILURE, SUCCESS
from rejoin.cli.messages import say, say_lines
from rejoin.cli.options import as_values
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.sign_in import token_file
from rejoin.parts import explanation, needs

if TYPE_CHECKING:
    from rejoin.runtime.doctor.connection import ConnectionChecks
    from rejoin.runtime.doctor.findings import OnUpdate, Report, Update
    from rejoin.runtime.doctor.run import Check
    from rejoin.runtime.studio_profile import StudioProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions(backend_profile.ProfileOptions):
    """The arguments of `rejoin doctor`."""

    backend_url: str | None
    play: bool
    selftest: bool
    as_json: bool
    token: str | None = field(repr=False)


@click.command(short_help="Check this computer and the way to a backend.")
@click.option(
    "--backend",
    "backend_url",
    metavar="URL",
    help="Check the way to this backend too; or that of a studio's link, which gets no token that "
    "is given here.",
)
@click.option(
    "--play",
    is_flag=True,
    help="Start a game at the backend, which costs the studio money, play it for ten seconds "
    "without a window, and end it.",
)
@click.option(
    "--selftest",
    is_flag=True,
    help="Only what an installation must prove by itself, without a network or a display.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@token_file("sign-in token; without one that of your saved sign-in is used")
@backend_profile.profile_options
@as_values(DoctorOptions)
@needs("player")
def doctor(chosen: DoctorOptions) -> int:
    """Check this computer, and with --backend the way to a studio's backend, and say what to do.

    Nobody is contacted but that backend and, where a saved sign-in has to be refreshed, its
    identity provider. The report has no secrets, no whole addresses and no user names. Exit code: 0
    nothing failed (warnings count as nothing), 1 something did.
    """
    from rejoin.runtime.doctor import texts
    from rejoin.runtime.doctor.findings import Began, Finding, Outcome

    if chosen.play and chosen.backend_url is None:
        raise click.UsageError("--play needs --backend URL.")
    if chosen.selftest and chosen.backend_url is not None:
        raise click.UsageError("--selftest uses no backend.")

    with Progress("doctor", None, Pace.SECONDS) as progress:

        def show(update: Update) -> None:
            match update:
                case Began(check, left_s):
                    progress.leaves(left_s, texts.NAMES[check])
                case Finding():
                    if not chosen.as_json:
                        progress.say_lines(texts.lines_of(update))
                case _:
                    assert_never(update)

        report = asyncio.run(_report(chosen, show))
    if chosen.as_json:
        say_lines(texts.json_of(report))
    else:
        say("")
        say(texts.summary_of(report))
    return FAILURE if report.outcome is Outcome.FAILED else SUCCESS


async def _report(chosen: DoctorOptions, show: OnUpdate) -> Report:
    from rejoin.gui.card_api import default_api
    from rejoin.runtime.doctor import machine
    from rejoin.runtime.doctor.findings import Report
    from rejoin.runtime.doctor.run import run_checks
    from rejoin.runtime.doctor.selftest import selftest_checks

    card_api = default_api().value
    if chosen.selftest:
        return Report(await run_checks(selftest_checks(card_api=card_api), show))
    of_machine = machine.machine_checks(machine.MachineOptions(card_api))
    if chosen.backend_url is None:
        return Report(await run_checks((*of_machine, machine.network_check()), show))
    try:
        from rejoin.runtime.doctor.connection import ConnectionChecks

        way = ConnectionChecks(_profile(chosen.backend_url, chosen))
    except ImportError as error:
        if explanation(error, ("player",)) is None:
            raise
        return Report(await run_checks(of_machine, show))  # the check of the parts says it
    return await _with_connection(chosen, of_machine, way, show)


async def _with_connection(
    chosen: DoctorOptions, of_machine: Sequence[Check], way: ConnectionChecks, show: OnUpdate
) -> Report:
    """The report with the way to the backend, and with a game where one is asked for."""
    from rejoin.cli.window import ending_sentence
    from rejoin.runtime.doctor.findings import Report
    from rejoin.runtime.doctor.play import PlayChecks
    from rejoin.runtime.doctor.run import run_checks

    game = PlayChecks(way.profile_to_play, ending_sentence)
    try:
        wanted = (*of_machine, *way.checks(), *(game.checks() if chosen.play else ()))
        found = await run_checks(wanted, show)
    finally:
        await way.aclose()
    return Report(found, game.numbers)


def _profile(backend_url: str, chosen: DoctorOptions) -> StudioProfile:
    """The profile that the options or a link describe. A link may come from anybody: its backend
    gets no token that was given, only that of a sign-in which is saved for it. Raises
    BadInputError."""
    from rejoin.runtime.deep_link import is_link, parse_link
    from rejoin.runtime.studio_profile import StudioProfile

    if is_link(backend_url):
        return StudioProfile.from_address(parse_link(backend_url), None)
    backend_profile.check_stream_group(chosen)
    return backend_profile.profile_of(backend_url, chosen.token, chosen)
