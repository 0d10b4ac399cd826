"""Tests for two builds.

The expected p-values were computed once with scipy 1.17.1 (`fisher_exact`, `binomtest`,
`mannwhitneyu`), beside a hundred random ones that are not kept here.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from rejoin.qa import exact_tests
from rejoin.qa.exact_tests import Stratum

LEVEL = 0.0025


@pytest.mark.parametrize(
    ("table", "chance"),
    [
        ((0, 200, 8, 200), 0.003637279631137989),
        ((0, 200, 10, 200), 0.0008702588772449783),
        ((0, 600, 5, 200), 0.0009402850108895115),
        ((3, 17, 9, 21), 0.09386305103768953),
        ((0, 5, 0, 9), 1.0),
    ],
)
def test_shares_as_fishers_test(table: tuple[int, int, int, int], chance: float) -> None:
    assert exact_tests.share_is_higher(*table) == pytest.approx(chance, rel=1e-9)


def test_counts_as_a_binomial_test() -> None:
    assert exact_tests.count_is_higher(3, 40, 9, 40) == pytest.approx(0.072998046875)
    assert exact_tests.count_is_higher(3, 80, 9, 40) == pytest.approx(0.0038555549910526277)
    assert exact_tests.count_is_higher(0, 40, 0, 40) == 1.0
    assert exact_tests.count_is_higher(0, 0, 5, 40) == 1.0


def test_values_of_one_stratum_as_mann_and_whitney() -> None:
    before, after = (1.1, 0.4, 2.5, 1.9, 0.8), (2.2, 1.3, 3.1, 2.9, 4.0, 1.7)
    chance = exact_tests.values_are_higher([Stratum(before, after)])
    assert chance == pytest.approx(0.041125541125541128)  # exact
    many = [
        Stratum(tuple(each * 0.1 for each in range(60)), tuple(each * 0.1 for each in range(8, 70)))
    ]
    # normal, without correction for continuity
    assert exact_tests.values_are_higher(many) == pytest.approx(0.0046373047704879175)


def test_values_of_several_strata_among_all_their_arrangements() -> None:
    strata = [
        Stratum((1.0, 2.0), (2.5, 3.0)),
        Stratum((10.0, 14.0, 11.0), (12.0, 13.5)),
        Stratum((100.0,), (101.0,)),
    ]
    ranks = exact_tests._ranks(np.concatenate([exact_tests._aligned(each) for each in strata]))
    parts = ((ranks[:4], 2), (ranks[4:9], 2), (ranks[9:], 1))
    found = sum(float(part[-count:].sum()) for part, count in parts)
    sums = [
        sum(map(sum, chosen))
        for chosen in itertools.product(
            *(itertools.combinations(part, count) for part, count in parts)
        )
    ]
    expected = sum(each >= found - 1e-9 for each in sums) / len(sums)
    assert exact_tests.values_are_higher(strata) == pytest.approx(expected)


def test_what_all_drops_of_a_case_have_in_common_does_not_count() -> None:
    """Cases freeze for very different times; a shift of a second is seen in all of them."""
    chance = random.Random(1)
    strata = [
        Stratum(
            tuple(case + chance.gauss(0, 0.2) for _ in range(4)),
            tuple(case + 1.0 + chance.gauss(0, 0.2) for _ in range(4)),
        )
        for case in (1.0, 3.0, 10.0, 30.0)
    ]
    assert exact_tests.values_are_higher(strata) < 1e-6
    assert exact_tests.shift_of(strata) == pytest.approx(1.0, abs=0.2)


def test_equal_values_and_empty_strata_say_nothing() -> None:
    assert exact_tests.values_are_higher([]) == 1.0
    assert exact_tests.values_are_higher([Stratum((1.0,), ())]) == 1.0
    assert exact_tests.values_are_higher([Stratum((1.0,) * 5, (1.0,) * 5)]) == 1.0
    assert exact_tests.values_are_higher([Stratum((1.0,) * 80, (1.0,) * 80)]) == 1.0
    assert exact_tests.shift_of([Stratum((1.0,), ())]) == 0.0
    assert exact_tests.drops_for_shift([Stratum((1.0,), (2.0,))], 1.0, LEVEL) is None


def test_the_number_of_drops_that_are_needed_is_enough() -> None:
    """At that number about 8 of 10 comparisons find the difference."""
    chance = random.Random(2)
    spread = Stratum(
        tuple(chance.gammavariate(20, 0.06) for _ in range(40)),
        tuple(chance.gammavariate(20, 0.06) for _ in range(40)),
    )
    needed = exact_tests.drops_for_shift([spread], 0.25, LEVEL)
    assert needed is not None
    found = 0
    for _ in range(60):
        before = tuple(chance.gammavariate(20, 0.06) for _ in range(needed))
        after = tuple(chance.gammavariate(20, 0.06) + 0.25 for _ in range(needed))
        found += exact_tests.values_are_higher([Stratum(before, after)]) <= LEVEL
    assert 38 <= found <= 59, needed

    needed = exact_tests.drops_for_share(0.02, 0.05, LEVEL)
    found = 0
    for _ in range(60):
        one = sum(chance.random() < 0.02 for _ in range(needed))
        other = sum(chance.random() < 0.07 for _ in range(needed))
        found += exact_tests.share_is_higher(one, needed, other, needed) <= LEVEL
    assert 38 <= found <= 59, needed

    needed = exact_tests.drops_for_count(0.1, 0.1, LEVEL)
    found = 0
    for _ in range(60):
        one = sum(chance.random() < 0.1 for _ in range(needed))
        other = sum(chance.random() < 0.2 for _ in range(needed))
        found += exact_tests.count_is_higher(one, needed, other, needed) <= LEVEL
    assert found >= 38, needed


def test_several_p_values_share_one_level() -> None:
    rejected = exact_tests.rejected
    assert rejected([0.001, 0.5], [1, 1], LEVEL) == [True, False]
    assert rejected([0.002, 0.5], [1, 1], LEVEL) == [False, False]
    # What counted leaves its part to the others (Holm).
    assert rejected([0.001, 0.002], [1, 1], LEVEL) == [True, True]
    # A larger weight is a larger part.
    assert rejected([0.002, 0.5], [9, 1], LEVEL) == [True, False]
    assert rejected([], [], LEVEL) == []


def test_the_least_that_a_test_can_say_depends_on_the_numbers_alone() -> None:
    assert exact_tests.least_chance_of_share(0, 40, 40) == 1.0
    assert exact_tests.least_chance_of_share(8, 40, 40) == exact_tests.share_is_higher(0, 40, 8, 40)
    assert exact_tests.least_chance_of_share(50, 40, 40) == exact_tests.share_is_higher(
        10, 40, 40, 40
    )
    assert exact_tests.least_chance_of_count(4, 40, 40) == pytest.approx(1 / 16)
