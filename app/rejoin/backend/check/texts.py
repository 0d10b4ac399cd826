"""A report as lines for a person, and as JSON for a program."""

from __future__ import annotations

import json
from collections import Counter
from typing import assert_never

from rejoin.backend.check.findings import Advice, Broken, Finding, Kept, NotChecked, Outcome, Report


def word_of(outcome: Outcome) -> str:
    """One word, which the JSON has too."""
    match outcome:
        case Kept():
            return "ok"
        case Broken():
            return "broken"
        case Advice():
            return "advice"
        case NotChecked():
            return "unchecked"
        case _:
            assert_never(outcome)


def detail_of(outcome: Outcome) -> str:
    """What the check saw, or why it did not check; "" if the point holds."""
    match outcome:
        case Kept():
            return ""
        case Broken(sentence) | Advice(sentence):
            return sentence
        case NotChecked(reason):
            return reason
        case _:
            assert_never(outcome)


def line_of(finding: Finding) -> str:
    """One finding, as one or two lines."""
    rule = f" (rule {finding.rule})" if finding.rule else ""
    line = f"{word_of(finding.outcome):9}  {finding.name:20}  {finding.says}{rule}"
    detail = detail_of(finding.outcome)
    return f"{line}\n{'':33}{detail}" if detail else line


def summary_of(report: Report) -> str:
    """One sentence, or two."""
    count = Counter(word_of(finding.outcome) for finding in report.findings)
    text = (
        f"{count['ok']} of {len(report.findings)} points hold, {count['broken']} are broken, "
        f"{count['unchecked']} were not checked; {count['advice']} have advice."
    )
    if report.left_running:
        text += f" {report.left_running} stream sessions could not be ended: end them by hand."
    return text


def json_of(report: Report) -> str:
    """The whole report."""
    return json.dumps(
        {
            "url": report.url,
            "good": report.good,
            "left_running": report.left_running,
            "points": [
                {
                    "name": finding.name,
                    "says": finding.says,
                    "rule": finding.rule,
                    "outcome": word_of(finding.outcome),
                    "detail": detail_of(finding.outcome),
                }
                for finding in report.findings
            ],
        },
        indent=2,
    )
