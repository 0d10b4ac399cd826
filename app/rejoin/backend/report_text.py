"""The summary of reports for a terminal, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from rejoin.backend.report_summary import Named, Summary, Tally, day_name


def seconds(value: float | None) -> str:
    """ "1.2 s"; "-" for none."""
    return "-" if value is None else f"{value:.1f} s"


def share(tally: Tally) -> str:
    """ "97.3 %"; "-" without drops."""
    found = tally.saved_share
    return "-" if found is None else f"{found * 100:.1f} %"


def tables(summary: Summary) -> tuple[tuple[str, str, list[Named]], ...]:
    """Name in CSV, title and rows of each table."""
    return (
        ("day", "Day", summary.days),
        ("cause", "Cause", summary.causes),
        ("verdict", "Where the fault was", summary.verdicts),
        ("ending", "How lost games ended", summary.endings),
        ("client", "Client", summary.versions),
    )


def lines(summary: Summary) -> Iterator[str]:
    """The report, line by line."""
    total = summary.all
    yield (
        f"Reconnects from {day_name(summary.first_day)} to {day_name(summary.last_day)}: "
        f"{total.drops} drops, {total.saved} saved ({share(total)}), {total.lost} lost, "
        f"{total.left} left by the player."
    )
    if total.drops:
        yield (
            f"Until the player was back: median {seconds(total.wait_p50_s)}, "
            f"95th percentile {seconds(total.wait_p95_s)}."
        )
    for _, title, rows in tables(summary):
        if rows and total.drops:
            yield ""
            yield from _aligned(
                [title, "drops", "saved", "lost", "left", "share", "median", "p95"],
                [
                    [
                        row.name,
                        *map(str, (row.tally.drops, row.tally.saved)),
                        *map(str, (row.tally.lost, row.tally.left)),
                        share(row.tally),
                        seconds(row.tally.wait_p50_s),
                        seconds(row.tally.wait_p95_s),
                    ]
                    for row in rows
                ],
            )
    yield ""
    yield from _aligned(
        ["Games by the backend's rows", "games", "let in again", "unanswered", "not reported"],
        [
            [
                day_name(each.day),
                *map(str, (each.games, each.let_in, each.unanswered, each.unreported)),
            ]
            for each in summary.games
        ],
    )


def _aligned(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in [head, *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        yield "  ".join(cells).rstrip()


def as_csv(summary: Summary) -> str:
    """One row for each row of each table; what a table does not have is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    of_drops = ("drops", "saved", "lost", "left", "wait_p50_s", "wait_p95_s")
    of_games = ("games", "let_in", "unanswered", "unreported")
    writer.writerow(["table", "name", *of_drops, *of_games])
    named = [("all", "", [Named("all", summary.all)]), *tables(summary)]
    for table, _, rows in named:
        for row in rows:
            tally = row.tally
            waits = (tally.wait_p50_s, tally.wait_p95_s)
            counts = (tally.drops, tally.saved, tally.lost, tally.left)
            shown = ("" if wait is None else f"{wait:.3f}" for wait in waits)
            writer.writerow([table, row.name, *counts, *shown, *("" for _ in of_games)])
    for each in summary.games:
        counts = (each.games, each.let_in, each.unanswered, each.unreported)
        writer.writerow(["games", day_name(each.day), *("" for _ in of_drops), *counts])
    return out.getvalue()
