"""`rejoin licences`: lists the components of this Rejoin with their licences and the texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import say, say_lines
from rejoin.cli.options import as_values
from rejoin.errors import BadInputError

INDEX_WHEEL: Final = (
    "PyAV's wheel from the package index brings {libraries} under GPL-2.0-or-later. The player "
    "only decodes and does not call them; whoever passes this installation on passes them on too."
)
UNAFFILIATED: Final = (
    "Rejoin is under the Apache License 2.0 and has nothing to do with Amazon. Amazon GameLift "
    "Streams is a trademark of Amazon.com, Inc. or its affiliates."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LicencesOptions:
    """The arguments of `rejoin licences`."""

    full: bool
    sbom: bool


@click.command(short_help="Show the licences of everything Rejoin is made of.")
@click.option("--full", is_flag=True, help="Print every licence's text.")
@click.option(
    "--sbom",
    is_flag=True,
    help="Print the bill of materials (CycloneDX, JSON). Only packaged programs have one.",
)
@as_values(LicencesOptions)
def licences(chosen: LicencesOptions) -> int:
    """Print what Rejoin brings or has installed, with versions and licences.

    A packaged Rejoin prints the list that was made when it was packaged. An installation by pip
    reads the installed packages, which have no texts for the C libraries inside wheels.
    """
    from rejoin.runtime import licences as here

    if chosen.sbom:
        bill = here.bill_of_materials()
        if bill is None:
            raise BadInputError(
                "This Rejoin was installed by pip and has no bill of materials; the packages that "
                "are released have one."
            )
        say_lines(bill)
        return SUCCESS
    notice = here.notice()
    if notice is None:
        _of_installation(full=chosen.full)
    else:
        say_lines(notice if chosen.full else notice.partition(here.TEXTS_FOLLOW)[0].rstrip())
    _say_ffmpeg()
    return SUCCESS


def _of_installation(*, full: bool) -> None:
    from rejoin.runtime import licences as here

    found = here.components()
    say(UNAFFILIATED)
    say("")
    say_lines(here.table([(each.name, each.version, each.licence) for each in found]))
    brought = [name for each in found for name in each.copyleft]
    if brought:
        say("")
        say(INDEX_WHEEL.format(libraries=" and ".join(f"lib{name}" for name in brought)))
    if full:
        say("")
        say_lines(here.texts({each.name: each.texts for each in found}))


def _say_ffmpeg() -> None:
    """Which FFmpeg is loaded: a player may have put another in its place."""
    from rejoin.media.ffmpeg_facts import facts

    try:
        loaded = facts()
    except ImportError:
        return  # the part `player` is not installed
    say("")
    say(f"FFmpeg {loaded.version} is loaded; it calls its licence: {loaded.licence}.")
