"""The summary of reports as one HTML file: charts in inline SVG, no script, nothing from elsewhere.

Every text is escaped, as some come from clients. The page follows the reader's light or dark theme,
prints, and fits a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from rejoin import assets
from rejoin.backend.report_summary import BOUNDS_S, GamesOfDay, Named, Summary, day_name
from rejoin.backend.report_text import seconds, share, tables

BASE_STYLE: Final = "report/base.css"
"""Shared with the other report pages (`qa/report_page`)."""
_WIDTH: Final = 720
_HEIGHT: Final = 200
_BOTTOM: Final = 26
_TOP: Final = 16
_RESULTS: Final = ("saved", "lost", "left")

_STYLE: Final = """
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.5rem 0; }
dl div { display: flex; flex-direction: column-reverse; }
dt { color: var(--quiet); font-size: .85rem; }
dd { font-size: 1.5rem; font-weight: 700; margin: 0; }
.chart { display: block; height: auto; min-width: 34rem; width: 100%; }
svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
svg .axis { stroke: var(--line); }
.saved { fill: var(--saved); } .lost { fill: var(--lost); } .left { fill: var(--left); }
.bar { fill: var(--bar); }
.newest { direction: rtl; } .newest svg { direction: ltr; }
ul { display: flex; gap: 1.25rem; list-style: none; margin: .25rem 0; padding: 0;
  color: var(--quiet); font-size: .85rem; }
li svg { margin-right: .35rem; vertical-align: -1px; }
"""


def page(summary: Summary) -> str:
    """The whole file."""
    total = summary.all
    period = f"{day_name(summary.first_day)} to {day_name(summary.last_day)} (UTC)"
    unreported = sum(each.unreported for each in summary.games)
    figures = (
        (f"{total.saved} of {total.saved + total.lost}", "drops saved"),
        (share(total), "share saved"),
        (seconds(total.wait_p50_s), "until back, median"),
        (seconds(total.wait_p95_s), "until back, 95th percentile"),
        (str(unreported), "games with reconnects that no client reported"),
    )
    parts = [
        "<header><h1>Reconnect report</h1>",
        f"<p>{_text(period)}. A drop counts as saved when the player was back; "
        f"{total.left} that the player left are in neither number.</p></header>",
        "<dl>",
        *(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for value, name in figures),
        "</dl>",
    ]
    if total.drops:
        parts += [
            "<h2>Drops by day</h2>",
            _legend(),
            _days_chart(summary.days),
            "<h2>Time until the player was back</h2>",
            _waits_chart(summary.waits),
        ]
        for name, title, rows in tables(summary):
            shown = [row for row in rows if row.tally.drops]
            table = _lost_table if name == "ending" else _tally_table
            if shown:
                parts += [f"<h2>{_text(title)}</h2>", table(title, shown)]
    else:
        parts.append("<p>No client has reported a drop in this time.</p>")
    parts += [
        "<h2>Games by the backend's own rows</h2>",
        "<p>A game with offers after its first one had a reconnect, whether its client reports "
        "or not. Days without any are left out.</p>",
        _games_table([each for each in summary.games if each.games]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{_text(f'Reconnect report, {period}')}</title>"
        f"<style>{assets.text(BASE_STYLE)}{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _legend() -> str:
    items = "".join(
        f'<li><svg width="10" height="10" aria-hidden="true"><rect class="{each}" width="10" '
        f'height="10" rx="2"/></svg>{each}</li>'
        for each in _RESULTS
    )
    return f"<ul>{items}</ul>"


def _days_chart(days: Sequence[Named]) -> str:
    """Stacked columns: saved at the bottom, then lost, then left."""
    highest = max(day.tally.drops for day in days)

    def column(number: int, x: float, width: float, scale: Callable[[float], float]) -> str:
        tally, base, pieces = days[number].tally, 0, []
        for result in _RESULTS:
            count = getattr(tally, result)
            if count:
                top, height = scale(base + count), scale(base) - scale(base + count)
                pieces.append(_rect(result, x, top, width, height, f"{count} {result}"))
            base += count
        return "".join(pieces) + _label(x + width / 2, scale(tally.drops) - 4, tally.drops or "")

    names = [day.name[5:] for day in days]
    return _columns("Drops by day", names, highest, column, scroll="wide newest")


def _waits_chart(waits: Sequence[int]) -> str:
    names = [f"≤ {bound:g} s" for bound in BOUNDS_S] + [f"> {BOUNDS_S[-1]:g} s"]

    def column(number: int, x: float, width: float, scale: Callable[[float], float]) -> str:
        count, top = waits[number], scale(waits[number])
        bar = _rect("bar", x, top, width, scale(0) - top, f"{count} drops, {names[number]}")
        return bar + _label(x + width / 2, top - 4, count or "")

    return _columns("Time until the player was back", names, max(waits), column)


def _columns(
    title: str,
    names: Sequence[str],
    highest: int,
    column: Callable[[int, float, float, Callable[[float], float]], str],
    *,
    scroll: str = "wide",
) -> str:
    """`scroll`: "wide newest" shows the right end first where there is no room for all."""
    step = _WIDTH / len(names)
    every = max(1, -(-len(names) * 44 // _WIDTH))  # a label has some 44 units of width
    floor = _HEIGHT - _BOTTOM

    def scale(value: float) -> float:
        return floor - (floor - _TOP) * value / max(1, highest)

    pieces = [
        column(number, number * step + step * 0.15, step * 0.7, scale)
        + (_label((number + 0.5) * step, _HEIGHT - 8, name) if number % every == 0 else "")
        for number, name in enumerate(names)
    ]
    return (
        f'<div class="{scroll}"><svg class="chart" role="img" '
        f'viewBox="-12 0 {_WIDTH + 24} {_HEIGHT}" aria-label="{_text(title)}">'
        f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{floor}" y2="{floor}"/>'
        + "".join(pieces)
        + "</svg></div>"
    )


def _rect(kind: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{_text(title)}</title></rect>"
    )


def _label(x: float, y: float, text: object) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(text)}</text>'


def _tally_table(title: str, rows: Iterable[Named]) -> str:
    head = (title, "drops", "saved", "lost", "left", "share saved", "", "median", "p95")
    return _table(
        head,
        (
            (
                _text(row.name),
                *map(_text, (row.tally.drops, row.tally.saved, row.tally.lost, row.tally.left)),
                _text(share(row.tally)),
                _share_bar(row),
                _text(seconds(row.tally.wait_p50_s)),
                _text(seconds(row.tally.wait_p95_s)),
            )
            for row in rows
        ),
    )


def _lost_table(title: str, rows: Iterable[Named]) -> str:
    return _table((title, "lost"), ((_text(row.name), _text(row.tally.lost)) for row in rows))


def _share_bar(row: Named) -> str:
    found = row.tally.saved_share
    if found is None:
        return ""
    saved = round(80 * found, 1)
    return (
        '<svg width="80" height="10" aria-hidden="true">'
        f'<rect class="lost" width="80" height="10" rx="2"/>'
        f'<rect class="saved" width="{saved}" height="10" rx="2"/></svg>'
    )


def _games_table(games: Iterable[GamesOfDay]) -> str:
    head = ("Day", "games", "let in again", "newest offer unanswered", "not reported")
    rows = (
        map(
            _text,
            (day_name(each.day), each.games, each.let_in, each.unanswered, each.unreported),
        )
        for each in games
    )
    return _table(head, rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """`rows` are HTML already."""
    top = "".join(f"<th>{_text(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )
