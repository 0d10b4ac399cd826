"""`rejoin backend check`: proves the contract of a deployed backend from outside."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import FAILURE, SUCCESS
from rejoin.cli.messages import is_terminal, say, say_lines, warn
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.sign_in import token_file, token_in_file
from rejoin.parts import needs


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The arguments of `rejoin backend check`."""

    url: str
    token: str | None = field(repr=False)
    second_token: str | None = field(repr=False)
    ca_file: Path | None
    application: str | None
    as_json: bool
    yes: bool


@click.command(short_help="Prove a deployed backend's contract from outside.")
@click.argument("url")
@token_file("token of a player; without one only what needs none is checked")
@click.option(
    "--second-token-file",
    "second_token",
    metavar="FILE",
    callback=lambda _context, _option, path: None if path is None else token_in_file(path),
    help="File with the token of another player, to see that sessions are private.",
)
@click.option(
    "--ca-file",
    metavar="FILE",
    type=options.EXISTING_FILE,
    help="PEM file of the CA that the backend's certificate comes from, instead of the system's.",
)
@click.option("--application", metavar="NAME", help="The application to start, by its name.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@options.agreement("Start stream sessions, which cost money, without asking; they are ended.")
@options.as_values(CheckOptions)
@needs("backend")
def check(chosen: CheckOptions) -> int:
    """Prove the contract (docs/backend.md) of the backend at URL, ours or your own, from outside.

    With a player's token and your consent it starts a stream session, which costs money, and ends
    it. No proxy of the environment is used. Exit code: 0 every point that was checked holds, 1 one
    is broken, 3 the backend cannot be reached.
    """
    from rejoin.backend.check import texts
    from rejoin.backend.check.calls import Calls
    from rejoin.backend.check.findings import Finding
    from rejoin.backend.check.probe import Probe
    from rejoin.backend.check.run import POINTS, Point, run

    calls = Calls(chosen.url, chosen.ca_file)

    probe = Probe(
        calls,
        token=chosen.token,
        second_token=chosen.second_token,
        application=chosen.application,
    )

    may_start = chosen.token is not None and _may_start(chosen)
    with Progress("point", len(POINTS), Pace.STEPS) as progress:

        def began(number: int, point: Point | None) -> None:
            progress.to(number, "ending what was started" if point is None else point.name)

        def show(finding: Finding) -> None:
            if not chosen.as_json:
                progress.say_lines(texts.line_of(finding))

        checking = run(probe, may_start=may_start, on_point=began, on_finding=show)
        report = asyncio.run(checking)
    if chosen.as_json:
        say_lines(texts.json_of(report))
    else:
        say(texts.summary_of(report))
    return SUCCESS if report.good else FAILURE


def _may_start(chosen: CheckOptions) -> bool:
    if chosen.yes:
        return True
    if not is_terminal(sys.stdin):
        warn("Nobody can be asked, so no stream session is started; --yes allows it.")
        return False
    return click.confirm(
        "Start a stream session, which costs money, and end it afterwards?", err=True
    )
