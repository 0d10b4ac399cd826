"""Statistical tests for two builds: shares, counts, and values by their ranks; several at once.

All are one-sided: they give the probability that the second build comes out so much higher although
both builds are the same. They are written here because the only library that has some of them is
larger than the rest of `qa`; `tests/qa/test_exact_tests.py` says how they were compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

EXACT_UP_TO: Final = 60
"""Values; of no more than these the rank test counts every arrangement, of more it takes a normal
distribution."""
_SEEN: Final = 0.8
"""The power: a real difference has to be found in this share of comparisons."""


# --- shares ---------------------------------------------------------------------------------------


def share_is_higher(before: int, of_before: int, after: int, of_after: int) -> float:
    """Fisher's exact test: given how many there are in both together."""
    both = before + after
    ways = sum(
        math.comb(of_after, count) * math.comb(of_before, both - count)
        for count in range(after, min(both, of_after) + 1)
    )
    return ways / math.comb(of_before + of_after, both)


def least_chance_of_share(both: int, of_before: int, of_after: int) -> float:
    """The least that `share_is_higher` can be, whatever the builds: with all of them after."""
    after = min(both, of_after)
    return share_is_higher(both - after, of_before, after, of_after)


def drops_for_share(share: float, more: float, level: float) -> int:
    """How many drops of each build show a share that is higher by `more` (the formula of
    Casagrande, Pike and Smith)."""
    higher = min(1.0, share + more)
    middle = (share + higher) / 2
    root = _z(level) * math.sqrt(2 * middle * (1 - middle)) + _z(1 - _SEEN) * math.sqrt(
        share * (1 - share) + higher * (1 - higher)
    )
    if higher <= share:
        return 1
    plain = (root / (higher - share)) ** 2
    return math.ceil(plain / 4 * (1 + math.sqrt(1 + 4 / (plain * (higher - share)))) ** 2)


# --- counts ---------------------------------------------------------------------------------------


def count_is_higher(before: int, in_before: int, after: int, in_after: int) -> float:
    """The exact test of two counts of random events in so many drops, given the counts' sum."""
    both = before + after
    if not both or not in_before or not in_after:
        return 1.0
    ways = sum(
        math.comb(both, count) * in_after**count * in_before ** (both - count)
        for count in range(after, both + 1)
    )
    return float(ways / (in_before + in_after) ** both)


def least_chance_of_count(both: int, in_before: int, in_after: int) -> float:
    """The least that `count_is_higher` can be: with all of them after."""
    return count_is_higher(0, in_before, both, in_after)


def drops_for_count(rate: float, more: float, level: float) -> int:
    """How many drops of each build show a rate per drop that is higher by `more`."""
    both = 2 * rate + more
    root = (_z(level) + _z(1 - _SEEN)) * math.sqrt(both)
    return math.ceil((root / more) ** 2)


# --- values ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stratum:
    """Values that can be compared with each other: those of the same drop of the same case."""

    before: tuple[float, ...]
    after: tuple[float, ...]


def values_are_higher(strata: Sequence[Stratum]) -> float:
    """The rank test of Hodges and Lehmann with aligned values: each counts from the median of its
    stratum, and all are ranked together. With one stratum it is that of Mann and Whitney, with
    pairs nearly that of Wilcoxon."""
    strata = _comparable(strata)
    if not strata:
        return 1.0
    ranks = _ranks(np.concatenate([_aligned(each) for each in strata]))
    parts, at = [], 0
    for each in strata:
        size = len(each.before) + len(each.after)
        parts.append((ranks[at : at + size], len(each.before), len(each.after)))
        at += size
    found = sum(float(part[before:].sum()) for part, before, _ in parts)
    if len(ranks) <= EXACT_UP_TO:
        return _exact(parts, found)
    mean = sum(after * float(part.mean()) for part, _, after in parts)
    variance = sum(
        before * after / (before + after) * float(part.var(ddof=1)) for part, before, after in parts
    )
    if variance <= 0.0:
        return 1.0
    return math.erfc((found - mean) / math.sqrt(2 * variance)) / 2


def _comparable(strata: Sequence[Stratum]) -> list[Stratum]:
    return [each for each in strata if each.before and each.after]


def _aligned(stratum: Stratum) -> _Floats:
    """The values before, then those after."""
    values = np.array([*stratum.before, *stratum.after])
    return np.asarray(values - np.median(values), dtype=np.float64)


def _ranks(values: _Floats) -> _Floats:
    """From 1; equal ones have their mean."""
    # Values that differ by rounding alone are equal.
    _, which, counts = np.unique(np.round(values, 9), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[which], dtype=np.float64)


def _exact(parts: Sequence[tuple[_Floats, int, int]], found: float) -> float:
    """The share of all arrangements within each stratum whose sum of ranks is at least as high."""
    sums = np.ones(1)
    for ranks, _, after in parts:
        sums = np.convolve(sums, _sums(np.round(2 * ranks).astype(int).tolist(), after))
    return float(min(1.0, sums[round(2 * found) :].sum() / sums.sum()))


def _sums(scores: Sequence[int], count: int) -> _Floats:
    """In how many ways `count` of these scores have each sum; as a share of all, as a float has
    room for no more."""
    longest = sum(sorted(scores)[-count:])
    ways = np.zeros((count + 1, longest + 1))
    ways[0, 0] = 1.0
    for score in scores:
        ways[1:, score:] += ways[:-1, : longest + 1 - score]
    return np.asarray(ways[count] / ways[count].sum(), dtype=np.float64)


def shift_of(strata: Sequence[Stratum]) -> float:
    """By how much values are higher after: the median of all differences within the strata."""
    differences = [
        np.subtract.outer(np.array(each.after), np.array(each.before)).ravel()
        for each in _comparable(strata)
    ]
    return float(np.median(np.concatenate(differences))) if differences else 0.0


def drops_for_shift(strata: Sequence[Stratum], more: float, level: float) -> int | None:
    """How many drops of each build show values that are higher by `more`, with the spread of these
    (Noether's formula); None where they do not say how far they are spread."""
    spread = _spread(_comparable(strata))
    if spread is None:
        return None
    # The probability that a value that is higher by `more` is the higher one of two.
    place = np.searchsorted(spread, spread + more, side="left")
    equal = np.searchsorted(spread, spread + more, side="right") - place
    higher = float((place + equal / 2).mean()) / len(spread)
    if higher <= 0.5:
        return None
    return math.ceil((_z(level) + _z(1 - _SEEN)) ** 2 / (6 * (higher - 0.5) ** 2))


def _spread(strata: Sequence[Stratum]) -> _Floats | None:
    """How far values lie from where they would be expected, in order."""
    if sum(len(each.before) + len(each.after) - 1 for each in strata) < 2:
        return None
    shift = shift_of(strata)
    residuals = []
    for each in strata:
        values = np.array([*each.before, *(value - shift for value in each.after)])
        residuals.append((values - np.median(values)) * math.sqrt(len(values) / (len(values) - 1)))
    return np.sort(np.concatenate(residuals))


# --- several at once ------------------------------------------------------------------------------


def rejected(chances: Sequence[float], weights: Sequence[float], level: float) -> list[bool]:
    """Which p-values count when all of them are looked at (Holm, with weights): if nothing is
    different, any of them counts with a probability of `level` at most."""
    left = sum(weights)
    found = [False] * len(chances)
    order = sorted(range(len(chances)), key=lambda which: chances[which] / weights[which])
    for which in order:
        if chances[which] > level * weights[which] / left:
            break
        found[which] = True
        left -= weights[which]
        if left <= 0:
            break
    return found


def _z(level: float) -> float:
    return -NormalDist().inv_cdf(level)
