"""What a comparison says: in a terminal, in Markdown, and as JSON."""

from __future__ import annotations

import json

import pytest

from helpers.compared_results import a_build
from rejoin.qa import comparison, comparison_report
from rejoin.qa.budget import Budget
from rejoin.qa.comparison import Comparison, Question

HOSTILE = "<img src=x>|`eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9`\n# heading"


@pytest.fixture(scope="module")
def worse() -> Comparison:
    budget = Budget({"freeze_p95_s": 0.5, "lost_answers_per_100": 0.0}, freeze_s=5.0)
    after = a_build(40, 2, build=HOSTILE, slower_s=1.0)
    return comparison.compare(a_build(40, 1), after, Question({"memory_mb": 0.1}, budget))


def test_each_figure_has_a_line_and_what_is_worse_is_said_last(worse: Comparison) -> None:
    lines = list(comparison_report.lines(worse))
    assert lines[0] == "before: b1: 40 plays, 40 drops"
    assert any(line.startswith("  WORSE         until the drop was noticed ") for line in lines)
    assert any("0.1 MB more would be seen in" in line for line in lines)
    assert any("OVER BUDGET   freeze_p95_s: " in line for line in lines)
    assert lines[-2:] == [
        "Worse: without a picture, until the drop was noticed.",
        "Over the budget: freeze_p95_s.",
    ]


def test_markdown_has_a_table_and_nothing_of_a_build_that_is_interpreted(
    worse: Comparison,
) -> None:
    text = comparison_report.document(worse)
    assert text.startswith("## Compared: worse\n")
    (row,) = (line for line in text.splitlines() if line.startswith("| **worse** | until"))
    assert row.count("|") == 9
    assert "0.1 (asked)" in text
    for each in ("<img", "eyJ", "\n# heading"):
        assert each not in text


def test_json_has_the_members_of_the_comparison(worse: Comparison) -> None:
    whole = json.loads(comparison_report.as_json(worse))
    assert (whole["version"], whole["conclusion"], whole["level"]) == (1, "worse", 0.0025)
    noticed = next(each for each in whole["compared"] if each["figure"] == "noticed_s")
    assert noticed["finding"] == "worse"
    assert noticed["difference"] == pytest.approx(1.0, abs=0.1)
    assert whole["excesses"][0]["key"] == "freeze_p95_s"


def test_what_is_not_known_is_named() -> None:
    few = comparison.compare(a_build(3, 1), a_build(3, 2), Question())
    last = list(comparison_report.lines(few))[-1]
    assert last == "Inconclusive: nothing is known about: without a picture."
    assert "inconclusive" in comparison_report.document(few)


def test_a_budget_alone_and_no_worse_are_said() -> None:
    kept = comparison.only_budget(a_build(5, 1), Budget({"freeze_max_s": 9.0}))
    lines = list(comparison_report.lines(kept))
    assert lines == ["after:  b1: 5 plays, 5 drops", "Within the budget."]
    short = comparison.only_budget(a_build(5, 1), Budget({"freeze_max_s": 9.0}, None, 50))
    assert "  too few       fewer than 50 drops" in comparison_report.lines(short)
    assert "<code>least_drops</code>" in comparison_report.document(short)
    same = comparison.compare(a_build(40, 1), a_build(40, 2), Question())
    assert list(comparison_report.lines(same))[-1] == "No worse."
