"""The report holds the ending and the stream, and nothing secret."""

from __future__ import annotations

import re

from rejoin.core.model import ConnectionNumber, Ending, EndingKind, Snapshot, Stage
from rejoin.core.play_report import Advice, PlayReport
from rejoin.core.verdict import Verdict
from rejoin.gui.report import game_report
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintTelemetry

PLAY = PlayReport(
    played_s=125.0,
    drops=3,
    returned=2,
    lost_s=31.4,
    frozen_s=0.2,
    loss=0.013,
    rtt_s=0.031,
    late=0.0,
    worst=None,
    verdicts=((Verdict.PATH_BROKEN, 2),),
    networks_changed=0,
    advice=Advice.OTHER_NETWORK,
)


def report(detail: str = "", statistics: StreamStatistics | None = None) -> str:
    return game_report(
        Snapshot(
            Stage.ENDED,
            ending=Ending(EndingKind.INTERNAL, detail=detail),
            verdict=Verdict.PATH_BROKEN,
        ),
        play=PLAY,
        painted=PaintTelemetry(pictures=812, age_max_s=0.0421),
        facts={"Backend": "http://192.0.2.77/"},
        statistics=statistics,
    )


def test_it_names_what_was_shown_and_the_system() -> None:
    text = report()
    for line in (
        "Code: RJ-INTERNAL",
        "Verdict: The way to the game server is broken",
        "Played: 2 min 5 s",
        "Drops: 3, back 2",
        "Lost: 31 s",
        "Loss: 1.3 %",
        "Mean RTT: 31 ms",
        "Drops by cause: path_broken 2",
        "Advice: other_network",
        "Pictures shown: 812",
        "Oldest picture: 42 ms",
    ):
        assert f"{line}\n" in text
    assert re.search(r"^Rejoin: \S+$", text, re.MULTILINE)
    assert re.search(r"^System: \S+", text, re.MULTILINE)
    assert "last second" not in text


def test_before_an_end_and_without_a_picture_it_says_so() -> None:
    text = game_report(
        Snapshot(Stage.LIVE),
        play=None,
        painted=PaintTelemetry(),
        facts={},
        statistics=None,
    )
    assert "Code: RJ-CLOSED-FOR-NOW\n" in text
    assert "Played: no picture was shown\n" in text


def test_with_statistics_it_has_the_lines_of_the_overlay() -> None:
    text = report(statistics=StreamStatistics(ConnectionNumber(2), freeze_count=3))
    assert "The stream in its last second:\n" in text
    assert "freezes    3" in text


def test_secrets_are_removed_from_every_part() -> None:
    text = report("a=ice-pwd:verysecretpassword Authorization: Bearer abc.def")
    for secret in ("verysecretpassword", "abc.def", "192.0.2.77"):
        assert secret not in text
