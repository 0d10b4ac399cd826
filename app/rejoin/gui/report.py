"""The text of *Copy report*: the ending, this program and the stream, without any secret."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from rejoin.core.model import Ending
from rejoin.gui import ending_texts
from rejoin.gui.stats_overlay import lines
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintTelemetry
from rejoin.printable import printable_lines
from rejoin.redact import redact


def game_report(
    ending: Ending,
    *,
    drops: int,
    painted: PaintTelemetry,
    facts: Mapping[str, str],
    statistics: StreamStatistics | None,
) -> str:
    """`facts`: more lines. `statistics`: the stream's numbers as they were last sampled."""
    try:
        build = version("rejoin")
    except PackageNotFoundError:
        build = "unknown"
    report = ending_texts.report_text(
        ending,
        version=build,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        written=datetime.now().astimezone().isoformat(timespec="seconds"),
        facts={
            "Drops": str(drops),
            "Pictures shown": str(painted.pictures),
            "Oldest picture": f"{painted.age_max_s * 1000:.0f} ms",
            **facts,
        },
        stream=() if statistics is None else lines(statistics),
    )
    return printable_lines(redact(report))  # it may be pasted into a terminal
