"""A budget: limits for the figures of a build, in a TOML file, with which a CI can fail a build."""

from __future__ import annotations

import math
import statistics
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.qa import figures
from rejoin.qa.figures import FIGURES, Kind, PlayFigures

FREEZE: Final = "freeze_limit_s"
LEAST_DROPS: Final = "least_drops"
_STATISTICS: Final = {"median": 50, "p95": 95, "max": 100}
_LARGEST: Final = 1e6


def _keys() -> Iterator[str]:
    for figure in FIGURES:
        if figure.kind is not Kind.VALUES:
            yield figure.key
            continue
        name, _, unit = figure.key.rpartition("_")
        for statistic in _STATISTICS:
            yield f"{name}_{statistic}_{unit}"


LIMITS: Final = tuple(_keys())
"""What may have a limit."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that is exceeded. `found`: the figure's value; None if the results do not have it."""

    key: str
    limit: float
    found: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """`limits`: by a key of LIMITS. `freeze_s`: the longest that one drop may stand still, for
    `over_budget_per_100`. `least_drops`: fewer say nothing."""

    limits: dict[str, float]
    freeze_s: float | None = None
    least_drops: int = 1

    def excesses(self, plays: Sequence[PlayFigures]) -> Iterator[Excess]:
        """The limits that these plays exceed, or for which they have no value."""
        drops = sum(len(play.drops) for play in plays)
        if drops < self.least_drops:
            yield Excess(LEAST_DROPS, self.least_drops, None)
        for key, limit in self.limits.items():
            found = _found(key, plays, self.freeze_s)
            if found is None or found > limit + 1e-9:
                yield Excess(key, limit, found)


def load(path: Path) -> Budget:
    """Read a budget. Raises BadInputError, which names what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is not a budget: it is not text.") from None
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}.") from error
    return parse(path.name, text)


def parse(name: str, text: str) -> Budget:
    """Raises BadInputError, which names what is wrong."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"{name} is not TOML: {error}.") from None
    limits = {}
    for key, value in table.items():
        if key not in (*LIMITS, FREEZE, LEAST_DROPS):
            raise BadInputError(
                f"{name} has a limit for {key!a:.60}, which is no figure. There are: "
                f"{', '.join((*LIMITS, FREEZE, LEAST_DROPS))}."
            )
        limits[key] = _number(name, key, value)
    freeze_s = limits.pop(FREEZE, None)
    least = limits.pop(LEAST_DROPS, 1.0)
    if figures.OVER_BUDGET.key in limits and freeze_s is None:
        raise BadInputError(
            f"{name} has a limit for {figures.OVER_BUDGET.key}: it needs {FREEZE} too, the longest "
            "time without a picture that is within the budget."
        )
    if not limits and freeze_s is None:
        raise BadInputError(f"{name} has no limit.")
    return Budget(limits, freeze_s, math.ceil(least))


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInputError(f"{key} in {name} has to be a number.")
    if not 0 <= value <= _LARGEST:  # refuses NaN, too
        raise BadInputError(f"{key} in {name} has to lie between 0 and {_LARGEST:g}.")
    return float(value)


def _found(key: str, plays: Sequence[PlayFigures], freeze_s: float | None) -> float | None:
    figure = figures.BY_KEY.get(key)
    if figure is not None:
        return figures.per_100(figure, plays, freeze_s)
    rest, _, unit = key.rpartition("_")
    name, _, statistic = rest.rpartition("_")
    figure = figures.BY_KEY[f"{name}_{unit}"]
    if figure is figures.FREEZE:
        return _of_freezes(
            [freeze_s for play in plays for freeze_s in figures.freezes(play)],
            _STATISTICS[statistic],
        )
    values = [value for play in plays for _, value in figures.values(figure, play)]
    return percentile(values, _STATISTICS[statistic]) if values else None


def _of_freezes(freezes_s: list[float], percent: int) -> float | None:
    """Nothing lies between a freeze and one for good: such a percentile is the latter."""
    if not freezes_s:
        return None
    found = percentile(freezes_s, percent)
    longest_s = max((each for each in freezes_s if each < figures.FOR_GOOD_S), default=0.0)
    return found if found <= longest_s + 1e-9 else figures.FOR_GOOD_S


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile, interpolated between the two nearest values.

    With few values, the 95th percentile is nearly the highest value.
    """
    if percent >= 100:
        return max(values)
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
