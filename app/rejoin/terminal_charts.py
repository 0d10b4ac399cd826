"""Charts of the last minute for a terminal: bitrate, pictures, loss and round trip of a connection.

One column is one second. Nothing is drawn where there was no connection.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = 60
"""At most; a narrow terminal shows fewer seconds."""
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_WITHOUT_BLOCKS: Final = "_.:-=+*#"
_NAME: Final = 13
_VALUE: Final = 16
"""Columns of the newest value and its unit."""
_TOP: Final = 11
"""Columns of the value at the top of a chart."""
_LEAST_COLUMNS: Final = 20
"""With fewer the values at the top are left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one connection. `bytes`, `frames`: so far. `loss`: 0 to 1. None: not known yet."""

    at: float
    connection: int
    bytes: int
    frames: int
    loss: float | None
    rtt_s: float | None


@dataclass(frozen=True, slots=True)
class Second:
    """The values of one second; None where a value is not known."""

    bitrate_bps: float | None = None
    fps: float | None = None
    loss: float | None = None
    rtt_s: float | None = None


class History:
    """The samples of the last minute."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, sample: Sample) -> None:
        """The newest one."""
        self._samples.append(sample)
        while self._samples[0].at < sample.at - COLUMNS - 1:
            self._samples.popleft()

    def lines(self, now: float, width: int, *, blocks: bool = True) -> Iterator[str]:
        """A chart for each figure, none wider than `width`. `blocks`: the terminal can show them;
        otherwise the charts are of ASCII."""
        found = seconds(self._samples, now)
        layout = _Layout.of(width, blocks=blocks)
        yield layout.line("bitrate", [each.bitrate_bps for each in found], "Mbit/s", 1e-6, 1e6)
        yield layout.line("pictures", [each.fps for each in found], "a second", 1.0, 30.0)
        yield layout.line("lost", [each.loss for each in found], "%", 100.0, 0.02)
        yield layout.line("round trip", [each.rtt_s for each in found], "ms", 1000.0, 0.02)


def span(width: int) -> str:
    """The time that charts of this width show."""
    columns = _Layout.of(width, blocks=True).columns
    return "the last minute" if columns == COLUMNS else f"the last {columns} s"


def seconds(samples: Sequence[Sample], now: float) -> list[Second]:
    """The last COLUMNS whole seconds before now, the oldest first."""
    found = []
    for column in range(COLUMNS, 0, -1):
        began, ended = now - column, now - column + 1
        within = [each for each in samples if began <= each.at <= ended]
        newest = within[-1] if within else None
        before = [each for each in samples if each.at < began and began - each.at < 1]
        first = before[-1] if before else (within[0] if within else None)
        if newest is None or first is None:
            found.append(Second())
            continue
        same = first.connection == newest.connection
        took_s = newest.at - first.at
        rates = same and took_s > 0
        found.append(
            Second(
                (newest.bytes - first.bytes) * 8 / took_s if rates else None,
                (newest.frames - first.frames) / took_s if rates else None,
                newest.loss,
                newest.rtt_s,
            )
        )
    return found


def sparkline(values: Sequence[float | None], top: float, *, blocks: bool = True) -> str:
    """One character for each value from 0 to `top`; a space where there is none."""
    levels = _BLOCKS if blocks else _WITHOUT_BLOCKS
    drawn = []
    for value in values:
        if value is None:
            drawn.append(" ")
            continue
        share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
        drawn.append(levels[max(0, math.ceil(share * len(levels)) - 1)])
    return "".join(drawn)


@dataclass(frozen=True, slots=True)
class _Layout:
    columns: int
    with_top: bool
    blocks: bool

    @staticmethod
    def of(width: int, *, blocks: bool) -> _Layout:
        left = width - _NAME - _VALUE
        with_top = left - _TOP >= _LEAST_COLUMNS
        columns = left - _TOP if with_top else left
        return _Layout(min(COLUMNS, max(1, columns)), with_top, blocks)

    def line(
        self, name: str, values: Sequence[float | None], unit: str, factor: float, least: float
    ) -> str:
        """A chart from 0 to the largest value, or to `least` where all are smaller."""
        shown = values[-self.columns :]
        top = max([least, *(value for value in shown if value is not None)])
        newest = "-" if shown[-1] is None else f"{shown[-1] * factor:.1f}"
        chart = sparkline(shown, top, blocks=self.blocks)
        end = f" (top {top * factor:.3g})" if self.with_top else ""
        return f"  {name:<10} {chart} {newest:>6} {unit}{end}"
