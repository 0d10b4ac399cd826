"""Scenarios as text: which drops, against which service, and what has to come of them.

The same file is played in a modelled world (`simulate`) and on real sockets (`rejoin qa run`).
A file has these keys, all but `about` and `cases` optional:

    about = "One sentence for a person."
    [service]                       # what nobody outside AWS knows, and what a studio chose
    connection_timeout_s = 120
    notice_silent_s = 5             # until the service notices a silent client
    notice_graceful_s = 0           # and one that said goodbye
    create_s = 0                    # what a create call takes beyond the host's own work
    [[cases]]
    name = "a cut of 3 s"
    drops = [{ profile = "cut_3s", at_s = 3 }]    # after going live first
    for_s = 20                      # how long it is played after going live first
    ends = "live"                   # or "trying": not back yet when the time is up;
                                    # or how the game ends: "game_ended", "backend_untrusted", ...
    reason = "reconnectionTimeout"  # with "game_ended": the service's reason
    reconnects = true               # whether a fresh connection is needed; not given: either way
    freeze_at_most_s = 5.0          # the longest freeze; only a simulation holds it to the clock

A case may also change the service for itself, by the same keys under `[cases.service]`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rejoin.core.model import EndingKind
from rejoin.netem.network_profile import PLACES
from rejoin.netem.toml_tables import Table, parse

LIVE: Final = "live"
TRYING: Final = "trying"
ENDS: Final = (LIVE, TRYING, *(kind.value for kind in EndingKind))
"""How a case may end: the player plays, is still kept trying, or the game is over."""

MAX_CASES: Final = 200
_DAY_S: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Service:
    """How the service is, as far as a scenario may choose it."""

    connection_timeout_s: float = 120.0
    notice_silent_s: float = 5.0
    notice_graceful_s: float = 0.0
    create_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Drop:
    """A fault profile (`core.profile.PLACES`), so long after going live first."""

    profile: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Case:
    """One game of a scenario. `ends` is one of `ENDS`."""

    name: str
    service: Service
    drops: tuple[Drop, ...]
    for_s: float
    ends: str
    reason: str | None
    reconnects: bool | None
    freeze_at_most_s: float | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What stands in a file."""

    name: str
    about: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of a case, wherever it was played. `ended` is one of `ENDS`."""

    ended: str
    reason: str | None
    reconnects: int
    freezes_s: tuple[float, ...]


def parse_scenario(name: str, text: str) -> Scenario:
    """The scenario that stands in this TOML. Raises BadInputError, naming the key."""
    top = parse(f"The scenario {name}.toml", text)
    about = top.text("about")
    service = _service(top.table("service"), Service())
    cases = tuple(_case(table, service) for table in top.tables("cases"))
    top.end()
    if not 1 <= len(cases) <= MAX_CASES:
        raise top.wrong("cases", f"are 1 to {MAX_CASES}")
    names = [case.name for case in cases]
    if len(set(names)) < len(names):
        raise top.wrong("cases", "have a name each, and no two the same")
    return Scenario(name, about, cases)


def unmet(case: Case, happened: Happened, *, timed: bool) -> tuple[str, ...]:
    """What of a case's expectations was not met, as sentences. `timed`: hold it to the clock."""
    told: list[str] = []
    if happened.ended != case.ends:
        told.append(f"it ended {happened.ended} and not {case.ends}")
    elif case.reason is not None and happened.reason != case.reason:
        told.append(f"the reason was {happened.reason} and not {case.reason}")
    if case.reconnects is not None and case.reconnects != (happened.reconnects > 0):
        wanted = "a fresh connection" if case.reconnects else "no fresh connection"
        told.append(f"{wanted} was expected, and there were {happened.reconnects}")
    longest_s = max(happened.freezes_s, default=0.0)
    if timed and case.freeze_at_most_s is not None and longest_s > case.freeze_at_most_s:
        told.append(f"it froze for {longest_s:.3f} s, more than {case.freeze_at_most_s:g} s")
    return tuple(told)


def _service(table: Table | None, before: Service) -> Service:
    if table is None:
        return before
    timeout_s = table.number_or_none("connection_timeout_s", 1, 3600)
    changed = replace(
        before,
        connection_timeout_s=before.connection_timeout_s if timeout_s is None else timeout_s,
        notice_silent_s=_or(
            table.number_or_none("notice_silent_s", 0, 600), before.notice_silent_s
        ),
        notice_graceful_s=_or(
            table.number_or_none("notice_graceful_s", 0, 600), before.notice_graceful_s
        ),
        create_s=_or(table.number_or_none("create_s", 0, 60), before.create_s),
    )
    table.end()
    return changed


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _case(table: Table, service: Service) -> Case:
    ends = table.word("ends", list(ENDS), LIVE)
    reason = table.take("reason")
    if reason is not None and (ends != EndingKind.GAME_ENDED.value or not isinstance(reason, str)):
        raise table.wrong("reason", 'is a text, and only goes with ends = "game_ended"')
    reconnects = table.take("reconnects")
    if reconnects is not None and not isinstance(reconnects, bool):
        raise table.wrong("reconnects", "is true or false")
    for_s = table.number("for_s", 0.1, _DAY_S)
    case = Case(
        name=table.text("name"),
        service=_service(table.table("service"), service),
        drops=tuple(_drop(each) for each in table.tables("drops")),
        for_s=for_s,
        ends=ends,
        reason=reason,
        reconnects=reconnects,
        freeze_at_most_s=table.number_or_none("freeze_at_most_s", 0, _DAY_S),
    )
    if any(drop.at_s >= for_s for drop in case.drops):
        raise table.wrong("drops", "all happen before for_s")
    table.end()
    return case


def _drop(table: Table) -> Drop:
    profile = table.word("profile", list(PLACES), "")
    drop = Drop(profile, table.number("at_s", 0, _DAY_S))
    table.end()
    return drop
