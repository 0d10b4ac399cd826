"""A budget: limits for the figures of a build, in a TOML file, with which a CI can fail a build."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.qa import figures
from rejoin.qa.figures import FIGURES, Kind, PlayFigures, percentile
from rejoin.qa.files import read_text

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
"""The keys that may have a limit."""


@dataclass(frozen=True, slots=True)
class Excess:
    """An exceeded limit. `found`: the figure's value; None if the results do not have it, or if it
    is a freeze that never ended (`for_good`)."""

    key: str
    limit: float
    found: float | None
    for_good: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the limit is exceeded for certain."""
        return self.found is not None or self.for_good


@dataclass(frozen=True, slots=True)
class Budget:
    """`limits`: by a key of LIMITS. `freeze_s`: the longest allowed freeze of one drop, for
    `over_budget_per_100`. `least_drops`: with fewer there is no verdict."""

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
                for_good = found == math.inf
                yield Excess(key, limit, None if for_good else found, for_good)


def load(path: Path) -> Budget:
    """Read a budget. Raises BadInputError, which names what is wrong."""
    try:
        text = read_text(path, "a budget")
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}.") from error
    return parse(path.name, text)


def parse(name: str, text: str) -> Budget:
    """Raises BadInputError, which names what is wrong."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{name} is not TOML: {error}.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; tables in tables
        raise BadInputError(f"{name} is not TOML.") from None
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
    if not 0 <= value <= _LARGEST:  # also refuses NaN
        raise BadInputError(f"{key} in {name} has to lie between 0 and {_LARGEST:g}.")
    return float(value)


def _found(key: str, plays: Sequence[PlayFigures], freeze_s: float | None) -> float | None:
    figure = figures.BY_KEY.get(key)
    if figure is not None:
        return figures.per_100(figure, plays, freeze_s)
    rest, _, unit = key.rpartition("_")
    name, _, statistic = rest.rpartition("_")
    figure, percent = figures.BY_KEY[f"{name}_{unit}"], _STATISTICS[statistic]
    values = [value for play in plays for _, value in figures.values(figure, play)]
    if figure is figures.FREEZE:
        return _with_lost(values, figures.frozen_for_good(plays), percent)
    return percentile(values, percent) if values else None


def _with_lost(values: Sequence[float], lost: int, percent: int) -> float | None:
    """The percentile of freezes of which `lost` never ended: infinite if it lies among those."""
    count = len(values) + lost
    if not count:
        return None
    if math.ceil(percent / 100 * (count - 1) - 1e-9) >= len(values):
        return math.inf
    return percentile([*values, *[max(values)] * lost], percent)
