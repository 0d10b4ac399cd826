"""Play the cases of a scenario and compare the outcome with the expectations."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rejoin import assets
from rejoin.core.model import Ending
from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.qa.files import read_text
from rejoin.verify import faults, invariants
from rejoin.verify.scenario import (
    LIVE,
    TRYING,
    Observed,
    Scenario,
    ScenarioCase,
    parse_scenario,
    unmet,
)
from rejoin.verify.simulate import simulate

SHIPPED = ("every-profile", "outage-ladder")
"""The scenarios that ship with Rejoin; they are given by name, not by path."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case. `wrong`: what is wrong, as sentences; empty if the case passed.

    `observed` is None if the case could not be played. `injected`: the faults that were
    injected into the client, where real ones would have required root privileges.
    """

    case: ScenarioCase
    observed: Observed | None
    wrong: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)
    injected: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong

    def line(self) -> str:
        """One line for a terminal."""
        verdict = "passed" if self.passed else "FAILED"
        if self.observed is None:
            return f"{verdict}  {self.case.name:24}"
        ended = self.observed.ended
        reason = f" ({self.observed.reason})" if self.observed.reason else ""
        freezes = ", ".join(f"{each:.2f}" for each in self.observed.freezes_s)
        frozen = f", frozen {freezes} s" if freezes else ""
        note = f"  [injected: {self.injected}]" if self.injected else ""
        return (
            f"{verdict}  {self.case.name:24} {ended}{reason}, {self.observed.reconnects} reconnects"
            f"{frozen}{note}"
        )


def ended(live: bool, ending: Ending | None) -> str:
    """How a case ended, in the words of a scenario (`scenario.ENDS`)."""
    if ending is not None:
        return ending.kind.value
    return LIVE if live else TRYING


def load(name: str) -> Scenario:
    """Load a scenario from a file, or a shipped one by its name. Raises BadInputError."""
    if name in SHIPPED:
        return parse_scenario(name, assets.text(f"scenarios/{name}.toml"))
    path = Path(name)
    try:
        return parse_scenario(path.stem, read_text(path, "a scenario"))
    except OSError as error:
        known = ", ".join(SHIPPED)
        raise BadInputError(
            f"{path.name} cannot be read: {error.strerror}. These ship with Rejoin: {known}."
        ) from error


def checked(
    case: ScenarioCase,
    observed: Observed,
    records: tuple[Record, ...],
    *,
    timed: bool,
    more: tuple[str, ...] = (),
    injected: str = "",
) -> CaseResult:
    """The result: expectations that were not met, violations in the trace, and `more`."""
    wrong = (*unmet(case, observed, timed=timed), *invariants.violations(records), *more)
    return CaseResult(case, observed, wrong, records, injected)


def play_simulated(case: ScenarioCase, seed: int) -> CaseResult:
    """Play a case in a simulated world, on a virtual clock."""
    try:
        world = faults.world_of(case, network_profiles(), chance_of(seed))
    except KeyError as error:
        return CaseResult(
            case, None, (f"{error.args[0]} cannot be simulated; play it with --live",), ()
        )
    outcome = simulate(world, draw=random.Random(seed).random, for_s=case.duration_s)
    found = tuple(sentence for sentence in outcome.violations if sentence.startswith("I7"))
    observed = Observed(
        ended=ended(outcome.live, outcome.ending),
        reason=None if outcome.ending is None else outcome.ending.reason,
        reconnects=max(0, outcome.attempts - 1),
        freezes_s=outcome.freezes_s,
    )
    return checked(case, observed, outcome.records, timed=True, more=found)


def play_all(
    scenario: Scenario,
    play: Callable[[ScenarioCase], CaseResult],
    on_result: Callable[[CaseResult], None],
) -> tuple[CaseResult, ...]:
    """Play every case in turn; `on_result` is called with the result of each."""
    results = []
    for case in scenario.cases:
        result = play(case)
        on_result(result)
        results.append(result)
    return tuple(results)
