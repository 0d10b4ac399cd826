"""Compares the results of two builds: what got worse, and whether enough was played to see it.

A figure is worse if its difference is at least half of the least effect, and is significant: over
all figures together an unchanged build is called worse in 0.25 % of comparisons at most, so that
twenty comparisons in a row pass in 95 % of cases.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from statistics import median
from typing import Final

from rejoin.errors import BadInputError
from rejoin.qa import exact_tests, figures
from rejoin.qa.budget import Budget, Excess
from rejoin.qa.exact_tests import Stratum
from rejoin.qa.figures import FIGURES, Figure, Kind, PlayFigures
from rejoin.qa.results import CaseRecord

LEVEL: Final = 0.0025
MATTERS_FROM: Final = 0.5
"""Share of the least effect: a real difference of that size measures smaller in half of all
comparisons."""
WAITED_APART: Final = 0.1
"""Times are not compared if the client waited for a processor in so much more of its time with one
build than with the other."""
DEFAULT_ASKED: Final = (figures.FREEZE.key,)
"""The differences that a comparison must be able to detect by default."""


class Finding(enum.StrEnum):
    """The finding about one figure."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    """No difference that matters, and one would probably have been seen."""
    TOO_FEW = "too_few"
    """No difference was found, but too little was played to detect one that matters."""
    NOT_MEASURED = "not_measured"
    NOT_COMPARABLE = "not_comparable"
    """A time, and the machine was busier with one of the builds."""


UNSEEN: Final = frozenset({Finding.TOO_FEW, Finding.NOT_MEASURED, Finding.NOT_COMPARABLE})
"""Nothing is known."""


class Conclusion(enum.StrEnum):
    """The conclusion of a whole comparison."""

    NO_WORSE = "no_worse"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both builds. `before`, `after`: per 100, or the median; None: not measured.
    `of_before`, `of_after`: how many plays or drops it is made of. `difference`: after minus
    before; of values their shift. `chance`: of such a difference if nothing has changed. `least`:
    the difference that has to be seen. `needed`: drops of each build at which that much is found in
    8 of 10 comparisons; None: the figure does not say. `asked`: whether the comparison is about
    it."""

    figure: Figure
    before: float | None
    after: float | None
    of_before: int
    of_after: int
    difference: float
    chance: float
    least: float
    needed: int | None
    asked: bool
    finding: Finding


@dataclass(frozen=True, slots=True)
class Side:
    """The plays of one build. `builds`: their names, as far as given."""

    builds: tuple[str, ...]
    plays: int
    drops: int
    said_nothing: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a report shows. `before` is None where only a budget was asked about.
    `excesses`: over the budget, or not known. `notes`: sentences about its limits."""

    before: Side | None
    after: Side
    compared: tuple[Compared, ...]
    excesses: tuple[Excess, ...]
    notes: tuple[str, ...]

    @property
    def conclusion(self) -> Conclusion:
        worse = any(each.finding is Finding.WORSE for each in self.compared)
        if worse or any(each.is_known for each in self.excesses):
            return Conclusion.WORSE
        if self.excesses or any(each.asked and each.finding in UNSEEN for each in self.compared):
            return Conclusion.INCONCLUSIVE
        return Conclusion.NO_WORSE


@dataclass(frozen=True, slots=True)
class Question:
    """`least`: differences that have to be seen, by the key of a figure; empty: DEFAULT_ASKED."""

    least: Mapping[str, float] = field(default_factory=dict)
    budget: Budget | None = None

    @property
    def asked(self) -> frozenset[str]:
        return frozenset(self.least or DEFAULT_ASKED)


def compare(
    before: Sequence[CaseRecord], after: Sequence[CaseRecord], question: Question
) -> Comparison:
    """Raises BadInputError if the results have no case in common that says something."""
    plays_before, plays_after = _plays(before), _plays(after)
    common = {play.case for play in plays_before} & {play.case for play in plays_after}
    if not common:
        raise BadInputError(
            "The two files have no case in common that was played: there is nothing to compare."
        )
    notes = [*_unlike(before, after), *_left_out(plays_before, plays_after, common)]
    plays_before = [play for play in plays_before if play.case in common]
    plays_after = [play for play in plays_after if play.case in common]
    balanced = _balanced(plays_before, plays_after)
    if len(balanced[0]) < len(plays_before) or len(balanced[1]) < len(plays_after):
        notes.append(
            "The cases were not played equally often in proportion; for shares and counts only the "
            "first plays of each case count, as many of one build as of the other."
        )
    over_s = question.budget.freeze_s if question.budget is not None else None
    found = [
        _measured(figure, balanced, (plays_before, plays_after), question, over_s)
        for figure in FIGURES
        if figure is not figures.OVER_BUDGET or over_s is not None
    ]
    busier = _busier(plays_before, plays_after)
    if busier:
        notes.append(busier)
        found = [
            replace(each, can_count=False, comparable=False)
            if each.compared.figure in figures.TIMES
            else each
            for each in found
        ]
    excesses = () if question.budget is None else question.budget.excesses(_plays(after))
    return Comparison(_side(before), _side(after), _judged(found), tuple(excesses), tuple(notes))


def only_budget(after: Sequence[CaseRecord], budget: Budget) -> Comparison:
    """Compare one build with a budget. Raises BadInputError if every play is inconclusive."""
    plays = _plays(after)
    if not plays:
        raise BadInputError("The file has no play that says something.")
    return Comparison(None, _side(after), (), tuple(budget.excesses(plays)), ())


# --- what is compared -----------------------------------------------------------------------------


def _plays(records: Iterable[CaseRecord]) -> list[PlayFigures]:
    return [play for record in records if (play := figures.of_play(record)) is not None]


def _side(records: Sequence[CaseRecord]) -> Side:
    plays = _plays(records)
    builds = dict.fromkeys(record.surroundings.build for record in records)
    return Side(
        tuple(build for build in builds if build),
        len(plays),
        sum(len(play.drops) for play in plays),
        len(records) - len(plays),
    )


def _balanced(
    before: list[PlayFigures], after: list[PlayFigures]
) -> tuple[list[PlayFigures], list[PlayFigures]]:
    """The plays with the same mix of cases: all of them where each case was played in the same
    proportion, else the first ones of each."""
    counts = [Counter(play.case for play in plays) for plays in (before, after)]
    if len({Fraction(counts[0][case], counts[1][case]) for case in counts[0]}) == 1:
        return before, after
    most = {case: min(count[case] for count in counts) for case in counts[0]}

    def first_ones(plays: list[PlayFigures]) -> list[PlayFigures]:
        taken: Counter[tuple[str, str]] = Counter()
        kept = []
        for play in plays:
            if taken[play.case] < most[play.case]:
                taken[play.case] += 1
                kept.append(play)
        return kept

    return first_ones(before), first_ones(after)


def _unlike(before: Sequence[CaseRecord], after: Sequence[CaseRecord]) -> Iterable[str]:
    """Sentences about what differs between the two files apart from the build."""
    for name in ("dialect", "region", "application", "client", "system"):
        both = [
            sorted({str(getattr(record.surroundings, name)) for record in records})
            for records in (before, after)
        ]
        if both[0] != both[1]:
            shown = [", ".join(each or "unknown" for each in side) for side in both]
            yield f"The {name} differs: {shown[0]} before, {shown[1]} after."


def _busier(before: Iterable[PlayFigures], after: Iterable[PlayFigures]) -> str:
    """A sentence if the machine was busier with one of the builds, else an empty text."""
    shares = [
        [play.waited_share for play in plays if play.waited_share is not None]
        for plays in (before, after)
    ]
    if not all(shares):
        return ""
    waited = [median(each) for each in shares]
    if abs(waited[0] - waited[1]) <= WAITED_APART:
        return ""
    when = "before" if waited[0] > waited[1] else "after"
    return (
        f"The machine was busier {when}: the client waited for a processor in "
        f"{100 * waited[0]:.0f} % of its time before and in "
        f"{100 * waited[1]:.0f} % after. Times are not compared: play both builds in turn on a "
        "machine that does nothing else."
    )


def _left_out(
    before: Iterable[PlayFigures], after: Iterable[PlayFigures], common: set[tuple[str, str]]
) -> Iterable[str]:
    for plays, which in ((before, "before"), (after, "after")):
        only = sorted({play.case for play in plays} - common)
        if only:
            names = ", ".join(f"{case} of {scenario}" for scenario, case in only)
            yield f"Only played {which}, and left out: {names}."


# --- each figure ----------------------------------------------------------------------------------

_Plays = tuple[list[PlayFigures], list[PlayFigures]]


@dataclass(frozen=True, slots=True)
class _Tested:
    """`better`: the chance that after is so much lower. `can_count`: whether any number of those
    that there are could be worse by more than chance. `needed`: drops of each build, at a level."""

    compared: Compared
    better: float = 1.0
    can_count: bool = False
    needed: Callable[[float], int | None] = lambda level: None
    comparable: bool = True


def _measured(
    figure: Figure, balanced: _Plays, whole: _Plays, question: Question, over_s: float | None
) -> _Tested:
    least = question.least.get(figure.key, figure.least)
    asked = figure.key in question.asked
    empty = Compared(figure, None, None, 0, 0, 0.0, 1.0, least, None, asked, Finding.NOT_MEASURED)
    match figure.kind:
        case Kind.PLAYS | Kind.DROPS:
            yes = [figures.flags(figure, plays, over_s) for plays in balanced]
            return _of_share(empty, yes[0], yes[1])
        case Kind.COUNT:
            counted = [figures.count_of(plays) for plays in balanced]
            return _of_count(empty, counted[0], counted[1])
        case Kind.VALUES:
            return _of_values(empty, _strata(figure, whole))


def _strata(figure: Figure, whole: _Plays) -> list[Stratum]:
    found: dict[tuple[tuple[str, str], int], tuple[list[float], list[float]]] = {}
    for side, plays in enumerate(whole):
        for play in plays:
            for which, value in figures.values(figure, play):
                found.setdefault((play.case, which), ([], []))[side].append(value)
    both = [Stratum(tuple(before), tuple(after)) for before, after in found.values()]
    return [each for each in both if each.before and each.after]


def _of_share(empty: Compared, before: Sequence[bool], after: Sequence[bool]) -> _Tested:
    if not before or not after:
        return _Tested(empty)
    yes, of = (sum(before), sum(after)), (len(before), len(after))
    share = sum(yes) / sum(of)
    compared = replace(
        empty,
        before=100 * yes[0] / of[0],
        after=100 * yes[1] / of[1],
        of_before=of[0],
        of_after=of[1],
        difference=100 * (yes[1] / of[1] - yes[0] / of[0]),
        chance=exact_tests.share_is_higher(yes[0], of[0], yes[1], of[1]),
    )
    needed = partial(exact_tests.drops_for_share, share, empty.least / 100)
    better = exact_tests.share_is_higher(yes[1], of[1], yes[0], of[0])
    least_chance = exact_tests.least_chance_of_share(sum(yes), *of)
    return _Tested(compared, better, least_chance <= LEVEL, needed)


def _of_count(empty: Compared, before: tuple[int, int], after: tuple[int, int]) -> _Tested:
    """Each: how many, in how many drops."""
    (count_before, in_before), (count_after, in_after) = before, after
    if not in_before or not in_after:
        return _Tested(empty)
    both = count_before + count_after
    compared = replace(
        empty,
        before=100 * count_before / in_before,
        after=100 * count_after / in_after,
        of_before=in_before,
        of_after=in_after,
        difference=100 * (count_after / in_after - count_before / in_before),
        chance=exact_tests.count_is_higher(count_before, in_before, count_after, in_after),
    )
    needed = partial(exact_tests.drops_for_count, both / (in_before + in_after), empty.least / 100)
    better = exact_tests.count_is_higher(count_after, in_after, count_before, in_before)
    least_chance = exact_tests.least_chance_of_count(both, in_before, in_after)
    return _Tested(compared, better, least_chance <= LEVEL, needed)


def _of_values(empty: Compared, strata: list[Stratum]) -> _Tested:
    if not strata:
        return _Tested(empty)
    turned = [Stratum(each.after, each.before) for each in strata]
    compared = replace(
        empty,
        before=median(value for each in strata for value in each.before),
        after=median(value for each in strata for value in each.after),
        of_before=sum(len(each.before) for each in strata),
        of_after=sum(len(each.after) for each in strata),
        difference=exact_tests.shift_of(strata),
        chance=exact_tests.values_are_higher(strata),
    )
    needed = partial(exact_tests.drops_for_shift, strata, empty.least)
    return _Tested(compared, exact_tests.values_are_higher(turned), True, needed)


def _judged(found: Sequence[_Tested]) -> tuple[Compared, ...]:
    """What is said of each figure when all are looked at. Those that cannot count, by their number
    alone, take no part of the level (Tarone)."""
    family = [each for each in found if each.can_count]
    weights = [float(each.compared.figure.weight) for each in family]
    worse = exact_tests.rejected([each.compared.chance for each in family], weights, LEVEL)
    better = exact_tests.rejected([each.better for each in family], weights, LEVEL)
    is_worse = {id(each) for each, so in zip(family, worse, strict=True) if so}
    is_better = {id(each) for each, so in zip(family, better, strict=True) if so}
    judged = []
    for each in found:
        weight = each.compared.figure.weight
        whole = sum(weights) + (0 if each.can_count else weight)
        compared = replace(each.compared, needed=each.needed(LEVEL * weight / whole))
        finding = _finding(compared, is_worse=id(each) in is_worse, is_better=id(each) in is_better)
        if not each.comparable and finding is not Finding.NOT_MEASURED:
            finding = Finding.NOT_COMPARABLE
        judged.append(replace(compared, finding=finding))
    return tuple(judged)


def _finding(compared: Compared, *, is_worse: bool, is_better: bool) -> Finding:
    if compared.before is None or compared.after is None:
        return Finding.NOT_MEASURED
    matters = compared.least * MATTERS_FROM
    if is_worse and compared.difference >= matters:
        return Finding.WORSE
    if is_better and -compared.difference >= matters:
        return Finding.BETTER
    if compared.needed is None or _of_each(compared) < compared.needed:
        return Finding.TOO_FEW
    return Finding.SAME


def _of_each(compared: Compared) -> float:
    """The equal number of each build that would give the same precision as these two numbers."""
    return 2 / (1 / compared.of_before + 1 / compared.of_after)
