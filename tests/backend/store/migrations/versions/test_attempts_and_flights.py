"""A database that the first release made goes on, with all that it recorded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from helpers.stores import claimed, fresh_tag, opened
from rejoin.backend.service import StreamId
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.migrations.versions import attempts_and_flights, initial
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.sessions import SessionStore
from rejoin.service_model.fence import Claim

OLD = Path(__file__).parents[4] / "data" / "backend_store_1.sql"
"""What the first release wrote, as `sqlite3 .dump` shows it."""
MINE = secret_hash("owner", "me")
FIRST, ENDED, UNKNOWN = (f"session-{number:024d}" for number in (1, 2, 3))
SOON_S = 60.0


def test_it_follows_the_first_one() -> None:
    assert attempts_and_flights.down_revision == initial.revision


async def test_a_file_of_the_first_release_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(OLD.read_text(encoding="utf-8"))
    database.close()
    async with opened(str(path), wall=lambda: 1_790_000_100.0) as store:
        await _check_first_release(store)
    async with opened(str(path)) as store:  # and once more, now that it has a version
        assert await store.find(FIRST, MINE, within_s=SOON_S) is not None


async def _check_first_release(store: SessionStore) -> None:
    row = await store.find(FIRST, MINE, within_s=SOON_S)
    assert row is not None
    assert (row.attempt, row.answer, row.stream) == (5, "answer 5", StreamId("sg", "session"))
    assert row.earlier_answers == {secret_hash("answer", "answer 2")}

    async def claim(attempt: int, key: str, sha: str) -> Claim:
        offered = Offered(attempt, sha, "ct")
        return await claimed(store, FIRST, MINE, key, offered)

    assert await claim(4, "k4", "sha-4") is Claim.STALE
    assert await claim(5, "k5", "sha-5") is Claim.REPEATED
    assert await claim(6, "k6", "sha-1") is Claim.REUSED
    assert await claim(6, "k6", "sha-6") is Claim.NEW
    verdict, _ = await store.begin_start(
        owner_hash=MINE,
        key="start-key",
        offered=Offered(1, "sha-1", "ct"),
        tag=fresh_tag(),
        within_s=SOON_S,
    )
    assert verdict is Claim.REPEATED
    ended = await store.find(ENDED, MINE, within_s=SOON_S)
    unknown = await store.find(UNKNOWN, MINE, within_s=SOON_S)
    assert ended is not None
    assert unknown is not None
    assert (ended.ended_status, ended.ended_reason) == ("TERMINATED", "idle")
    assert unknown.stream is None
