"""Reports in SQLite and PostgreSQL: once each, bounded, forgotten; and games from their rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.reports import stored_report
from helpers.stores import fresh_tag, newest_is, opened
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.service import StreamId
from rejoin.backend.store import reports
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import Database
from rejoin.backend.store.reports import DAY_S, Added, Games, ReportStore
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.sessions import KEPT_S, SessionStore
from rejoin.errors import ServiceError

SOON_S = 60.0
ME, YOU = "1" * 32, "2" * 32
DAY = 20_000
REPORT = stored_report(
    DAY,
    ended_at=DAY * DAY_S + 10,
    requested_after_s=1.0,
    answered_after_s=None,
    tries=2,
    failures=("throttled", "not_sent"),
)


async def test_a_report_is_kept_once_for_each_player_and_read_by_day(url: str) -> None:
    async with opened(url) as store:
        kept = ReportStore(store.database)
        assert await kept.add(ME, "a" * 32, REPORT, within_s=SOON_S) is Added.NEW
        assert await kept.add(ME, "a" * 32, REPORT, within_s=SOON_S) is Added.KNOWN
        tomorrow = replace(REPORT, ended_at=REPORT.ended_at + DAY_S, failures=())
        assert await kept.add(YOU, "a" * 32, tomorrow, within_s=SOON_S) is Added.NEW
        assert await kept.of_day(DAY, within_s=SOON_S) == (REPORT,)
        assert await kept.of_day(DAY + 1, within_s=SOON_S) == (tomorrow,)


async def test_one_player_cannot_fill_the_database(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_A_DAY", 3)
    now = DAY * DAY_S
    async with opened(url) as store:
        kept = ReportStore(store.database, wall=lambda: now)
        added = [await kept.add(ME, f"{n:032x}", REPORT, within_s=SOON_S) for n in range(4)]
        assert added == [Added.NEW, Added.NEW, Added.NEW, Added.TOO_MANY]
        assert await kept.add(YOU, "a" * 32, REPORT, within_s=SOON_S) is Added.NEW
        now += DAY_S + 1
        assert await kept.add(ME, "a" * 32, REPORT, within_s=SOON_S) is Added.NEW


async def test_a_report_is_forgotten_after_thirty_days(url: str) -> None:
    now = REPORT.ended_at
    async with opened(url) as store:
        kept = ReportStore(store.database, wall=lambda: now)
        await kept.add(ME, "a" * 32, REPORT, within_s=SOON_S)
        now += 30 * DAY_S - 1
        await kept.sweep(within_s=SOON_S)
        assert await kept.of_day(DAY, within_s=SOON_S) == (REPORT,)
        now += 2
        await kept.sweep(within_s=SOON_S)
        assert await kept.of_day(DAY, within_s=SOON_S) == ()


async def game(store: SessionStore, owner: str, *, later: int = 0, answered: bool = False) -> str:
    """A game of this player with so many offers after the first one."""
    owner_hash = secret_hash("owner", owner)
    _, row = await store.begin_start(
        owner_hash=owner_hash,
        key=fresh_tag(),
        offered=Offered(1, "sha-1", "ct"),
        tag=fresh_tag(),
        within_s=SOON_S,
    )
    await store.started(row.id, StreamId("sg", fresh_tag()), within_s=SOON_S)
    await store.attempts.answered(
        row.id, attempt=1, request_sha256="sha-1", answer="first answer", within_s=SOON_S
    )
    for number in range(2, 2 + later):
        await newest_is(store, row.id, owner_hash, number)
    if answered:
        newest = 1 + later
        await store.attempts.answered(
            row.id,
            attempt=newest,
            request_sha256=f"sha-{newest}",
            answer=f"answer {newest}",
            within_s=SOON_S,
        )
    return row.id


async def test_games_are_counted_from_their_rows_and_after_those_are_gone(url: str) -> None:
    now = REPORT.ended_at
    async with opened(url, wall=lambda: now) as store:
        kept = ReportStore(store.database, wall=lambda: now)
        tag = await OwnerTags(store).of(secret_hash("owner", "reporting"))
        played = [
            await game(store, "quiet"),
            await game(store, "silent", later=2, answered=True),
            await game(store, "silent", later=1),
            await game(store, "reporting", later=1, answered=True),
        ]
        await store.begin_start(  # never became a game
            owner_hash=secret_hash("owner", "silent"),
            key="key",
            offered=Offered(1, "sha-1", "ct"),
            tag=fresh_tag(),
            within_s=SOON_S,
        )
        after = replace(REPORT, ended_at=now + 60)
        await kept.add(tag, "a" * 32, after, within_s=SOON_S)
        counted = (
            Games(DAY, "let_in", False, 1),
            Games(DAY, "let_in", True, 1),
            Games(DAY, "quiet", False, 1),
            Games(DAY, "unanswered", False, 1),
        )
        assert await kept.games(DAY, within_s=SOON_S) == counted
        assert await kept.games(DAY + 1, within_s=SOON_S) == ()
        for session_id in played:
            await store.ended(session_id, "TERMINATED", None, within_s=SOON_S)
        now += KEPT_S + 1
        for _ in range(2):
            await store.sweep(within_s=SOON_S)
            assert await kept.games(DAY, within_s=SOON_S) == counted
        now += 31 * DAY_S
        await kept.sweep(within_s=SOON_S)
        assert await kept.games(DAY, within_s=SOON_S) == ()


async def test_an_empty_database_is_not_made_by_a_reader(url: str) -> None:
    database = Database(url)
    with pytest.raises(ServiceError, match="no backend has used it"):
        await database.open(migrate=False)
