"""The statistics of a play, as `runtime/statistics_file` wrote them: a line each second."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.media.statistics import columns
from rejoin.qa import traces

MAX_LINES: Final = 100_000
"""A day of play."""
_LIVE: Final = "Live"


@dataclass(frozen=True, slots=True)
class Measured:
    """One line. `at`: boot time. `values`: by the names of `StreamStatistics`, as text."""

    at: float
    values: dict[str, str]

    def number(self, name: str) -> float | None:
        """The value as a number; None where it is not known."""
        try:
            found = float(self.values.get(name) or "nan")
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def text(self, name: str) -> str:
        return self.values.get(name, "")


def read(file: Path | None) -> tuple[Measured, ...]:
    """All lines; none where there is no such file, or it is another one. A last line that is cut
    off is left out."""
    if file is None:
        return ()
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return tuple(_lines(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def _lines(lines: Iterator[str]) -> Iterator[Measured]:
    rows = csv.reader(lines)
    names = next(rows, [])
    if names[:1] != ["at_s"] or not set(names[1:]) <= set(columns()):
        return
    for _, row in zip(range(MAX_LINES), rows, strict=False):
        if len(row) != len(names):
            continue
        measured = Measured(0.0, dict(zip(names, row, strict=True)))
        at = measured.number("at_s")
        if at is not None:
            yield Measured(at, measured.values)


def read_trace(file: Path | None) -> tuple[Record, ...]:
    """The records of a trace; none where there is no such file, or it cannot be used."""
    if file is None:
        return ()
    try:
        return tuple(traces.read(file))
    except BadInputError:
        return ()


def live_at(records: tuple[Record, ...]) -> float | None:
    """When the game became live (boot time); None: it did not, or there is no trace."""
    return next((each.at for each in records if each.kind == "state" and each.name == _LIVE), None)
