"""Scenarios played, in a modelled world or on real sockets, and what came of each case."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rejoin import assets
from rejoin.core.model import Ending
from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.qa.seeds import chance, network_profiles
from rejoin.verify import faults, invariants
from rejoin.verify.scenario import LIVE, TRYING, Case, Happened, Scenario, parse_scenario, unmet
from rejoin.verify.simulate import simulate

SHIPPED = ("every-profile", "outage-ladder")
"""Scenarios that come with Rejoin; they are named without a folder."""


@dataclass(frozen=True, slots=True)
class Result:
    """One case, played. `wrong`: sentences; empty where all is as it should be.

    `injected`: what in it was put in at a port, since only root could make it real.
    """

    case: Case
    happened: Happened | None
    wrong: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)
    injected: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong

    def line(self) -> str:
        """One line for a terminal."""
        told = "passed" if self.passed else "FAILED"
        if self.happened is None:
            return f"{told}  {self.case.name:24}"
        ended = self.happened.ended
        reason = f" ({self.happened.reason})" if self.happened.reason else ""
        freezes = ", ".join(f"{each:.2f}" for each in self.happened.freezes_s)
        frozen = f", frozen {freezes} s" if freezes else ""
        note = f"  [injected: {self.injected}]" if self.injected else ""
        return (
            f"{told}  {self.case.name:24} {ended}{reason}, {self.happened.reconnects} reconnects"
            f"{frozen}{note}"
        )


def ended(live: bool, ending: Ending | None) -> str:
    """How a game stands when the time is up, as scenarios say it."""
    if ending is not None:
        return ending.kind.value
    return LIVE if live else TRYING


def load(name: str) -> Scenario:
    """A scenario by the path of its file, or a shipped one by its name. Raises BadInputError."""
    if name in SHIPPED:
        return parse_scenario(name, assets.text(f"scenarios/{name}.toml"))
    path = Path(name)
    try:
        return parse_scenario(path.stem, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is no scenario: it is not text.") from None
    except OSError as error:
        known = ", ".join(SHIPPED)
        raise BadInputError(
            f"{path.name} cannot be read: {error.strerror}. Shipped with Rejoin are {known}."
        ) from error


def judged(
    case: Case,
    happened: Happened,
    records: tuple[Record, ...],
    *,
    timed: bool,
    more: tuple[str, ...] = (),
    injected: str = "",
) -> Result:
    """Hold what happened against the case and the trace against the invariants."""
    wrong = (*unmet(case, happened, timed=timed), *invariants.violations(records), *more)
    return Result(case, happened, wrong, records, injected)


def play_simulated(case: Case, seed: int) -> Result:
    """Play a case on the virtual clock."""
    try:
        world = faults.world_of(case, network_profiles(), chance(seed))
    except KeyError as error:
        return Result(case, None, (f"{error.args[0]} can only be played live",), ())
    outcome = simulate(world, draw=random.Random(seed).random, for_s=case.for_s)
    found = tuple(sentence for sentence in outcome.violations if sentence.startswith("I7"))
    happened = Happened(
        ended=ended(outcome.live, outcome.ending),
        reason=None if outcome.ending is None else outcome.ending.reason,
        reconnects=max(0, outcome.attempts - 1),
        freezes_s=outcome.freezes_s,
    )
    return judged(case, happened, outcome.records, timed=True, more=found)


def play_all(
    scenario: Scenario, play: Callable[[Case], Result], told: Callable[[Result], None]
) -> tuple[Result, ...]:
    """Every case in turn; `told` hears of each as it is done."""
    results = []
    for case in scenario.cases:
        result = play(case)
        told(result)
        results.append(result)
    return tuple(results)
