"""`rejoin demo`: play on this machine, drop the connection, get back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from rejoin.cli import options
from rejoin.cli.messages import say
from rejoin.cli.progress import Pace, Progress
from rejoin.parts import needs

_OVERHEAD_S: Final = 6.0
_BACK_S: Final = 2.0
"""Estimates from experience: the start and end of a demo; and the time of one drop that the service
noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoArguments:
    """The arguments of `rejoin demo`."""

    headless: bool
    out: Path | None
    fault: str
    notice_silent_client_s: float
    connection_timeout_s: int
    drop_after_s: float
    drops: int
    decoder: str
    renderer: str
    frame_pacing: bool
    stats: Path | None


@click.command(short_help="Play on this machine, drop the connection, get back.")
@click.option("--headless", is_flag=True, help="Without a display: save screenshots and a report.")
@click.option(
    "--out",
    type=options.FOLDER,
    help="Folder for screenshots and report. Default with --headless: ./demo-out.",
)
@click.option(
    "--fault",
    type=click.Choice(["silence", "freeze", "graceful_close", "kill"]),
    default="silence",
    show_default=True,
    help="How the connection is dropped; kill ends the game for good.",
)
@options.notice_silent_client
@options.emulated_connection_timeout
@click.option(
    "--drop-after",
    "drop_after_s",
    type=options.NumberRange(0.5, 3600),
    default=4.0,
    show_default=True,
    help="Seconds of play before each drop.",
)
@click.option(
    "--drops",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="Number of drops; 0 plays without one.",
)
@options.decoder("software")
@options.renderer("software")
@options.frame_pacing(False)
@options.stats
@options.as_values(DemoArguments)
@needs("player", "studio")
def demo(chosen: DemoArguments) -> int:
    """Play against an emulated service on this machine, drop the connection, and get back.

    The demo succeeds when the same game is live again after every drop; with --fault kill, when the
    game ended and the service's reason was shown.
    """
    from rejoin.demo import run as demonstration
    from rejoin.demo.options import DemoOptions
    from rejoin.emulator.service.faults import FaultKind

    out = chosen.out
    if chosen.headless and out is None:
        out = Path("demo-out")
    demo_options = DemoOptions(
        headless=chosen.headless,
        out=out,
        fault=FaultKind(chosen.fault),
        notice_silent_client_s=chosen.notice_silent_client_s,
        connection_timeout_s=chosen.connection_timeout_s,
        drop_after_s=chosen.drop_after_s,
        drops=chosen.drops,
        decoder=chosen.decoder,
        renderer=chosen.renderer,
        frame_pacing=chosen.frame_pacing,
        stats=chosen.stats,
    )
    if not chosen.headless:
        return demonstration.run(demo_options, print_line=say)
    each_s = chosen.drop_after_s + chosen.notice_silent_client_s + _BACK_S
    takes_s = _OVERHEAD_S + chosen.drops * each_s
    with Progress("demo", takes_s, Pace.SECONDS) as progress:
        return demonstration.run(demo_options, print_line=progress.say)
