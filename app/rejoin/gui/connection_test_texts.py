"""What *Test my connection* says. Pure; the rules are those of `texts`."""

from __future__ import annotations

import re
from typing import Final

from rejoin.language import mark, number, sentences, tr
from rejoin.runtime.doctor.findings import Began, Finding, Outcome, Report
from rejoin.runtime.doctor.texts import NAMES, is_poor, summary_of, text_of

TITLE: Final = mark("Test my connection")
START: Final = mark("Test")
START_WITH_GAME: Final = mark("Test with a game")
CANCEL: Final = mark("Cancel")
BACK: Final = mark("Back")
COPY: Final = mark("Copy report")
COPIED: Final = mark("Report copied")
AGAIN: Final = mark("Test again")
NO_BACKEND: Final = mark("Choose a studio first: there is nothing to test yet.")
INTRODUCTION: Final = mark(
    "Rejoin checks the way to the studio, which takes a few seconds. With a game it also plays for "
    "ten seconds, without a picture, and ends that game again."
)
CANCELLED: Final = mark("The test was cancelled.")

LONGEST_WORD: Final = 40

MARKS: Final = {
    Outcome.OK: "✓",
    Outcome.WARNING: "!",
    Outcome.FAILED: "✗",
    Outcome.NOT_KNOWN: "–",
}
SAID: Final = {
    Outcome.OK: mark("good"),
    Outcome.WARNING: mark("could be better"),
    Outcome.FAILED: mark("does not work"),
    Outcome.NOT_KNOWN: mark("not checked"),
}
"""For who cannot see the mark."""
TITLES: Final = {
    Outcome.OK: mark("Your connection is good"),
    Outcome.WARNING: mark("You can play, but something could be better"),
    Outcome.FAILED: mark("Something does not work"),
}


POOR_TITLE: Final = mark("The game can be played, and not well")


def name_of(check: str) -> str:
    """What a person reads for the name of a check."""
    return tr(NAMES[check])


def doing(began: Began, since_s: float) -> str:
    """What is being done, and how long the rest takes; `since_s`: how long ago it began."""
    left_s = began.left_s - since_s
    if left_s < 1.0:
        return tr("{check}: this takes longer than usual ...", check=name_of(began.check))
    seconds = number(left_s, 0)
    return tr("{check} ... about {seconds} s left", check=name_of(began.check), seconds=seconds)


def progress(began: Began, since_s: float, total_s: float) -> float:
    """How much is done, 0 to 1, by time; a check that takes longer holds it."""
    left_s = max(0.0, began.left_s - since_s)
    return min(0.99, max(0.0, 1.0 - left_s / total_s)) if total_s > 0 else 0.0


def breakable(text: str) -> str:
    """The text with places to break in words that are longer than a line may be (zero-width
    spaces), as host names can be."""
    return re.sub(rf"(\S{{{LONGEST_WORD}}})(?=\S)", "\\1\u200b", text)


def row_name(finding: Finding) -> str:
    """What a screen reader says of a row."""
    said = tr(
        "{check}: {outcome}.", check=name_of(finding.check), outcome=tr(SAID[finding.outcome])
    )
    return sentences(said, tr(finding.found))


def title_of(report: Report) -> str:
    if report.cancelled:
        return tr(CANCELLED)
    return tr(POOR_TITLE if is_poor(report) else TITLES[report.outcome])


def advice_of(report: Report) -> str:
    """The one piece of advice; empty where there is nothing to do."""
    return "" if report.cancelled or not report.advice else tr(report.advice)


def report_text(report: Report, *, version: str, system: str, written: str) -> str:
    """What *Copy report* puts on the clipboard: in English, since the studio is to read it."""
    head = (f"Rejoin {version} on {system}", f"Written {written}")
    return "\n".join((*head, "", text_of(report))) if report.findings else summary_of(report)
