"""Makes the values of a report's charts from the statistics of a play, one for each second.

Times are seconds since the game became live, as everywhere in a report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rejoin.qa.drops import lasted_s
from rejoin.qa.measured import Measured
from rejoin.qa.results import EpisodeResult, FaultResult

MAX_POINTS: Final = 1200
"""Of a line; a longer play is thinned out."""


@dataclass(frozen=True, slots=True)
class _Line:
    label: str
    name: str
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    unit: str
    lines: tuple[_Line, ...]


_CHARTS: Final = (
    _Chart("Bitrate", "Mbit/s", (_Line("received", "bitrate_bps", 1e-6),)),
    _Chart(
        "Frames",
        "frames/s",
        (_Line("received", "received_fps"), _Line("decoded", "decoded_fps")),
    ),
    _Chart(
        "Delay",
        "ms",
        (
            _Line("round trip", "rtt_s", 1000),
            _Line("jitter", "jitter_s", 1000),
            _Line("jitter buffer", "jitter_buffer_ms"),
        ),
    ),
    _Chart("Loss", "%", (_Line("packets of the picture", "loss", 100),)),
)


def charts(
    measured: Sequence[Measured],
    live_at: float,
    episodes: Sequence[EpisodeResult],
    faults: Sequence[FaultResult],
) -> dict[str, Any] | None:
    """Values for `resources/report/report.js`; None where nothing was measured."""
    step = -(-len(measured) // MAX_POINTS)
    points = measured[:: max(1, step)]
    if not points:
        return None
    at_s: Callable[[float], float] = lambda at: round(at - live_at, 2)  # noqa: E731
    return {
        "x": [at_s(each.at) for each in points],
        "charts": [
            {
                "title": chart.title,
                "unit": chart.unit,
                "lines": [
                    {"label": line.label, "y": [_value(each, line) for each in points]}
                    for line in chart.lines
                ],
            }
            for chart in _CHARTS
        ],
        "drops": [
            [round(each.began_at_s, 2), round(each.began_at_s + lasted_s(each), 2)]
            for each in episodes
        ],
        "faults": [
            {"at": round(each.at_s, 2), "name": each.profile}
            for each in faults
            if each.at_s is not None
        ],
    }


def _value(measured: Measured, line: _Line) -> float | None:
    found = measured.number(line.name)
    return None if found is None else float(f"{found * line.factor:.4g}")
