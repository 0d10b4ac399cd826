"""`rejoin backend report`: what clients reported of their reconnects."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import options
from rejoin.cli.backend_settings import settings_file, settings_of
from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import say, say_lines
from rejoin.cli.progress import Progress
from rejoin.errors import BadInputError, ServiceError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.backend.configuration import BackendSettings
    from rejoin.backend.report_summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The arguments of `rejoin backend report`."""

    settings_file: Path | None
    days: int
    csv: bool
    html: Path | None


@click.command(short_help="Show how reconnects went: saved, lost, how long, and why.")
@settings_file
@click.option(
    "--days",
    type=click.IntRange(1, 30),
    default=7,
    show_default=True,
    help="How many days, today included; days begin at midnight UTC.",
)
@click.option("--csv", is_flag=True, help="Write CSV to standard output.")
@click.option("--html", type=options.FILE, help="Write a page with charts to this file.")
@options.as_values(ReportOptions)
@needs("backend")
def report(chosen: ReportOptions) -> int:
    """Show what clients reported of their reconnects, and how many games had some.

    Reads the backend's database. An SQLite file is used by one process alone: while a backend runs
    on it, the report comes from that backend, which needs metrics_port in its settings.
    """
    from rejoin.backend import report_page, report_text

    settings = settings_of(chosen.settings_file)
    with Progress("reading", None):
        summary = _summary(settings, chosen.days)
    if chosen.html is not None:
        try:
            chosen.html.write_text(report_page.page(summary), encoding="utf-8")
        except OSError:
            raise BadInputError(f"{chosen.html.name} cannot be written.") from None
    if chosen.csv:
        say_lines(report_text.as_csv(summary).rstrip("\n"))
    elif chosen.html is None:
        for line in report_text.lines(summary):
            say(line)
    return SUCCESS


def _summary(settings: BackendSettings, days: int) -> Summary:
    from rejoin.backend.report_reading import ask_running_backend, read_summary
    from rejoin.backend.store.database import Database
    from rejoin.backend.store.database_url import MEMORY
    from rejoin.backend.store.reports import ReportStore

    database = Database(settings.database)
    if not database.is_shared:
        if settings.metrics_port:
            summary = ask_running_backend(settings.metrics_port, days)
            if summary is not None:
                return summary
        if settings.database == MEMORY:
            raise ServiceError(
                "A database in memory is read through the running backend: set metrics_port."
            )
        if not Path(settings.database).exists():
            raise BadInputError("The backend's database file does not exist.")

    async def read() -> Summary:
        await database.open(migrate=False)
        try:
            return await read_summary(ReportStore(database), days, unix_s=time.time())
        finally:
            await database.close()

    return asyncio.run(read())
