"""Scenarios: files with faults, a service, and the expected outcome of each case.

The same file is played in a simulated world (`simulate`) and on real sockets (`rejoin qa run`).
A file has these keys, all but `description` and `cases` optional:

    description = "One sentence."
    [service]                       # what AWS does not document, and what a studio chooses
    connection_timeout_s = 120
    notice_silent_client_s = 5             # until the service notices a silent client
    notice_graceful_close_s = 0           # until it notices a client that said goodbye
    create_latency_s = 0            # of a create call, in addition to the host's own work
    [[cases]]
    name = "a cut of 3 s"
    drops = [{ profile = "cut_3s", at_s = 3 }]    # after the game became live
    duration_s = 20                 # how long it is played after the game became live
    ends = "live"                   # or "trying": still reconnecting when the time is up;
                                    # or how the game ends: "game_ended", "not_found", ...
    reason = "reconnectionTimeout"  # with "game_ended": the service's reason
    reconnects = true               # whether a new connection is expected; absent: either way
    max_freeze_s = 5.0              # the longest freeze; checked in a simulated world only

A case may change the service with the same keys under `[cases.service]`. Network profiles of its
own, with the keys of `netem/network_profile`, stand under `[profiles.NAME]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from rejoin.core.model import EndingKind
from rejoin.netem.link import NetworkProfile
from rejoin.netem.network_profile import PLACES, read_profile
from rejoin.netem.toml_tables import Table, parse
from rejoin.service_model.lifecycle import RefusalKind

LIVE: Final = "live"
TRYING: Final = "trying"
ENDS: Final = (LIVE, TRYING, *(kind.value for kind in EndingKind))
"""How a case may end: the player plays, the client still tries, or it has ended."""

MAX_CASES: Final = 200
_DAY_S: Final = 86400.0
_RENAMED: Final = {
    "about": "description",
    "create_s": "create_latency_s",
    "for_s": "duration_s",
    "freeze_at_most_s": "max_freeze_s",
    "notice_graceful_s": "notice_graceful_close_s",
    "notice_silent_s": "notice_silent_client_s",
}


@dataclass(frozen=True, slots=True)
class Service:
    """The properties of the service that a scenario may set."""

    connection_timeout_s: float = 120.0
    notice_silent_client_s: float = 5.0
    notice_graceful_close_s: float = 0.0
    create_latency_s: float = 0.0
    wrong_status: RefusalKind = RefusalKind.CONFLICT
    """How a create call in the wrong status is refused; a scenario's file does not say."""


@dataclass(frozen=True, slots=True)
class KnownService:
    """What was measured of a service (`qa.learn`), seconds; None: it was not."""

    connection_timeout_s: float | None = None
    notice_silent_client_s: float | None = None
    notice_graceful_close_s: float | None = None
    create_latency_s: float | None = None
    wrong_status: RefusalKind | None = None

    def in_place_of(self, service: Service) -> Service:
        """The same service, with what is known."""
        known = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) is not None
        }
        return replace(service, **known)


NOTHING_KNOWN: Final = KnownService()


@dataclass(frozen=True, slots=True)
class Drop:
    """A fault profile (`netem.network_profile.PLACES`), `at_s` after the game became live.

    `own`: the network profile of this name, if the scenario has it itself.
    """

    profile: str
    at_s: float
    own: NetworkProfile | None = None


@dataclass(frozen=True, slots=True)
class ScenarioCase:
    """One game of a scenario and the expected outcome. `ends` is one of `ENDS`."""

    name: str
    service: Service
    drops: tuple[Drop, ...]
    duration_s: float
    ends: str
    reason: str | None
    reconnects: bool | None
    max_freeze_s: float | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The content of a file."""

    name: str
    description: str
    cases: tuple[ScenarioCase, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What happened in a case, simulated or live. `ended` is one of `ENDS`."""

    ended: str
    reason: str | None
    reconnects: int
    freezes_s: tuple[float, ...]


def parse_scenario(name: str, text: str) -> Scenario:
    """Parse the file of the scenario `name`. Raises BadInputError, which names the key."""
    top = parse(f"The scenario {name}.toml", text, _RENAMED)
    description = top.text("description")
    service = _service(top.table("service"), Service())
    own = _profiles(top)
    cases = tuple(_case(table, service, own) for table in top.tables("cases"))
    top.end()
    if not 1 <= len(cases) <= MAX_CASES:
        raise top.wrong("cases", f"must be 1 to {MAX_CASES} tables")
    names = [case.name for case in cases]
    if len(set(names)) < len(names):
        raise top.wrong("cases", "must have different names")
    return Scenario(name, description, cases)


def unmet(case: ScenarioCase, observed: Observed, *, timed: bool) -> tuple[str, ...]:
    """The expectations of a case that were not met, as sentences. `timed`: check durations too."""
    found: list[str] = []
    if observed.ended != case.ends:
        found.append(f"it ended {observed.ended}, not {case.ends}")
    elif case.reason is not None and observed.reason != case.reason:
        found.append(f"the reason was {observed.reason}, not {case.reason}")
    if case.reconnects is not None and case.reconnects != (observed.reconnects > 0):
        expected = "a new connection" if case.reconnects else "no new connection"
        found.append(f"{expected} was expected, but there were {observed.reconnects}")
    longest_s = max(observed.freezes_s, default=0.0)
    if timed and case.max_freeze_s is not None and longest_s > case.max_freeze_s:
        found.append(f"it froze for {longest_s:.3f} s, more than {case.max_freeze_s:g} s")
    return tuple(found)


def _service(table: Table | None, before: Service) -> Service:
    if table is None:
        return before
    timeout_s = table.number_or_none("connection_timeout_s", 1, 3600)
    changed = replace(
        before,
        connection_timeout_s=before.connection_timeout_s if timeout_s is None else timeout_s,
        notice_silent_client_s=_or(
            table.number_or_none("notice_silent_client_s", 0, 600), before.notice_silent_client_s
        ),
        notice_graceful_close_s=_or(
            table.number_or_none("notice_graceful_close_s", 0, 600), before.notice_graceful_close_s
        ),
        create_latency_s=_or(
            table.number_or_none("create_latency_s", 0, 60), before.create_latency_s
        ),
    )
    table.end()
    return changed


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _profiles(top: Table) -> dict[str, NetworkProfile]:
    found = {}
    for name, table in top.named_tables("profiles").items():
        if not re.fullmatch(r"[A-Za-z0-9_.+-]{1,40}", name) or name in PLACES:
            raise top.wrong("profiles", "must have names of letters and digits that are not taken")
        found[name] = read_profile(name, table)
    return found


def _case(table: Table, service: Service, own: Mapping[str, NetworkProfile]) -> ScenarioCase:
    ends = table.word("ends", list(ENDS), LIVE)
    reason = table.take("reason")
    if reason is not None and (ends != EndingKind.GAME_ENDED.value or not isinstance(reason, str)):
        raise table.wrong("reason", 'must be a text, and needs ends = "game_ended"')
    reconnects = table.take("reconnects")
    if reconnects is not None and not isinstance(reconnects, bool):
        raise table.wrong("reconnects", "must be true or false")
    duration_s = table.number("duration_s", 0.1, _DAY_S)
    case = ScenarioCase(
        name=table.text("name"),
        service=_service(table.table("service"), service),
        drops=tuple(_drop(each, own) for each in table.tables("drops")),
        duration_s=duration_s,
        ends=ends,
        reason=reason,
        reconnects=reconnects,
        max_freeze_s=table.number_or_none("max_freeze_s", 0, _DAY_S),
    )
    if any(drop.at_s >= duration_s for drop in case.drops):
        raise table.wrong("drops", "must all happen before duration_s")
    table.end()
    return case


def _drop(table: Table, own: Mapping[str, NetworkProfile]) -> Drop:
    profile = table.word("profile", [*PLACES, *own], "")
    drop = Drop(profile, table.number("at_s", 0, _DAY_S), own.get(profile))
    table.end()
    return drop
