"""Draws bar charts as SVG: bars grow with the page, text keeps its size, colours are the page's.

Each group has a line with its label, and below it a bar for each series. Values stand at the end of
the bars, and once more in a table below the chart, for who does not see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from docs_site.markdown import raw

_LABEL_PX: Final = 21
_BAR_PX: Final = 20
_GAP_PX: Final = 5
_GROUP_GAP_PX: Final = 10
_AXIS_PX: Final = 24
_WIDEST: Final = 78
"""Per cent of the width that the axis takes; the rest is for the value beside the longest bar."""
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Group:
    """`values`: one for each series of the chart."""

    label: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """`measured`: when and on what machine, in a sentence. `stacked`: the values of a group are
    parts of one bar."""

    title: str
    unit: str
    series: tuple[str, ...]
    groups: tuple[Group, ...]
    measured: str
    stacked: bool = False

    def __post_init__(self) -> None:
        assert all(len(group.values) == len(self.series) for group in self.groups)


def figure(chart: Bars, name: str) -> str:
    """The chart with its legend, and its figures in a table. `name`: unlike any other's."""
    legend = "".join(
        f'<li><span class="swatch s{number}"></span>{escape(label)}</li>'
        for number, label in enumerate(chart.series)
    )
    shown = f'<ul class="legend">{legend}</ul>' if len(chart.series) > 1 else ""
    return raw(
        f'<figure class="chart"><figcaption id="{name}">{escape(chart.title)}'
        f" <span>({escape(chart.unit)})</span></figcaption>{shown}{_svg(chart, name)}"
        f"<details><summary>Figures</summary>{_table(chart)}"
        f"<p>{escape(chart.measured)}</p></details></figure>"
    )


def ticks(largest: float) -> list[float]:
    """From 0 to at least the largest value, four to six of them, at round numbers."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * 0.999)
    return [number * step for number in range(math.ceil(largest / step * 0.999) + 1)]


def number(value: float) -> str:
    """Three digits, or all of a larger number."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = f"{value:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _svg(chart: Bars, name: str) -> str:
    totals = [sum(g.values) if chart.stacked else max(g.values) for g in chart.groups]
    marks = ticks(max(totals))
    parts, top = [], 0
    for group in chart.groups:
        parts.append(f'<text class="label" x="0" y="{top + 15}">{escape(group.label)}</text>')
        top += _LABEL_PX
        drawn = _stack(group, top, marks[-1]) if chart.stacked else _bars(group, top, marks[-1])
        parts += drawn
        top += (_BAR_PX + _GAP_PX) * (1 if chart.stacked else len(chart.series)) + _GROUP_GAP_PX
    axis = []
    for mark in marks:
        x = _percent(mark, marks[-1])
        axis.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{top}"/>')
        anchor = "start" if mark == 0 else "middle"
        shown = number(mark)
        axis.append(
            f'<text class="tick" x="{x}" y="{top + 17}" text-anchor="{anchor}">{shown}</text>'
        )
    return (
        f'<svg role="img" aria-labelledby="{name}" width="100%" height="{top + _AXIS_PX}">'
        + "".join([*axis, *parts])
        + "</svg>"
    )


def _bars(group: Group, top: int, most: float) -> Iterator[str]:
    for series, value in enumerate(group.values):
        y = top + series * (_BAR_PX + _GAP_PX)
        width = _percent(value, most)
        yield f'<rect class="s{series}" x="0" y="{y}" width="{width}" height="{_BAR_PX}" rx="3"/>'
        yield f'<text class="value" x="{width}" dx="7" y="{y + 15}">{number(value)}</text>'


def _stack(group: Group, top: int, most: float) -> Iterator[str]:
    at = 0.0
    for series, value in enumerate(group.values):
        x, width = _percent(at, most), _percent(value, most)
        yield f'<rect class="s{series}" x="{x}" y="{top}" width="{width}" height="{_BAR_PX}"/>'
        at += value
    yield f'<text class="value" x="{_percent(at, most)}" dx="7" y="{top + 15}">{number(at)}</text>'


def _percent(value: float, most: float) -> str:
    return f"{max(0.0, value) / most * _WIDEST:.3f}%"


def _table(chart: Bars) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in ("", *_heads(chart)))
    rows = "".join(
        f"<tr><th>{escape(group.label)}</th>{_cells(group.values)}</tr>" for group in chart.groups
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _heads(chart: Bars) -> Sequence[str]:
    return [f"{each} ({chart.unit})" if each else chart.unit for each in chart.series]


def _cells(values: Sequence[float]) -> str:
    return "".join(f"<td>{number(value)}</td>" for value in values)
