"""When a report is good."""

from __future__ import annotations

import pytest

from rejoin.backend.check.findings import (
    Advice,
    Broken,
    Finding,
    Kept,
    NotChecked,
    Outcome,
    Report,
)


@pytest.mark.parametrize(
    ("outcome", "good"),
    [(Kept(), True), (Advice("x"), True), (NotChecked("x"), True), (Broken("x"), False)],
)
def test_only_what_is_broken_makes_a_report_bad(outcome: Outcome, good: bool) -> None:
    report = Report("http://x", (Finding("a", "b", "1", Kept()), Finding("c", "d", "", outcome)))
    assert report.good is good
    assert not Report("http://x", report.findings, left_running=1).good
