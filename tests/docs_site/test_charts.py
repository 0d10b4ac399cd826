"""Charts show the figures of docs/performance.json, to scale, and none that is gone."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from docs_site import bars, performance_page
from docs_site.bars import Bars, Group
from docs_site.performance_page import SECTIONS, MissingFigureError
from docs_site.sources import ROOT

REPORT = {
    "drop": {
        "measured_on": "2026-11-30",
        "machine": "a machine",
        "rows": [{"name": "a", "value": 1000.0}, {"name": "b", "value": 4000.0}],
    }
}


def svg_of(chart: Bars) -> ElementTree.Element:
    """The SVG of the chart; raises what the parser raises."""
    [found] = re.findall(r"<svg.*?</svg>", bars.figure(chart, "name"), re.DOTALL)
    return ElementTree.fromstring(found)


def widths(chart: Bars) -> list[float]:
    return [float(str(bar.get("width")).rstrip("%")) for bar in svg_of(chart).iter("rect")]


def test_bars_are_to_scale() -> None:
    chart = Bars("A < B", "s", ("x", "y"), (Group("one & two", (1.0, 4.0)),), "Then.")
    first, second = widths(chart)
    assert second == pytest.approx(4 * first, rel=1e-3)
    assert max(widths(chart)) <= 78


def test_parts_of_one_bar_follow_each_other() -> None:
    chart = Bars("Steps", "ms", ("x", "y"), (Group("all", (10.0, 30.0)),), "Then.", stacked=True)
    first, second = svg_of(chart).iter("rect")
    assert first.get("x") == "0.000%"
    assert second.get("x") == first.get("width")
    assert [each.text for each in svg_of(chart).iter("text") if each.get("class") == "value"] == [
        "40"
    ]


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (0.0, [0.0, 1.0]),
        (13.28, [0.0, 5.0, 10.0, 15.0]),
        (100.0, [0.0, 25.0, 50.0, 75.0, 100.0]),
        (0.9, [0.0, 0.25, 0.5, 0.75, 1.0]),
    ],
)
def test_an_axis_has_round_numbers(largest: float, expected: list[float]) -> None:
    assert bars.ticks(largest) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.70676, "0.707"),
        (13.2768, "13.3"),
        (684.5, "684"),
        (4901.0, "4,901"),
        (2.0, "2"),
    ],
)
def test_a_number_has_three_digits(value: float, shown: str) -> None:
    assert bars.number(value) == shown


def test_a_figure_that_is_gone_is_an_error() -> None:
    chart = performance_page.Chart(
        "drop", "T", "s", (("one", ("a",)), ("two", ("b",))), factor=0.001
    )
    made = performance_page.bars(chart, REPORT)
    assert [group.values for group in made.groups] == [(1.0,), (4.0,)]
    assert made.measured == "Bench drop, 2026-11-30, on a machine."
    gone = performance_page.Chart("drop", "T", "s", (("one", ("c",)),))
    with pytest.raises(MissingFigureError, match="The bench drop has no figure 'c'"):
        performance_page.bars(gone, REPORT)
    with pytest.raises(MissingFigureError, match="no bench other"):
        performance_page.bars(performance_page.Chart("other", "T", "s", ()), REPORT)


def test_every_chart_has_its_figures_in_their_unit() -> None:
    reports = json.loads((ROOT / "docs" / "performance.json").read_text(encoding="utf-8"))
    page = performance_page.page(reports)
    for section in SECTIONS:
        for chart in section.charts:
            assert performance_page.bars(chart, reports).title in page
            names = {name for _, group in chart.rows for name in group}
            rows = reports[chart.bench]["rows"]
            units = {row["unit"].partition(" ")[0] for row in rows if row["name"] in names}
            assert len(units) == 1
            factor = {("ms", "s"): 0.001}.get((units.pop(), chart.unit), 1.0)
            assert chart.factor == factor
