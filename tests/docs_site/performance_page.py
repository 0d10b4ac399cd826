"""Makes the page of charts from docs/performance.json, which `dev.py bench` writes.

A row that a chart names and the file no longer has is an error, so that no chart shows an old name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from docs_site.bars import Bars, Group, figure
from docs_site.sources import ROOT

_HEAD = """\
# Performance

Measured with the benches of this repository, on one machine over loopback. **AWS's service was
not measured.** What the figures mean, how to read them, and which targets were missed is in
[Performance: how it was measured](../docs/performance.md); every figure is in [the
tables](../docs/performance-tables.md), and as [data](../docs/performance.json).

```{toctree}
:hidden:

How it was measured <../docs/performance>
All tables <../docs/performance-tables>
```

"""


class MissingFigureError(Exception):
    """A chart names a figure that docs/performance.json does not have."""


@dataclass(frozen=True, slots=True)
class Chart:
    """`rows`: for each group its label and, for each series, the name of the row.

    `factor`: what the values are multiplied by to be of `unit`."""

    bench: str
    title: str
    unit: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    series: tuple[str, ...] = ("",)
    factor: float = 1.0
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    says: str
    charts: tuple[Chart, ...]


def _freezes(dialect: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (
            "The service notices at once" if notice == 0 else f"It notices after {notice} s",
            tuple(
                f"freeze, {dialect}, notice {notice} s, create call {create} s, median"
                for create in ("0.15", "2", "5")
            ),
        )
        for notice in (0, 3, 8)
    )


def _beside(*, of: str, losses: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, (f"{name}: {of}, Rejoin", f"{name}: {of}, Chromium")) for name in losses)


_LOSSES: Final = ("RTT 30 ms, loss 0 %", "RTT 60 ms, loss 1 %", "RTT 60 ms, loss 3 %")
_LINKS: Final = (
    "3 Mbit/s, FIFO 1.5 s",
    "3 Mbit/s, FIFO 150 ms",
    "3, after 10 s 1 Mbit/s, FIFO 1.5 s",
)
_PAGES: Final = (
    ("Rejoin", "Rejoin"),
    ("A page that polls getStats", "page polling getStats"),
    ("A page that waits for disconnected", "page waiting for `disconnected`"),
)

SECTIONS: Final = (
    Section(
        "From a drop to the next picture",
        "How long the picture stands still depends most on two things that nobody outside AWS "
        "knows: how late the service notices that a client is gone, and how long its create call "
        "takes. Both are varied here, at a round trip of 40 ms.",
        (
            Chart(
                "rejoin",
                "The picture stands still",
                "s",
                _freezes("ours"),
                ("create call 0.15 s", "create call 2 s", "create call 5 s"),
                factor=0.001,
            ),
            Chart(
                "rejoin",
                "Where the time goes: the medians of each step",
                "ms",
                (
                    (
                        "Noticed at once, create call 0.15 s, round trip 40 ms",
                        (
                            "of which silence to LOST, median",
                            "of which LOST to commit, median",
                            "of which commit to request sent, median",
                            "of which request sent to answer, median",
                            "of which answer to connected (ICE, DTLS), median",
                            "of which connected to first frame, median",
                        ),
                    ),
                ),
                (
                    "silence to lost",
                    "lost to the decision to reconnect",
                    "offer",
                    "backend and create call",
                    "ICE and DTLS",
                    "first picture",
                ),
                stacked=True,
            ),
        ),
    ),
    Section(
        "Beside a web page in Chromium",
        "The same studio, the same drops: how soon a silent drop is noticed, and how much a lossy "
        "path costs.",
        (
            Chart(
                "chromium",
                "From silence to the next picture: medians",
                "s",
                tuple(
                    (
                        label,
                        (
                            f"{name}: silence to detection, median",
                            f"{name}: detection to next frame, median",
                        ),
                    )
                    for label, name in _PAGES
                ),
                ("noticing", "reconnecting"),
                factor=0.001,
                stacked=True,
            ),
            Chart(
                "beside_chromium",
                "Time frozen in one minute of play",
                "s",
                _beside(of="time frozen", losses=_LOSSES),
                ("Rejoin", "Chromium"),
            ),
        ),
    ),
    Section(
        "A narrow link",
        "The host is libwebrtc, in front of it a bottleneck with a queue. REMB is the older "
        "feedback, which Rejoin sends where the host does not take transport-wide feedback.",
        (
            Chart(
                "bottleneck",
                "Queue in front of the bottleneck, 95th percentile",
                "ms",
                tuple(
                    (
                        link,
                        (
                            f"{link}: Rejoin, queue, p95",
                            f"{link}: Rejoin with REMB, queue, p95",
                            f"{link}: Chromium, queue, p95",
                        ),
                    )
                    for link in _LINKS
                ),
                ("Rejoin", "Rejoin with REMB", "Chromium"),
            ),
        ),
    ),
    Section(
        "What playing costs",
        "Of the client while a game is played, decoded in software. No graphics hardware was here.",
        (
            Chart(
                "fullhd",
                "1080p at 60 frames a second: share of one core",
                "%",
                tuple(
                    (
                        f"{rate} Mbit/s",
                        (
                            f"{rate} Mbit/s: receiving: CPU",
                            f"{rate} Mbit/s: window thread: CPU",
                            f"{rate} Mbit/s: FFmpeg alone: CPU",
                        ),
                    )
                    for rate in (8, 15)
                ),
                ("network and decoding", "window", "FFmpeg alone, for comparison"),
            ),
            Chart(
                "soak",
                "Memory of the client",
                "MB",
                tuple(
                    (
                        f"after {count} reconnects",
                        (f"client: resident memory after {count} reconnects",),
                    )
                    for count in (50, 500)
                ),
            ),
        ),
    ),
    Section(
        "When many come back at once",
        "A Region drops, and all players come back within their windows, more than the account's "
        "quota allows. Which order of create calls saves most games: simulated, against the best "
        "order that exists.",
        (
            Chart(
                "create_order",
                "Games saved, of 1,000 and of 10,000",
                "games",
                tuple(
                    (
                        f"{count:,} games",
                        (
                            f"{count}: first come, first served",
                            f"{count}: plain earliest deadline",
                            f"{count}: ours",
                            f"{count}: maximum matching",
                        ),
                    )
                    for count in (1000, 10000)
                ),
                (
                    "first come, first served",
                    "earliest deadline",
                    "Rejoin's order",
                    "the best order",
                ),
            ),
        ),
    ),
)


def page(reports: dict[str, Any] | None = None) -> str:
    """Raises MissingFigureError."""
    if reports is None:
        text = (ROOT / "docs" / "performance.json").read_text(encoding="utf-8")
        reports = json.loads(text)
    return _HEAD + "\n".join(_sections(reports))


def _sections(reports: dict[str, Any]) -> Iterator[str]:
    for section in SECTIONS:
        yield f"## {section.title}\n\n{section.says}\n"
        for number, chart in enumerate(section.charts):
            name = f"{section.title.lower().replace(' ', '-')}-{number}"
            yield figure(bars(chart, reports), name)


def bars(chart: Chart, reports: dict[str, Any]) -> Bars:
    """The chart with its figures. Raises MissingFigureError."""
    report = reports.get(chart.bench)
    if report is None:
        raise MissingFigureError(f"docs/performance.json has no bench {chart.bench}.")
    values = {row["name"]: float(row["value"]) for row in report["rows"]}
    for _, names in chart.rows:
        for name in names:
            if name not in values:
                raise MissingFigureError(f"The bench {chart.bench} has no figure {name!r}.")
    groups = tuple(
        Group(label, tuple(values[name] * chart.factor for name in names))
        for label, names in chart.rows
    )
    measured = f"Bench {chart.bench}, {report['measured_on']}, on {report['machine']}."
    return Bars(chart.title, chart.unit, chart.series, groups, measured, chart.stacked)
