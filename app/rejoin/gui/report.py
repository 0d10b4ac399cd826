"""The text of *Report a problem*: the ending, this program and the stream, without any secret."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime

from rejoin.core.model import Ending, EndingKind, Snapshot
from rejoin.core.play_report import PlayReport
from rejoin.gui import ending_texts, play_texts, texts
from rejoin.gui.shared_text import shared_text
from rejoin.gui.stats_overlay import lines
from rejoin.language import in_english
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintTelemetry
from rejoin.version import VERSION

_GOES_ON = Ending(EndingKind.CLOSED_FOR_NOW)


def game_report(
    snapshot: Snapshot,
    *,
    play: PlayReport | None,
    painted: PaintTelemetry,
    facts: Mapping[str, str],
    statistics: StreamStatistics | None,
) -> str:
    """About the end that `snapshot` shows; before one, as if the player had closed the game.

    `play`: how the game went. `facts`: more lines. `statistics`: the stream's numbers as they were
    last sampled.
    """
    with in_english():  # the studio is to read it
        stream = () if statistics is None else lines(statistics)
    report = ending_texts.report_text(
        snapshot.ending or Ending(EndingKind.CLOSED_FOR_NOW),
        version=VERSION,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        written=datetime.now().astimezone().isoformat(timespec="seconds"),
        facts={
            **texts.verdict_facts(snapshot.verdict),
            **play_texts.report_lines(play),
            "Pictures shown": str(painted.pictures),
            "Oldest picture": f"{painted.age_max_s * 1000:.0f} ms",
            **facts,
        },
        stream=stream,
    )
    return shared_text(report)
