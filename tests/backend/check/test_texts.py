"""A report as lines and as JSON."""

from __future__ import annotations

import json

from rejoin.backend.check.findings import Advice, Broken, Finding, Kept, NotChecked, Report
from rejoin.backend.check.texts import json_of, line_of, summary_of

FINDINGS = (
    Finding("one", "First", "", Kept()),
    Finding("two", "Second", "2", Broken("It is 500.")),
    Finding("three", "Third", "", Advice("Look.")),
    Finding("four", "Fourth", "", NotChecked("no token")),
)


def test_a_finding_is_a_line_and_what_was_seen() -> None:
    assert line_of(FINDINGS[0]).split() == ["ok", "one", "First"]
    first, second = line_of(FINDINGS[1]).splitlines()
    assert first.split() == ["broken", "two", "Second", "(rule", "2)"]
    assert second.strip() == "It is 500."


def test_the_summary_counts_and_names_what_was_left() -> None:
    assert summary_of(Report("u", FINDINGS)) == (
        "1 of 4 points hold, 1 are broken, 1 were not checked; 1 have advice."
    )
    assert summary_of(Report("u", FINDINGS, 2)).endswith(
        "2 stream sessions could not be ended: end them by hand."
    )


def test_the_json_has_everything() -> None:
    found = json.loads(json_of(Report("http://x", FINDINGS, 1)))
    assert (found["url"], found["good"], found["left_running"]) == ("http://x", False, 1)
    assert [point["outcome"] for point in found["points"]] == [
        "ok",
        "broken",
        "advice",
        "unchecked",
    ]
    assert found["points"][1]["detail"] == "It is 500."
