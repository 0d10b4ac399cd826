"""What *Test my connection* says. Pure; the rules are those of `texts`."""

from __future__ import annotations

import re
from typing import Final

from rejoin.runtime.doctor.findings import Began, Finding, Outcome, Report
from rejoin.runtime.doctor.texts import NAMES, POOR, is_poor, summary_of, text_of

TITLE: Final = "Test my connection"
START: Final = "Test"
START_WITH_GAME: Final = "Test with a game"
CANCEL: Final = "Cancel"
BACK: Final = "Back"
COPY: Final = "Copy report"
COPIED: Final = "Report copied"
AGAIN: Final = "Test again"
NO_BACKEND: Final = "Choose a studio first: there is nothing to test yet."
INTRODUCTION: Final = (
    "Rejoin checks the way to the studio, which takes a few seconds. With a game it also plays for "
    "ten seconds, without a picture, and ends that game again."
)
CANCELLED: Final = "The test was cancelled."

LONGEST_WORD: Final = 40

MARKS: Final = {
    Outcome.OK: "✓",
    Outcome.WARNING: "!",
    Outcome.FAILED: "✗",
    Outcome.NOT_KNOWN: "–",
}
SAID: Final = {
    Outcome.OK: "good",
    Outcome.WARNING: "could be better",
    Outcome.FAILED: "does not work",
    Outcome.NOT_KNOWN: "not checked",
}
"""For who cannot see the mark."""
TITLES: Final = {
    Outcome.OK: "Your connection is good",
    Outcome.WARNING: "You can play, but something could be better",
    Outcome.FAILED: "Something does not work",
}


def doing(began: Began, since_s: float) -> str:
    """What is being done, and how long the rest takes; `since_s`: how long ago it began."""
    left_s = began.left_s - since_s
    if left_s < 1.0:
        return f"{NAMES[began.check]}: this takes longer than usual ..."
    return f"{NAMES[began.check]} ... about {left_s:.0f} s left"


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
    return f"{NAMES[finding.check]}: {SAID[finding.outcome]}. {finding.found}"


def title_of(report: Report) -> str:
    if report.cancelled:
        return CANCELLED
    return POOR.rstrip(".") if is_poor(report) else TITLES[report.outcome]


def advice_of(report: Report) -> str:
    """The one piece of advice; empty where there is nothing to do."""
    return "" if report.cancelled else report.advice


def report_text(report: Report, *, version: str, system: str, written: str) -> str:
    """What *Copy report* puts on the clipboard."""
    head = (f"Rejoin {version} on {system}", f"Written {written}")
    return "\n".join((*head, "", text_of(report))) if report.findings else summary_of(report)
