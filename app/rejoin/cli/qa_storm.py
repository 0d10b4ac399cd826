"""`rejoin qa storm`: how many games are lost when a Region drops, by quota and window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import say, warned_if_interrupted
from rejoin.cli.progress import Progress
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.storm import Lost, Storm

_MOST_WINDOWS: Final = 8
_SHORTEST_OUTAGE_S: Final = 5.0
"""`qa.storm.SHORTEST_OUTAGE_S`, repeated so that `--help` imports nothing else."""


class WindowType(click.ParamType[tuple[float, ...]]):
    """Such as 30, or 30+120: in equal parts."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("+")
        try:
            found = tuple(float(part) for part in parts)
        except ValueError:
            found = ()
        if not 0 < len(found) <= _MOST_WINDOWS or not all(1 <= each <= 3600 for each in found):
            self.fail(
                "It has to look like 120, or like 30+120 for both in equal parts; from 1 s to "
                "3600 s.",
                param,
                ctx,
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StormOptions:
    """The arguments of `rejoin qa storm`."""

    players: int
    outage_s: float
    quotas: tuple[float, ...]
    windows: tuple[tuple[float, ...], ...]
    notice_s: float
    create_s: float
    failing: float
    seed: int
    seeds: int
    jobs: int | None
    scheduler: str | None
    chart: Path | None
    json: Path | None


@needs("qa", "fleet")
def _on_dask(
    scheduler: str, storms: Sequence[Storm], progress: Callable[[int], None]
) -> tuple[Lost, ...]:
    from rejoin.qa.fleet import cluster
    from rejoin.qa.storm import play

    with cluster.opened(scheduler, 1) as there:
        return there.each(play, storms, progress)


@click.command(short_help="How many games are lost when a Region drops?")
@click.option(
    "--players",
    type=click.IntRange(1, 1_000_000),
    default=100_000,
    show_default=True,
    help="Games that are dropped at once.",
)
@click.option(
    "--outage",
    "outage_s",
    type=options.NumberRange(_SHORTEST_OUTAGE_S, 3600),
    default=30.0,
    show_default=True,
    help="Seconds in which nothing of the Region is reached.",
)
@click.option(
    "--quota",
    "quotas",
    type=options.NumberRange(0.1, 10_000),
    multiple=True,
    default=(20.0, 100.0, 500.0, 2000.0),
    show_default=True,
    help="Create calls a second that the service allows; may be repeated.",
)
@click.option(
    "--window",
    "windows",
    type=WindowType(),
    multiple=True,
    default=("30", "120", "600", "30+120+600"),
    show_default=True,
    help="Connection timeout of the games, in seconds; may be repeated.",
)
@click.option(
    "--notice-silent-client",
    "notice_s",
    type=options.NumberRange(0, 600),
    default=5.0,
    show_default=True,
    help="Seconds until the service notices a silent client. Unknown for AWS.",
)
@click.option(
    "--create-latency",
    "create_s",
    type=options.NumberRange(0, 60),
    default=0.5,
    show_default=True,
    help="Seconds until a create call takes effect.",
)
@click.option(
    "--failing",
    type=options.NumberRange(0, 0.9),
    default=0.0,
    show_default=True,
    help="Share of create calls that fail and are made again.",
)
@options.seed
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Storms for each quota and window, with one seed after another.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Processes. Default: one for each processor."
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Spread the storms over the workers of this scheduler of Dask, such as tls://host:8786; "
    "they need Rejoin with the parts qa and fleet.",
)
@click.option("--chart", type=options.FILE, help="Write a chart to this file, as SVG.")
@click.option("--json", type=options.FILE, help="Write a line of JSON for each storm to this file.")
@options.as_values(StormOptions)
@needs("qa")
def storm(chosen: StormOptions) -> int:
    """Let a Region drop all its games at once, on a virtual clock, with the backend's own order of
    create calls. Prints how many games are lost, by quota and window.

    Each storm is one world: all players ask one backend in front of one quota.
    """
    from rejoin.qa import storm as world
    from rejoin.qa import storm_chart
    from rejoin.qa.files import prepare_file, write_file

    for file in filter(None, (chosen.chart, chosen.json)):
        prepare_file(file)
    base = world.Storm(
        players=chosen.players,
        outage_s=chosen.outage_s,
        per_s=chosen.quotas[0],
        windows_s=chosen.windows[0],
        notice_s=chosen.notice_s,
        create_s=chosen.create_s,
        failing=chosen.failing,
        seed=chosen.seed,
    )
    storms = world.grid(base, chosen.quotas, chosen.windows, chosen.seeds)
    with (
        warned_if_interrupted(lambda: "Interrupted: nothing is written."),
        Progress("storms", len(storms) if len(storms) > 1 else None) as progress,
    ):

        def show(over: int) -> None:
            progress.to(over, f"{over} of {len(storms)}")

        if chosen.scheduler is None:
            found = world.play_all(storms, chosen.jobs, show)
        else:
            found = _on_dask(chosen.scheduler, storms, show)
    say(
        f"{chosen.players:,} games dropped at once, nothing reached for {chosen.outage_s:g} s. "
        "Games lost, by connection timeout and create calls a second:"
    )
    for line in storm_chart.table(found):
        say(line)
    if chosen.chart is not None:
        write_file(chosen.chart, storm_chart.svg(found))
    if chosen.json is not None:
        write_file(chosen.json, storm_chart.json_lines(found))
    return SUCCESS
