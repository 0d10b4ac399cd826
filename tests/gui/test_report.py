"""The report holds the ending and the stream, and nothing secret."""

from __future__ import annotations

import re

from rejoin.core.model import ConnectionNumber, Ending, EndingKind
from rejoin.gui.report import game_report
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintTelemetry


def report(detail: str = "", statistics: StreamStatistics | None = None) -> str:
    return game_report(
        Ending(EndingKind.INTERNAL, detail=detail),
        drops=3,
        painted=PaintTelemetry(pictures=812, age_max_s=0.0421),
        facts={"Backend": "http://192.0.2.77/"},
        statistics=statistics,
    )


def test_it_names_what_was_shown_and_the_system() -> None:
    text = report()
    for line in ("Code: RJ-INTERNAL", "Drops: 3", "Pictures shown: 812", "Oldest picture: 42 ms"):
        assert f"{line}\n" in text
    assert re.search(r"^Rejoin: \S+$", text, re.MULTILINE)
    assert re.search(r"^System: \S+", text, re.MULTILINE)
    assert "last second" not in text


def test_with_statistics_it_has_the_lines_of_the_overlay() -> None:
    text = report(statistics=StreamStatistics(ConnectionNumber(2), freeze_count=3))
    assert "The stream in its last second:\n" in text
    assert "freezes    3" in text


def test_secrets_are_removed_from_every_part() -> None:
    text = report("a=ice-pwd:verysecretpassword Authorization: Bearer abc.def")
    for secret in ("verysecretpassword", "abc.def", "192.0.2.77"):
        assert secret not in text
