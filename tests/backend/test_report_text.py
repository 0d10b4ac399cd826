"""The report for a terminal and as CSV."""

from __future__ import annotations

import csv
import io

from helpers.reports import stored_report
from rejoin.backend.report_summary import summary_of
from rejoin.backend.report_text import as_csv, lines
from rejoin.backend.store.reports import Games

DAY = 20_786
SUMMARY = summary_of(
    DAY - 1,
    DAY,
    [
        *(stored_report(DAY, lost_s=float(each)) for each in range(1, 4)),
        stored_report(DAY, outcome="ended", ending="unconfirmed", lost_s=120.0),
    ],
    [Games(DAY, "let_in", False, 2), Games(DAY, "quiet", False, 8)],
)


def test_the_first_lines_say_what_matters() -> None:
    found = list(lines(SUMMARY))
    assert found[:2] == [
        "Reconnects from 2026-11-28 to 2026-11-29: 4 drops, 3 saved (75.0 %), 1 lost, "
        "0 left by the player.",
        "Until the player was back: median 2.0 s, 95th percentile 3.0 s.",
    ]
    assert "2026-11-29      4      3     1     0  75.0 %   2.0 s  3.0 s" in found
    assert found[-1].split() == ["2026-11-29", "10", "2", "0", "2"]


def test_without_reports_there_are_games() -> None:
    found = list(lines(summary_of(DAY, DAY, [], [Games(DAY, "quiet", False, 1)])))
    assert found[0].startswith("Reconnects from 2026-11-29 to 2026-11-29: 0 drops, 0 saved (-)")
    assert len(found) == 4


def test_csv_has_one_form_for_all_tables() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(SUMMARY))))
    assert {row["table"] for row in rows} == {
        *("all", "day", "cause", "verdict", "ending", "client", "games")
    }
    assert all(None not in row and None not in row.values() for row in rows)
    [total] = [row for row in rows if row["table"] == "all"]
    assert (total["drops"], total["saved"], total["wait_p50_s"]) == ("4", "3", "2.000")
    games = [row for row in rows if row["table"] == "games"]
    assert [(row["name"], row["games"], row["unreported"]) for row in games] == [
        ("2026-11-28", "0", "0"),
        ("2026-11-29", "10", "2"),
    ]
