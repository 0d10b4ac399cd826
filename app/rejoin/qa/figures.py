"""The figures in which two builds are compared, and which of them a result has.

Causes come first, because a rare fault shows in its cause long before it shows in any time.
"""

from __future__ import annotations

import enum
import itertools
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from rejoin.qa.drops import AT_ONCE_S
from rejoin.qa.results import CaseRecord, EpisodeResult, Played
from rejoin.qa.verdicts import Verdict


class Kind(enum.StrEnum):
    """The data of a figure, and the test with which it is compared."""

    PLAYS = "plays"
    """A share of plays: Fisher's exact test."""
    DROPS = "drops"
    """A share of drops: Fisher's exact test."""
    COUNT = "count"
    """How often something happened by itself, for each drop: exact, given the sum."""
    VALUES = "values"
    """One value for each drop: a rank test within each drop of each case."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`key`: its name for programs, with its unit. `weight`: its part of the family-wise level.
    `least`: the difference that has to be seen, unless a tester says otherwise."""

    key: str
    title: str
    kind: Kind
    weight: int
    least: float

    @property
    def unit(self) -> str:
        if self.kind is not Kind.VALUES:
            return "per 100"
        return "MB" if self.key.endswith("_mb") else "s"

    @property
    def is_share(self) -> bool:
        return self.kind in (Kind.PLAYS, Kind.DROPS)


FAILED_PLAYS: Final = Figure("failed_plays_per_100", "plays that failed", Kind.PLAYS, 4, 5.0)
GAMES_LOST: Final = Figure(
    "games_lost_per_100", "drops after which nobody played", Kind.DROPS, 4, 5.0
)
LOST_ANSWERS: Final = Figure("lost_answers_per_100", "drops with a lost answer", Kind.DROPS, 8, 5.0)
RETRIES: Final = Figure("retries_per_100", "drops with more than one call", Kind.DROPS, 4, 5.0)
REFUSALS: Final = Figure("refusals_per_100", "drops with a refused call", Kind.DROPS, 4, 5.0)
FALSE_ALARMS: Final = Figure("false_alarms_per_100", "drops without a fault", Kind.COUNT, 4, 5.0)
OVER_BUDGET: Final = Figure("over_budget_per_100", "drops over the budget", Kind.DROPS, 4, 5.0)
FREEZE: Final = Figure("freeze_s", "without a picture", Kind.VALUES, 1, 0.25)
NOTICED: Final = Figure("noticed_s", "until the drop was noticed", Kind.VALUES, 1, 0.25)
ANSWERED: Final = Figure("answered_s", "from call to answer", Kind.VALUES, 1, 0.25)
CONNECTED: Final = Figure("connected_s", "from answer to connection", Kind.VALUES, 1, 0.25)
SHOWN: Final = Figure("shown_s", "from connection to picture", Kind.VALUES, 1, 0.25)
MEMORY: Final = Figure("memory_mb", "memory gained in a drop", Kind.VALUES, 4, 0.5)

FIGURES: Final = (
    FAILED_PLAYS,
    GAMES_LOST,
    LOST_ANSWERS,
    RETRIES,
    REFUSALS,
    FALSE_ALARMS,
    OVER_BUDGET,
    FREEZE,
    NOTICED,
    ANSWERED,
    CONNECTED,
    SHOWN,
    MEMORY,
)
"""In the order of a report. The figures that are hardest to detect have the largest weights: lost
answers, which are rare, and leaks, because memory grows in steps of megabytes. Differences of times
are found with any weight."""
TIMES: Final = frozenset({OVER_BUDGET, FREEZE, NOTICED, ANSWERED, CONNECTED, SHOWN})
"""The figures that change when the machine is busier, although the build is the same."""
BY_KEY: Final = {figure.key: figure for figure in FIGURES}


@dataclass(frozen=True, slots=True)
class DropFigures:
    """One drop that a fault caused. `which`: of the play's faults, from 0. `calls_known`: whether
    its calls were counted. `values`: by the key of a figure."""

    which: int
    lost: bool
    calls_known: bool
    lost_answer: bool
    retried: bool
    refused: bool
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class PlayFigures:
    """One play that says something. `case`: of which scenario. `memory_mb`: gained after each
    fault, by the number of the fault. `waited_share`: see `results.Played`."""

    case: tuple[str, str]
    failed: bool
    drops: tuple[DropFigures, ...]
    false_alarms: int
    memory_mb: dict[int, float]
    waited_share: float | None = None


def of_play(record: CaseRecord) -> PlayFigures | None:
    """None where the play says nothing: it is inconclusive or was skipped."""
    if record.verdict not in (Verdict.PASSED, Verdict.FAILED):
        return None
    case, failed = (record.scenario, record.case), record.verdict is Verdict.FAILED
    played = record.played
    if played is None:
        return PlayFigures(case, failed, (), 0, {})
    drops = tuple(_drops(played))
    false_alarms = sum(_at(each, "fault") is None for each in played.episodes)
    memory_mb = dict(_memory(played))
    waited = played.waited_share if _is_usable(played.waited_share) else None
    return PlayFigures(case, failed, drops, false_alarms, memory_mb, waited)


_LARGEST: Final = 1e9


def _is_usable(value: float | None) -> TypeGuard[float]:
    """A file that somebody else wrote may have any number; a comparison with it refuses NaN."""
    return value is not None and -_LARGEST <= value <= _LARGEST


def _drops(played: Played) -> Iterator[DropFigures]:
    began = [fault.at_s for fault in played.faults if fault.at_s is not None]
    for episode in played.episodes:
        if _at(episode, "fault") is None:
            continue
        which = sum(at_s <= episode.began_at_s + AT_ONCE_S for at_s in began) - 1
        calls = episode.calls
        yield DropFigures(
            which=max(0, which),
            lost=episode.outcome not in ("live", "healed"),
            calls_known=calls is not None,
            lost_answer=calls is not None and calls.lost_answers > 0,
            retried=calls is not None and calls.tries > 1,
            refused=calls is not None and calls.refusals > 0,
            values={
                figure.key: value
                for figure, of in _VALUES.items()
                if _is_usable(value := of(episode))
            },
        )


def _memory(played: Played) -> Iterator[tuple[int, float]]:
    """The memory gained from right before a fault to right before the next one, or the end."""
    measured = [*(fault.memory_mb for fault in played.faults), played.memory_mb]
    for which, (before, after) in enumerate(itertools.pairwise(measured)):
        gained = None if before is None or after is None else round(after - before, 3)
        if _is_usable(gained):
            yield which, gained


def _at(episode: EpisodeResult, name: str) -> float | None:
    return next((step.at_s for step in episode.steps if step.name == name), None)


def _between(first: str, last: str) -> Callable[[EpisodeResult], float | None]:
    def took(episode: EpisodeResult) -> float | None:
        began, ended = _at(episode, first), _at(episode, last)
        return None if began is None or ended is None else round(ended - began, 4)

    return took


def _freeze(episode: EpisodeResult) -> float | None:
    """A connection that healed shows its next picture when it is live again."""
    return _between("last media", "first frame" if episode.outcome == "live" else "live again")(
        episode
    )


_VALUES: Final[dict[Figure, Callable[[EpisodeResult], float | None]]] = {
    FREEZE: _freeze,
    NOTICED: _between("last media", "lost"),
    ANSWERED: _between("request sent", "answer received"),
    CONNECTED: _between("answer received", "connected"),
    SHOWN: _between("connected", "first frame"),
}


# --- many plays -----------------------------------------------------------------------------------


def flags(figure: Figure, plays: Iterable[PlayFigures], over_s: float | None) -> list[bool]:
    """Of a figure that is a share: for each play or drop whether it counts. `over_s`: how long a
    drop within the budget may stand still."""
    if figure is FAILED_PLAYS:
        return [play.failed for play in plays]
    if figure is OVER_BUDGET:
        return [] if over_s is None else list(_over(plays, over_s))
    drops = [drop for play in plays for drop in play.drops]
    if figure is GAMES_LOST:
        return [drop.lost for drop in drops]
    of_calls = {LOST_ANSWERS: "lost_answer", RETRIES: "retried", REFUSALS: "refused"}
    return [bool(getattr(drop, of_calls[figure])) for drop in drops if drop.calls_known]


def _over(plays: Iterable[PlayFigures], over_s: float) -> Iterator[bool]:
    """A game that was lost stands still for good; where the play passed, that was to be so."""
    for play in plays:
        for drop in play.drops:
            freeze_s = drop.values.get(FREEZE.key)
            if freeze_s is not None:
                yield freeze_s > over_s
            elif drop.lost and play.failed:
                yield True


def frozen_for_good(plays: Iterable[PlayFigures]) -> int:
    """Drops without a value for the freeze, because the game was lost and was not to be."""
    return sum(
        drop.lost and play.failed and FREEZE.key not in drop.values
        for play in plays
        for drop in play.drops
    )


def values(figure: Figure, play: PlayFigures) -> list[tuple[int, float]]:
    """Of a figure that has values: each with the number of its fault."""
    if figure is MEMORY:
        return list(play.memory_mb.items())
    return [
        (drop.which, drop.values[figure.key]) for drop in play.drops if figure.key in drop.values
    ]


def count_of(plays: Iterable[PlayFigures]) -> tuple[int, int]:
    """Drops without a fault, and drops."""
    listed = list(plays)
    return sum(play.false_alarms for play in listed), sum(len(play.drops) for play in listed)


def per_100(figure: Figure, plays: Sequence[PlayFigures], over_s: float | None) -> float | None:
    """Of a figure that has no values; None: not measured."""
    if figure.kind is Kind.COUNT:
        count, drops = count_of(plays)
        return 100 * count / drops if drops else None
    counted = flags(figure, plays, over_s)
    return 100 * sum(counted) / len(counted) if counted else None


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile (0 to 100) of at least one value, interpolated between the two nearest.

    With few values, the 95th percentile is nearly the highest value.
    """
    if percent <= 0:
        return min(values)
    if percent >= 100:
        return max(values)
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
