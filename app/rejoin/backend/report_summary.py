"""Sums up reconnect reports by day, cause, verdict, ending and client. Pure.

A drop is one episode that a client reported. It was saved (the player was back), lost, or left (the
player went). Durations count for saved drops alone. Days are those of Unix time (UTC).
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rejoin.backend.report_intake import result_of
from rejoin.backend.store.reports import DAY_S, Games, StoredReport

BOUNDS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Upper bounds of the classes of `Summary.waits`; the last class has none."""
MOST_NAMES: Final = 15
"""Rows of a table; words of clients and their versions beyond are one row "other"."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Drops, and seconds until the player was back: the median and the 95th percentile of those
    that were saved, None without any."""

    drops: int = 0
    saved: int = 0
    lost: int = 0
    left: int = 0
    wait_p50_s: float | None = None
    wait_p95_s: float | None = None

    @property
    def saved_share(self) -> float | None:
        """Of those that the player did not leave; None without any."""
        stayed = self.saved + self.lost
        return self.saved / stayed if stayed else None


@dataclass(frozen=True, slots=True)
class Named:
    """A row of a table."""

    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class GamesOfDay:
    """Games that began on a day, by the backend's own rows. `let_in`: the newest offer after the
    first was answered; `unanswered`: it was not; `unreported`: of both, games without a report from
    their player since."""

    day: int
    games: int
    let_in: int
    unanswered: int
    unreported: int


@dataclass(frozen=True, slots=True)
class Summary:
    """From `first_day` to `last_day`, both included. `endings`: of lost drops. `waits`: saved
    drops by how long they took, one count for each of BOUNDS_S and one beyond."""

    first_day: int
    last_day: int
    all: Tally
    days: list[Named]
    causes: list[Named]
    verdicts: list[Named]
    endings: list[Named]
    versions: list[Named]
    waits: list[int]
    games: list[GamesOfDay]


@dataclass(slots=True)
class _Count:
    results: dict[str, int] = field(default_factory=lambda: {"saved": 0, "lost": 0, "left": 0})
    waits_s: list[float] = field(default_factory=list)

    def add(self, result: str, lost_s: float) -> None:
        self.results[result] += 1
        if result == "saved":
            self.waits_s.append(lost_s)

    def tally(self) -> Tally:
        ordered = sorted(self.waits_s)
        return Tally(
            sum(self.results.values()),
            self.results["saved"],
            self.results["lost"],
            self.results["left"],
            _percentile(ordered, 0.5),
            _percentile(ordered, 0.95),
        )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """By nearest rank."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary_of(
    first_day: int, last_day: int, reports: Iterable[StoredReport], games: Iterable[Games]
) -> Summary:
    """Add up. `reports` and `games` of other days are left out."""
    total = _Count()
    days: dict[int, _Count] = {day: _Count() for day in range(first_day, last_day + 1)}
    tables: dict[str, dict[str, _Count]] = {
        name: defaultdict(_Count) for name in ("causes", "verdicts", "endings", "versions")
    }
    waits = [0] * (len(BOUNDS_S) + 1)
    for report in reports:
        day = int(report.ended_at // DAY_S)
        if day not in days:
            continue
        result = result_of(report.outcome, report.ending)
        names = {
            "causes": report.cause,
            "verdicts": report.verdict or "not known",
            "versions": report.client_version,
        }
        if result == "lost":
            names["endings"] = report.ending or "not known"
        for table, name in names.items():
            tables[table][name].add(result, report.lost_s)
        total.add(result, report.lost_s)
        days[day].add(result, report.lost_s)
        if result == "saved":
            waits[bisect.bisect_left(BOUNDS_S, report.lost_s)] += 1
    return Summary(
        first_day,
        last_day,
        total.tally(),
        [Named(day_name(day), count.tally()) for day, count in days.items()],
        _ranked(tables["causes"]),
        _ranked(tables["verdicts"]),
        _ranked(tables["endings"]),
        _ranked(tables["versions"]),
        waits,
        _games_by_day(first_day, last_day, games),
    )


def day_name(day: int) -> str:
    """A day of Unix time, such as 2026-11-29."""
    return datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()


def _ranked(table: dict[str, _Count]) -> list[Named]:
    """Most drops first; beyond MOST_NAMES one row for the rest."""
    ranked = sorted(table.items(), key=lambda each: (-sum(each[1].results.values()), each[0]))
    found = [Named(name, count.tally()) for name, count in ranked[:MOST_NAMES]]
    rest = _Count()
    for _, count in ranked[MOST_NAMES:]:
        for result, number in count.results.items():
            rest.results[result] += number
        rest.waits_s += count.waits_s
    if len(ranked) > MOST_NAMES:
        found.append(Named("other", rest.tally()))
    return found


def _games_by_day(first_day: int, last_day: int, games: Iterable[Games]) -> list[GamesOfDay]:
    counts: dict[int, dict[str, int]] = {
        day: defaultdict(int) for day in range(first_day, last_day + 1)
    }
    for each in games:
        if each.day not in counts:
            continue
        count = counts[each.day]
        count["games"] += each.games
        count[each.outcome] += each.games
        if each.outcome != "quiet" and not each.reported:
            count["unreported"] += each.games
    return [
        GamesOfDay(day, count["games"], count["let_in"], count["unanswered"], count["unreported"])
        for day, count in counts.items()
    ]
