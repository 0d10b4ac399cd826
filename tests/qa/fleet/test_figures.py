"""Percentiles and plots of a fleet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.qa_results import PLAYED, RECORD
from rejoin.qa.fleet.figures import COLUMNS, Figure, figures, lines, plot
from rejoin.qa.results import EpisodeResult, StepResult
from rejoin.qa.verdicts import Verdict, Why


def of_player(number: int) -> EpisodeResult:
    steps = (StepResult("lost", 1.0 + number / 100), StepResult("live again", 2.0 + number / 10))
    return EpisodeResult(1, "live", 3.0, steps)


RECORDS = [
    replace(
        RECORD,
        index=number,
        played=replace(PLAYED, episodes=(of_player(number),), live_after_s=float(number)),
    )
    for number in range(100)
]


def test_percentiles_are_those_of_all_players() -> None:
    found = {figure.name: figure for figure in figures(RECORDS)}
    assert "drop to answer" not in found
    assert found["start to live"].percentile(50) == 49.5
    assert found["start to live"].percentile(99) == pytest.approx(98.01)
    assert found["drop to lost"].percentile(0) == 1.0
    assert found["drop to live again"].values[-1] == 11.9


def test_the_lines_have_verdicts_reasons_and_plots() -> None:
    failed = replace(
        RECORD, verdict=Verdict.FAILED, why=Why.TIMEOUT, sentences=("too late",), played=None
    )
    first, why, heading, *rows = lines([*RECORDS, failed, failed])
    assert first == "102 players: 100 passed, 2 failed"
    assert why == "  2 x failed (timeout): too late"
    assert heading.split() == ["seconds", "n", "p50", "p90", "p99", "most"]
    live = next(row for row in rows if row.startswith("start to live"))
    assert live.split()[3:8] == ["100", "49.50", "89.10", "98.01", "99.00"]
    assert live.endswith("| 0.00 to 99.00")


def test_drops_before_the_faults_are_counted_apart() -> None:
    early = EpisodeResult(1, "healed", -2.0, (StepResult("lost", 9.0),))
    record = replace(RECORD, played=replace(PLAYED, episodes=(early, of_player(0))))
    found = {figure.name: figure for figure in figures([record])}
    assert found["drop to lost"].values == (1.0,)
    assert any(line.startswith("  1 drops before the faults began") for line in lines([record]))


def test_a_drop_that_healed_is_no_rejoin() -> None:
    healed = EpisodeResult(1, "healed", 3.0, (StepResult("lost", 0.9), StepResult("live again", 1)))
    record = replace(RECORD, played=replace(PLAYED, episodes=(healed, of_player(0))))
    found = {figure.name: figure for figure in figures([record])}
    assert found["drop to lost"].values == (0.9, 1.0)
    assert found["drop to live again"].values == (2.0,)


def test_a_plot_is_as_high_as_there_are_values() -> None:
    drawn = plot(Figure("x", (0.0, 0.0, 0.0, 0.0, 1.0)))
    assert drawn == f"|█{' ' * (COLUMNS - 2)}▂| 0.00 to 1.00"
    assert plot(Figure("x", (2.0, 2.0))) == "|█| 2.00"
    assert list(lines([replace(RECORD, played=None)])) == ["1 players: 1 passed"]
