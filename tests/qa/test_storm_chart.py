"""The table, the chart and the lines of storms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from rejoin.qa import storm_chart
from rejoin.qa.storm import Lost, Storm

SVG = "{http://www.w3.org/2000/svg}"


def a_storm(per_s: float, windows_s: tuple[float, ...], saved: int, players: int = 1000) -> Lost:
    storm = Storm(players, 30.0, per_s, windows_s)
    return Lost(storm, {windows_s[0]: saved}, saved, 2 * saved, saved, 50.0)


FOUND = (
    a_storm(20.0, (30.0,), 0),
    a_storm(100.0, (30.0,), 100),
    a_storm(20.0, (120.0, 600.0), 999),
    a_storm(100.0, (120.0, 600.0), 1000),
)


def test_the_table_has_a_line_for_each_window_and_a_column_for_each_quota() -> None:
    head, first, second = storm_chart.table(FOUND)
    assert head.split("  ")[-1].strip() == "100 a second"
    assert first.split() == ["30", "s", "1,000", "(100", "%)", "900", "(90.0", "%)"]
    assert second.split() == ["120+600", "s", "1", "(0.1", "%)", "0", "(0", "%)"]


def test_storms_that_differ_by_their_seed_are_one_cell_and_one_mark() -> None:
    seeds = [a_storm(20.0, (30.0,), saved) for saved in (10, 40, 20)]
    _, line = storm_chart.table(seeds)
    assert line.split() == ["30", "s", "980", "(98.0", "%)", "960", "to", "990"]
    assert storm_chart.svg(seeds).count("<circle") == 1
    assert len(storm_chart.json_lines(seeds).splitlines()) == 3


def test_no_share_is_rounded_to_none_or_all() -> None:
    (_, line) = storm_chart.table((a_storm(20.0, (30.0,), 99_999, 100_000),))
    assert "1 (0.1 %)" in line
    (_, line) = storm_chart.table((a_storm(20.0, (30.0,), 1, 100_000),))
    assert "99,999 (99.9 %)" in line


def test_the_chart_is_one_picture_with_its_figures_and_asks_for_nothing() -> None:
    text = storm_chart.svg(FOUND)
    root = ET.fromstring(text)
    assert "1,000 games" in (root.findtext(f"{SVG}title") or "")
    assert len(root.findall(f"{SVG}polyline")) == 2
    marks = root.findall(f"{SVG}circle")
    assert [mark.findtext(f"{SVG}title") for mark in marks][1] == (
        "30 s, 100 a second: 900 of 1,000 lost; no order saves more than 100"
    )
    heights = [float(mark.get("cy", "0")) for mark in marks]
    assert heights[0] < heights[1] < heights[2] <= heights[3]
    assert text.count("http") == 1  # the name of the format
    names = [each.text for each in root.findall(f"{SVG}text")]
    assert {"30 s", "120+600 s", "100 %", "0 %"} <= set(names)


def test_one_quota_alone_has_a_chart_too() -> None:
    ET.fromstring(storm_chart.svg(FOUND[:1]))


def test_lines_of_json_have_all_there_is() -> None:
    first, *_ = map(json.loads, storm_chart.json_lines(FOUND).splitlines())
    assert first["lost"] == 1000
    assert first["storm"]["per_s"] == pytest.approx(20.0)
