"""Reconnect reports of clients, and how many games had reconnects, reported or not.

A game whose client never reports is counted from its row: whether offers were made after the first
one, and whether the newest was answered. Rows are kept for two days, their counts as long as
reports are.
"""

from __future__ import annotations

import enum
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import (
    ATTEMPT,
    GAME_DAY,
    RECONNECT_REPORT,
    SERVER_KEY,
    STREAM_SESSION,
    owner_tag,
)

DAY_S: Final = 86400.0
REPORTS_KEPT_S: Final = 30 * DAY_S
MOST_A_DAY: Final = 500
"""Reports of one player; a connection that drops every three minutes makes 480."""


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report, as `signaling/wire.ReportBody` has it; its fields are the columns of
    `schema.RECONNECT_REPORT`. `ended_at`: Unix time."""

    ended_at: float
    cause: str
    verdict: str | None
    outcome: str
    ending: str | None
    lost_s: float
    noticed_after_s: float
    requested_after_s: float | None
    answered_after_s: float | None
    attempts: int
    tries: int
    failures: tuple[str, ...]
    client_version: str


class Added(enum.Enum):
    """Whether a report was stored."""

    NEW = "new"
    KNOWN = "known"
    """It is here already."""
    TOO_MANY = "too_many"
    """The player has sent MOST_A_DAY within a day."""


@dataclass(frozen=True, slots=True)
class Games:
    """How many games of a day had this outcome: "quiet" (no offer after the first), "let_in" (the
    newest later offer was answered) or "unanswered". `reported`: their player has sent a report
    since the game began."""

    day: int
    outcome: str
    reported: bool
    games: int


class ReportStore:
    """The reports in a backend's database. Every call raises StoreUnavailableError."""

    def __init__(self, database: Database, *, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    async def add(
        self, tag: str, record_id: str, report: StoredReport, *, within_s: float
    ) -> Added:
        """Record a report of the player with this tag, once."""
        table = RECONNECT_REPORT

        def work(connection: Connection) -> Added:
            mine = table.c.owner_tag == tag
            if connection.scalar(
                select(table.c.record_id).where(mine, table.c.record_id == record_id)
            ):
                return Added.KNOWN
            lately = table.c.received_at > self._wall() - DAY_S
            count = connection.scalar(select(func.count()).select_from(table).where(mine, lately))
            if (count or 0) >= MOST_A_DAY:
                return Added.TOO_MANY
            try:
                connection.execute(
                    insert(table).values(
                        owner_tag=tag,
                        record_id=record_id,
                        received_at=self._wall(),
                        **_columns_of(report),
                    )
                )
            except IntegrityError:
                return Added.KNOWN  # sent twice at the same time
            return Added.NEW

        return await self._database.run(work, within_s=within_s)

    async def of_day(self, day: int, *, within_s: float) -> tuple[StoredReport, ...]:
        """The reports of episodes that ended on this day of Unix time (UTC)."""
        table = RECONNECT_REPORT

        def work(connection: Connection) -> tuple[StoredReport, ...]:
            rows = connection.execute(
                select(table).where(
                    table.c.ended_at >= day * DAY_S, table.c.ended_at < (day + 1) * DAY_S
                )
            )
            return tuple(_report_of(row) for row in rows)

        return await self._database.run(work, within_s=within_s)

    async def games(self, first_day: int, *, within_s: float) -> tuple[Games, ...]:
        """Games that began on `first_day` or later: those that are deleted, and those in rows."""

        def work(connection: Connection) -> tuple[Games, ...]:
            found: Counter[tuple[int, str, bool]] = Counter()
            kept = connection.execute(select(GAME_DAY).where(GAME_DAY.c.day >= first_day))
            for row in kept:
                found[row.day, row.outcome, bool(row.reported)] += row.games
            since = STREAM_SESSION.c.created_at >= first_day * DAY_S
            found.update(_games_of(connection, since).values())
            return tuple(Games(*key, count) for key, count in sorted(found.items()))

        return await self._database.run(work, within_s=within_s)

    async def sweep(self, *, within_s: float) -> None:
        """Delete reports and counts that are too old."""

        def work(connection: Connection) -> None:
            first_at = self._wall() - REPORTS_KEPT_S
            connection.execute(
                delete(RECONNECT_REPORT).where(RECONNECT_REPORT.c.ended_at < first_at)
            )
            connection.execute(delete(GAME_DAY).where(GAME_DAY.c.day < int(first_at / DAY_S)))

        await self._database.run(work, within_s=within_s)


def _columns_of(report: StoredReport) -> dict[str, Any]:
    return asdict(report) | {"failures": ",".join(report.failures)}


def _report_of(row: Row[Any]) -> StoredReport:
    columns = {each.name: getattr(row, each.name) for each in fields(StoredReport)}
    columns["failures"] = tuple(word for word in row.failures.split(",") if word)
    return StoredReport(**columns)


def delete_and_count(connection: Connection, *where: ColumnElement[bool]) -> None:
    """Delete sessions, and keep how many games they were. Within a transaction; of two processes
    that delete the same row one counts it."""
    games = _games_of(connection, *where)
    gone = connection.scalars(delete(STREAM_SESSION).where(*where).returning(STREAM_SESSION.c.id))
    counted = Counter(games[each] for each in gone.all() if each in games)
    for (day, outcome, reported), count in counted.items():
        key = (
            GAME_DAY.c.day == day,
            GAME_DAY.c.outcome == outcome,
            GAME_DAY.c.reported == int(reported),
        )
        added = connection.execute(
            update(GAME_DAY).where(*key).values(games=GAME_DAY.c.games + count)
        )
        if not added.rowcount:
            connection.execute(
                insert(GAME_DAY).values(
                    day=day, outcome=outcome, reported=int(reported), games=count
                )
            )


def _games_of(
    connection: Connection, *where: ColumnElement[bool]
) -> dict[str, tuple[int, str, bool]]:
    """Day, outcome, and whether it was reported, of each of these sessions that is a game."""
    later = ATTEMPT.alias()
    first = (
        select(func.min(ATTEMPT.c.number))
        .where(ATTEMPT.c.session_id == STREAM_SESSION.c.id)
        .scalar_subquery()
    )
    is_answered = (
        select(func.count())
        .select_from(later)
        .where(
            later.c.session_id == STREAM_SESSION.c.id,
            later.c.number == STREAM_SESSION.c.attempt,
            later.c.answer_hash.is_not(None),
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            STREAM_SESSION.c.id,
            STREAM_SESSION.c.owner_hash,
            STREAM_SESSION.c.created_at,
            STREAM_SESSION.c.attempt,
            first.label("first"),
            is_answered.label("answered"),
        ).where(STREAM_SESSION.c.stream_session.is_not(None), *where)
    ).all()
    if not rows:
        return {}
    secret = bytes.fromhex(connection.scalar(select(SERVER_KEY.c.secret)) or "")
    table = RECONNECT_REPORT.c
    newest = connection.execute(
        select(table.owner_tag, func.max(table.ended_at).label("at"))
        .where(table.ended_at >= min(row.created_at for row in rows))
        .group_by(table.owner_tag)
    )
    newest_report: dict[str, float] = {row.owner_tag: row.at for row in newest}
    found = {}
    for row in rows:
        outcome = "quiet"
        if row.first is not None and row.attempt > row.first:
            outcome = "let_in" if row.answered else "unanswered"
        reported_at = newest_report.get(owner_tag(secret, row.owner_hash), 0.0)
        found[row.id] = (int(row.created_at / DAY_S), outcome, reported_at >= row.created_at)
    return found
