"""Shows how many games storms lose: as a table for a terminal, a chart as SVG, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final
from xml.sax.saxutils import escape

from rejoin.qa.storm import Lost

_WIDTH, _HEIGHT = 820, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 620, 70, 370
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b6b6b")
"""Okabe and Ito's, which people with any colour vision can tell apart."""
_DASHES: Final = ("", "6 3", "2 3", "9 3 2 3", "12 4", "1 5", "4 6")
_MARK: Final = 4


def window_name(windows_s: Sequence[float]) -> str:
    """Such as "30 s" or "30+120 s": in equal parts."""
    return f"{'+'.join(f'{each:g}' for each in windows_s)} s"


def table(found: Sequence[Lost]) -> Iterator[str]:
    """A line for each window, a column for each quota: games lost. Of storms that differ by their
    seed alone: the median, and how far it goes."""
    quotas, windows = _quotas(found), _windows(found)
    rows = [[_cell(_at(found, windows_s, quota)) for quota in quotas] for windows_s in windows]
    wide = max(22, 2 + max(len(cell) for row in rows for cell in row))
    yield f"{'window':>16}" + "".join(f"{f'{quota:g} a second':>{wide}}" for quota in quotas)
    for windows_s, row in zip(windows, rows, strict=True):
        yield f"{window_name(windows_s):>16}" + "".join(f"{cell:>{wide}}" for cell in row)


def json_lines(found: Sequence[Lost]) -> str:
    """One object for each storm."""
    return "".join(
        json.dumps(asdict(each) | {"lost": each.lost}, separators=(",", ":")) + "\n"
        for each in found
    )


def _cell(storms: Sequence[Lost]) -> str:
    middle = _middle(storms)
    cell = f"{middle.lost:,} ({_percent(middle.lost_share)})"
    if len(storms) > 1:
        all_lost = [each.lost for each in storms]
        cell += f" {min(all_lost):,} to {max(all_lost):,}"
    return cell


def _percent(share: float) -> str:
    """A percentage; 0 % and 100 % are shown only where they are exact."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    return f"{min(99.9, max(0.1, 100 * share)):.1f} %"


def _quotas(found: Sequence[Lost]) -> list[float]:
    return sorted({each.storm.per_s for each in found})


def _windows(found: Sequence[Lost]) -> list[tuple[float, ...]]:
    return list(dict.fromkeys(each.storm.windows_s for each in found))


def _at(found: Sequence[Lost], windows_s: tuple[float, ...], quota: float) -> list[Lost]:
    """All seeds."""
    return [
        each for each in found if each.storm.windows_s == windows_s and each.storm.per_s == quota
    ]


def _middle(storms: Sequence[Lost]) -> Lost:
    """The one with the median of games lost."""
    return sorted(storms, key=lambda each: each.lost)[(len(storms) - 1) // 2]


# --- the chart ------------------------------------------------------------------------------------


def svg(found: Sequence[Lost]) -> str:
    """Games lost in percent over the quota, a line for each window. It needs nothing from
    anywhere; each mark has its figures as a title."""
    storm, quotas, windows = found[0].storm, _quotas(found), _windows(found)
    places = {quota: _place(number, len(quotas)) for number, quota in enumerate(quotas)}
    title = f"{storm.players:,} games, and a Region that is away for {storm.outage_s:g} s"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="#222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 28, title, 'font-size="17" font-weight="bold"'),
        _text(_LEFT, 50, "Games lost, by create calls a second and connection timeout"),
        *_axes(quotas, places),
    ]
    ends: list[float] = []
    for number, windows_s in enumerate(windows):
        line = [_middle(_at(found, windows_s, quota)) for quota in quotas]
        parts += _line(line, places, number)
        ends.append(_height(line[-1].lost_share))
    parts += _legend(windows, ends)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _axes(quotas: Sequence[float], places: dict[float, float]) -> Iterator[str]:
    for percent in range(0, 101, 20):
        y = _height(percent / 100)
        yield (f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        yield _text(_LEFT - 8, y + 4, f"{percent} %", 'text-anchor="end"')
    for quota in quotas:
        yield _text(places[quota], _BOTTOM + 22, f"{quota:g}", 'text-anchor="middle"')
    middle = (_LEFT + _RIGHT) / 2
    yield _text(middle, _BOTTOM + 46, "create calls a second", 'text-anchor="middle"')


def _line(line: Sequence[Lost], places: dict[float, float], number: int) -> Iterator[str]:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
    points = [(places[each.storm.per_s], _height(each.lost_share)) for each in line]
    shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield (
        f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )
    for (x, y), lost in zip(points, line, strict=True):
        about = (
            f"{window_name(lost.storm.windows_s)}, {lost.storm.per_s:g} a second: {lost.lost:,} "
            f"of {lost.storm.players:,} lost; no order saves more than {lost.most:,}"
        )
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_MARK}" fill="{colour}">'
            f"<title>{escape(about)}</title></circle>"
        )


def _legend(windows: Sequence[tuple[float, ...]], ends: Sequence[float]) -> Iterator[str]:
    """Beside the end of each line, moved apart where they are close."""
    y = 0.0
    for number in sorted(range(len(windows)), key=lambda which: ends[which]):
        y = max(ends[number] + 4, y + 17)
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        yield (
            f'<line x1="{_RIGHT + 12}" y1="{y - 4:.1f}" x2="{_RIGHT + 36}" y2="{y - 4:.1f}" '
            f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        yield _text(_RIGHT + 42, y, window_name(windows[number]))


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _place(number: int, count: int) -> float:
    if count == 1:
        return (_LEFT + _RIGHT) / 2
    return _LEFT + 30 + (_RIGHT - _LEFT - 60) * number / (count - 1)


def _height(share: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * share
