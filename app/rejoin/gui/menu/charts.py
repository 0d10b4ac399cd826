"""What each chart shows: its values, their unit, its scale, and where lines and drops run. Pure.

A place in a chart is a pair from 0 to 1: along the last minute, and from the bottom up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.gui.menu import texts
from rejoin.gui.menu.history import EVERY_S, SPAN_S, Drop, PracticeMarks, Sample
from rejoin.language import number, tr

GAP_S: Final = 2.5 * EVERY_S
"""With a longer time between two samples the line is broken: nothing is known of it."""

_STEPS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_HEADROOM: Final = 1.05
"""So that a line never runs along the edge."""


@dataclass(frozen=True, slots=True)
class Series:
    """One chart. `value`: of a sample, in `unit`; None: not known. `least`: what its scale reaches
    at least, so that noise does not fill the chart. `digits`: after the point."""

    name: str
    unit: str
    value: Callable[[Sample], float | None]
    least: float
    digits: int = 0

    def text(self, value: float | None) -> str:
        """A value without its unit."""
        return texts.UNKNOWN if value is None else number(value, self.digits)

    def with_unit(self, value: float | None) -> str:
        shown = self.text(value)
        return f"{shown} {self.unit}" if self.unit and value is not None else shown


SERIES: Final = (
    Series(texts.BITRATE, "Mbit/s", lambda each: each.bitrate_bps / 1e6, 1.0, 1),
    Series(texts.FRAMES, "", lambda each: each.fps, 10.0),
    Series(texts.LOSS, "%", lambda each: each.loss * 100, 1.0, 1),
    Series(
        texts.ROUND_TRIP,
        "ms",
        lambda each: None if each.rtt_s is None else each.rtt_s * 1000,
        10.0,
    ),
    Series(texts.JITTER_BUFFER, "ms", lambda each: each.jitter_buffer_ms, 10.0),
    Series(texts.FRAME_AGE, "ms", lambda each: each.frame_age_s * 1000, 10.0),
)
"""In reading order."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A series of the last minute. `top`: the value at the upper edge. `lines`: pieces without a
    gap. `drops`, `faults`: where each begins and ends, along the minute; the connection was lost,
    or a tester's fault was on. `markers`: where a tester has set one."""

    series: Series
    now: float | None
    lowest: float | None
    highest: float | None
    top: float
    lines: tuple[tuple[tuple[float, float], ...], ...]
    drops: tuple[tuple[float, float], ...]
    faults: tuple[tuple[float, float], ...] = ()
    markers: tuple[float, ...] = ()

    @property
    def top_text(self) -> str:
        """The scale's upper end."""
        return f"{number(self.top)} {self.series.unit}".rstrip()

    @property
    def spoken(self) -> str:
        """For screen readers."""
        of = self.series.with_unit
        return texts.chart_spoken(
            tr(self.series.name), of(self.now), of(self.lowest), of(self.highest), len(self.drops)
        )


def chart(
    series: Series,
    samples: Sequence[Sample],
    drops: Sequence[Drop],
    now: float,
    tested: PracticeMarks = PracticeMarks(),  # noqa: B008 frozen
) -> Chart:
    """The chart of `series` at `now`."""
    known = [
        (each.at, value)
        for each in samples
        if now - SPAN_S <= each.at <= now and (value := series.value(each)) is not None
    ]
    values = [value for _, value in known]
    top = scale(max(values, default=0.0), series.least)
    return Chart(
        series,
        values[-1] if values else None,
        min(values, default=None),
        max(values, default=None),
        top,
        _lines(known, top, now),
        _spans(drops, now),
        _spans(tested.faults, now),
        tuple(_along(at, now) for at in tested.markers if now - SPAN_S <= at <= now),
    )


def _spans(drops: Sequence[Drop], now: float) -> tuple[tuple[float, float], ...]:
    return tuple(
        (_along(drop.began_at, now), _along(drop.ended_at or now, now))
        for drop in drops
        if (drop.ended_at or now) > now - SPAN_S
    )


def scale(highest: float, least: float) -> float:
    """The upper end of a scale: a round number a little over what is shown."""
    wanted, power = max(highest * _HEADROOM, least), 1.0
    while power * 10.0 < wanted:
        power *= 10.0
    while power > wanted:
        power /= 10.0
    return next((step * power for step in _STEPS if step * power >= wanted), wanted)


def _lines(
    known: Sequence[tuple[float, float]], top: float, now: float
) -> tuple[tuple[tuple[float, float], ...], ...]:
    pieces: list[list[tuple[float, float]]] = []
    before: float | None = None
    for at, value in known:
        if before is None or at - before > GAP_S:
            pieces.append([])
        pieces[-1].append((_along(at, now), min(1.0, max(0.0, value / top))))
        before = at
    return tuple(tuple(piece) for piece in pieces)


def _along(at: float, now: float) -> float:
    return min(1.0, max(0.0, 1.0 - (now - at) / SPAN_S))
