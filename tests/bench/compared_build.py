"""Builds that are worse on purpose, for the bench of `rejoin qa compare`.

It is the program that plays one case, changed before it begins.

The first argument is a key of VARIANTS. What is changed is the program that plays, as a changed
build would be; the results come from `rejoin.qa` as they are.
"""

from __future__ import annotations

import functools
import os
import random
import sys
from collections.abc import Callable
from typing import Final

from rejoin.core.model import Policy
from rejoin.injector import plans
from rejoin.injector.faults import Calls, Fault, HttpFault, HttpKind
from rejoin.injector.injector import Injector
from rejoin.qa import case_process, client_case
from rejoin.runtime import studio_profile

SLOWER_S: Final = 1.0
LEAKED_BYTES: Final = 1_000_000
LOST_SHARE: Final = 0.05

_leaked: list[bytes] = []


def _unchanged() -> None:
    """The build as it is."""


def _slow_detector() -> None:
    """A silent connection counts as lost a second later."""
    slower = functools.partial(Policy, lost_min_s=Policy().lost_min_s + SLOWER_S)
    studio_profile.Policy = slower  # type: ignore[assignment,attr-defined]


def _leak() -> None:
    """Each drop leaves a million bytes behind."""
    start = Injector.start

    def leaking(self: Injector, *faults: Fault) -> object:
        _leaked.append(os.urandom(LEAKED_BYTES))
        return start(self, *faults)

    Injector.start = leaking  # type: ignore[method-assign,assignment]


def _lost_answers() -> None:
    """One drop in twenty loses the answer of its first create call."""
    lost = HttpFault(kind=HttpKind.RESET, calls=Calls.RECONNECT, times=1)
    whole = plans.plan_of
    chance = random.Random(os.getpid())

    def plan_of(name: str, window_s: float, own: object = None) -> plans.Plan | None:
        plan = whole(name, window_s, own)  # type: ignore[arg-type]
        if plan is None or chance.random() >= LOST_SHARE:
            return plan
        return plans.Plan(plan.name, (*plan.faults, lost), plan.how, plan.is_outage, plan.outage_s)

    client_case.plan_of = plan_of  # type: ignore[attr-defined]


VARIANTS: Final[dict[str, Callable[[], None]]] = {
    "unchanged": _unchanged,
    "detector 1 s slower": _slow_detector,
    "leak of 1 MB a drop": _leak,
    "one lost answer in twenty": _lost_answers,
}


if __name__ == "__main__":
    VARIANTS[sys.argv[1]]()
    sys.exit(case_process.main([]))
