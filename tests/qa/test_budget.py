"""Budgets: what they hold, what is wrong with them, and what they find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.compared_results import a_drop, a_play
from rejoin.errors import BadInputError
from rejoin.qa import budget, figures
from rejoin.qa.budget import Budget, Excess
from rejoin.qa.figures import DropFigures, PlayFigures
from rejoin.qa.results import CallCounts


def plays() -> list[PlayFigures]:
    records = [
        a_play(
            a_drop(0, freeze_s=1.0 + number, calls=CallCounts(1 + (number == 0), 0, 0)),
            memory_mb=(60.0, 61.0),
        )
        for number in range(4)
    ]
    found = [figures.of_play(record) for record in records]
    return [each for each in found if each is not None]


def test_every_figure_can_have_a_limit() -> None:
    text = "".join(f"{key} = 1000\n" for key in budget.LIMITS)
    read = budget.parse("b.toml", f"freeze_limit_s = 2\nleast_drops = 4\n{text}")
    assert set(read.limits) == set(budget.LIMITS)
    assert (read.freeze_s, read.least_drops) == (2.0, 4)
    assert list(read.excesses(plays())) == []


def test_what_is_over_its_limit_is_found_and_what_is_at_it_is_not() -> None:
    read = budget.parse(
        "b.toml",
        """
        freeze_limit_s = 3.5
        freeze_max_s = 4
        freeze_p95_s = 3
        freeze_median_s = 2.5
        over_budget_per_100 = 25
        retries_per_100 = 0
        memory_max_mb = 0.5
        """,
    )
    found = {each.key: each.found for each in read.excesses(plays())}
    assert found == pytest.approx(
        {"freeze_p95_s": 3.85, "retries_per_100": 25.0, "memory_max_mb": 1.0}
    )


def test_what_the_results_do_not_say_is_not_within_a_budget() -> None:
    read = Budget({"freeze_p95_s": 1.0, "lost_answers_per_100": 0.0}, least_drops=10)
    assert list(read.excesses([])) == [
        Excess("least_drops", 10, None),
        Excess("freeze_p95_s", 1.0, None),
        Excess("lost_answers_per_100", 0.0, None),
    ]


def test_a_game_that_was_lost_stands_still_for_good() -> None:
    lost = DropFigures(0, True, False, False, False, False, {})
    back = [replace(lost, lost=False, values={"freeze_s": 1.0 + each}) for each in range(19)]
    failed = PlayFigures(("s", "c"), True, (*back, lost), 0, {})
    limits = Budget({f"freeze_{each}_s": 30.0 for each in ("median", "p95", "max")})
    [excess] = limits.excesses([replace(failed, drops=(*back, *back, lost))])
    assert excess == Excess("freeze_max_s", 30.0, None, for_good=True)
    assert [each.key for each in limits.excesses([failed])] == ["freeze_p95_s", "freeze_max_s"]
    assert len(list(limits.excesses([replace(failed, drops=(lost,))]))) == 3
    assert list(limits.excesses([replace(failed, failed=False)])) == [], "it was to be lost"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("freeze_p95_s = ", "not TOML"),
        ("freeze_p96_s = 1", r"'freeze_p96_s', which is no figure\. There are: failed_plays"),
        ("[limits]\nfreeze_p95_s = 1", "'limits', which is no figure"),
        ("freeze_p95_s = true", "freeze_p95_s in b.toml has to be a number"),
        ('freeze_p95_s = "1"', "has to be a number"),
        ("freeze_p95_s = nan", "has to lie between 0"),
        ("freeze_p95_s = -1", "has to lie between 0"),
        ("over_budget_per_100 = 1", "it needs freeze_limit_s too"),
        ("", "has no limit"),
        ("least_drops = 3", "has no limit"),
        ("a = " + "[" * 5000, "not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, wrong: str) -> None:
    with pytest.raises(BadInputError, match=wrong):
        budget.parse("b.toml", text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        budget.load(tmp_path / "missing.toml")
    file = tmp_path / "b.toml"
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadInputError, match="not text"):
        budget.load(file)
    file.write_text("freeze_max_s = 3\n", encoding="utf-8-sig")
    assert budget.load(file) == Budget({"freeze_max_s": 3.0})
