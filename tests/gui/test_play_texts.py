"""How a game went, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.window_faces import CALM_PLAY
from rejoin.core.play_report import Advice, Minute, PlayReport
from rejoin.core.verdict import Verdict
from rejoin.gui import play_texts
from rejoin.gui.play_texts import Figure

DROPPED = replace(CALM_PLAY, drops=3, returned=3, lost_s=31.4)


def named(report: PlayReport) -> dict[str, str]:
    return {figure.name: figure.value for figure in play_texts.figures(report)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (31.4, "31 s"),
        (59.6, "1 min"),
        (125.0, "2 min 5 s"),
        (599.0, "9 min 59 s"),
        (725.0, "12 min"),
        (3600.0, "1 h"),
        (3725.0, "1 h 2 min"),
    ],
)
def test_seconds_are_said_where_they_matter(seconds: float, text: str) -> None:
    assert play_texts.time_text(seconds) == text


def test_ordinals() -> None:
    assert [play_texts.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th")
    ]


def test_the_figures_are_those_worth_naming() -> None:
    assert play_texts.figures(CALM_PLAY) == (
        Figure("Played", "42 min"),
        Figure("Drops", "0"),
        Figure("Lost", "0 s"),
    )
    assert named(DROPPED)["Drops"] == "3"
    assert named(replace(DROPPED, returned=2))["Drops"] == "3, back 2"
    assert named(replace(CALM_PLAY, frozen_s=4.2))["Frozen"] == "4 s"
    still = replace(CALM_PLAY, worst=Minute(7, lost_s=12.0))
    assert named(still)["Worst minute"] == "7th: 12 s"
    lossy = replace(CALM_PLAY, worst=Minute(7, packets_received=900, packets_lost=100))
    assert named(lossy)["Worst minute"] == "7th: 10 % lost"


def test_verdicts_are_named_with_how_often_and_what_is_not_known() -> None:
    assert play_texts.verdicts_sentence(CALM_PLAY) == ""
    assert play_texts.verdicts_sentence(DROPPED) == "", "nothing is known of any"
    one = replace(DROPPED, drops=1, verdicts=((Verdict.HOST_SILENT, 1),))
    assert play_texts.verdicts_sentence(one) == "Why: the game server stopped sending."
    many = replace(
        DROPPED,
        drops=9,
        verdicts=((Verdict.NETWORK_GONE, 3), (Verdict.PATH_BROKEN, 2), (Verdict.HOST_SILENT, 1)),
    )
    assert play_texts.verdicts_sentence(many) == (
        "Why: your network was gone (3 times); the way to the game server was broken (twice); "
        "not known (3 times)."
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_each_verdict_has_its_sentence_and_not_known_has_none(verdict: Verdict) -> None:
    sentence = play_texts.verdict_sentence(verdict)
    assert (sentence == "") == (verdict is Verdict.NOT_KNOWN)
    assert not sentence or (sentence[0].isupper() and sentence.endswith("."))


@pytest.mark.parametrize("advice", Advice)
def test_each_advice_is_a_sentence_and_nothing_to_advise_is_none(advice: Advice) -> None:
    sentence = play_texts.advice_sentence(replace(CALM_PLAY, advice=advice))
    assert (sentence == "") == (advice is Advice.NOTHING)
    assert not sentence or sentence.endswith(".")


def test_what_is_spoken_has_the_numbers_the_reason_and_the_advice() -> None:
    found = replace(DROPPED, verdicts=((Verdict.NETWORK_GONE, 3),), advice=Advice.OWN_NETWORK)
    assert play_texts.spoken(found) == [
        "Played 42 min, Drops 3, Lost 31 s.",
        "Why: your network was gone (3 times).",
        "Next time use a network cable, or sit nearer to the Wi-Fi router.",
    ]
