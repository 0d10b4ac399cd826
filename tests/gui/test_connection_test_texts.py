"""What *Test my connection* says."""

from __future__ import annotations

import pytest

from rejoin.gui import connection_test_texts as texts
from rejoin.runtime.doctor.findings import Began, Outcome, Report, failed, ok, warning

BEGAN = Began("game", 13.0)
DEAD = failed("dns", "There is no host.", "Check the address.")


@pytest.mark.parametrize(
    ("since_s", "said", "progress"),
    [
        (0.0, "Game ... about 13 s left", 0.35),
        (10.0, "Game ... about 3 s left", 0.85),
        (12.5, "Game: this takes longer than usual ...", 0.975),
        (60.0, "Game: this takes longer than usual ...", 0.99),
    ],
)
def test_progress(since_s: float, said: str, progress: float) -> None:
    assert texts.doing(BEGAN, since_s) == said
    assert texts.progress(BEGAN, since_s, 20.0) == pytest.approx(progress)
    assert texts.progress(BEGAN, since_s, 0.0) == 0.0


@pytest.mark.parametrize(
    ("report", "title", "advice"),
    [
        (Report((ok("proxy", "No."),)), "Your connection is good", ""),
        (Report((DEAD,)), "Something does not work", "Check the address."),
        (
            Report((warning("clock", "Off.", "Set it."),)),
            "You can play, but something could be better",
            "Set it.",
        ),
        (
            Report((failed("quality", "Poor.", "Use a cable."),)),
            "The game can be played, and not well",
            "Use a cable.",
        ),
        (Report((DEAD,), cancelled=True), "The test was cancelled.", ""),
    ],
)
def test_the_end(report: Report, title: str, advice: str) -> None:
    assert (texts.title_of(report), texts.advice_of(report)) == (title, advice)


def test_every_outcome_has_a_mark_and_a_word() -> None:
    assert set(texts.MARKS) == set(texts.SAID) == set(Outcome)
    assert len(set(texts.MARKS.values())) == len(Outcome)
    assert texts.row_name(DEAD) == "Name (DNS): does not work. There is no host."


def test_long_words_can_be_broken() -> None:
    host = "a" * 100
    assert texts.breakable(f"at {host}.").split("\u200b") == [
        f"at {'a' * 40}",
        "a" * 40,
        "a" * 20 + ".",
    ]
    assert texts.breakable("b" * 40) == "b" * 40


def test_the_report() -> None:
    said = {"version": "1", "system": "Linux", "written": "today"}
    text = texts.report_text(Report((DEAD,)), **said)
    assert text.startswith("Rejoin 1 on Linux\nWritten today\n\nName (DNS)     FAILED")
    assert text.endswith("Check the address.")
    assert texts.report_text(Report((), cancelled=True), **said) == "The check was cancelled."
