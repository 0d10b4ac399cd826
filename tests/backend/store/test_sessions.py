"""What the backend keeps: fences, owners, and what survives a restart; on both databases."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, text, update

from helpers.stores import claimed, fresh_tag, opened
from rejoin.backend.service import StreamId
from rejoin.backend.store import sessions
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.schema import STREAM_SESSION, secret_hash
from rejoin.backend.store.session_rows import (
    SessionForgottenError,
    StoredSession,
    existing_rows,
    find_row,
)
from rejoin.backend.store.sessions import (
    KEPT_S,
    SessionStore,
    StreamTakenError,
)
from rejoin.service_model.fence import Claim

MINE = secret_hash("owner", "me")
THEIRS = secret_hash("owner", "them")
SOON_S = 60.0


async def started(
    store: SessionStore, *, key: str = "start-key", sha: str = "sha-1", stream: str = "session"
) -> str:
    claim, row = await begin(store, key=key, sha=sha)
    assert claim is Claim.NEW
    assert row.stream is None
    await store.started(row.id, StreamId("sg", stream), within_s=SOON_S)
    return row.id


async def begin(
    store: SessionStore, *, owner: str = MINE, key: str, sha: str, attempt: int = 1
) -> tuple[Claim, StoredSession]:
    return await store.begin_start(
        owner_hash=owner,
        key=key,
        offered=Offered(attempt, sha, f"ct-{sha}"),
        tag=fresh_tag(),
        within_s=SOON_S,
    )


async def claim(store: SessionStore, session_id: str, attempt: int, key: str, sha: str) -> Claim:
    offered = Offered(attempt, sha, f"ct-{key}")
    return await claimed(store, session_id, MINE, key, offered)


async def row_of(store: SessionStore, session_id: str) -> StoredSession:
    row = await store.find(session_id, MINE, within_s=SOON_S)
    assert row is not None
    return row


async def answered(store: SessionStore, session_id: str, attempt: int, text: str) -> bool:
    """Whether the answer is kept."""
    return await store.attempts.answered(
        session_id,
        attempt=attempt,
        request_sha256=f"sha-{attempt}",
        answer=text,
        within_s=SOON_S,
    )


async def test_a_session_is_found_by_its_owner_only(url: str) -> None:
    async with opened(url) as store:
        session_id = await started(store)
        assert await store.find(session_id, MINE, within_s=SOON_S) is not None
        assert await store.find(session_id, THEIRS, within_s=SOON_S) is None
        assert await store.find("nothing", MINE, within_s=SOON_S) is None


async def test_many_are_read_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.store.sessions._READ_AT_ONCE", 2)
    async with opened(url) as store:
        ids = [await started(store, key=f"k{n}", stream=f"session {n}") for n in range(5)]
        await claim(store, ids[3], 7, "k7", "sha-7")
        newest = await store.newest_attempts([*ids, "unknown"], within_s=SOON_S)
        assert newest == dict.fromkeys(ids, 1) | {ids[3]: 7}
        _, row = await begin(store, key="no stream yet", sha="sha-9")
        tags = [(await row_of(store, each)).tag or "" for each in ids]
        found = await store.by_tags([*tags, row.tag or "", "unknown"], within_s=SOON_S)
        expected = {tag: (ids[n], f"session {n}") for n, tag in enumerate(tags)}
        assert found == expected | {str(row.tag): (row.id, None)}
        assert await store.by_tags([], within_s=SOON_S) == {}


async def test_a_stream_session_has_one_owner(url: str) -> None:
    async with opened(url) as store:
        await started(store, stream="the-stream")
        _, row = await begin(store, owner=THEIRS, key="k", sha="sha-t")
        with pytest.raises(StreamTakenError):
            await store.started(row.id, StreamId("sg", "the-stream"), within_s=SOON_S)


async def test_the_age_of_a_session_counts_from_its_start(url: str) -> None:
    now = 1000.0
    async with opened(url, wall=lambda: now) as store:
        session_id = await started(store)
        now = 1600.5
        assert await store.age_s(session_id, within_s=SOON_S) == 600.5
        now = 0.0  # the clock was set back
        assert await store.age_s(session_id, within_s=SOON_S) == 0.0
        assert await store.age_s("unknown", within_s=SOON_S) == float("inf")


async def test_the_same_start_is_one_session_and_another_body_is_refused(url: str) -> None:
    async with opened(url) as store:
        session_id = await started(store)

        async def again(attempt: int, sha: str) -> tuple[Claim, str]:
            verdict, row = await begin(store, key="start-key", sha=sha, attempt=attempt)
            return verdict, row.id

        assert await again(1, "sha-1") == (Claim.REPEATED, session_id)
        assert await again(1, "sha-x") == (Claim.REUSED, session_id)
        assert await again(9, "sha-1") == (Claim.REUSED, session_id)
        verdict, row = await begin(store, owner=THEIRS, key="start-key", sha="sha-1")
        assert (verdict, row.id != session_id) == (Claim.NEW, True)
        await store.forget(session_id, within_s=SOON_S)
        assert await store.find(session_id, MINE, within_s=SOON_S) is None
        assert (await again(1, "sha-1"))[0] is Claim.NEW


async def test_a_restart_keeps_sessions_and_fences(url: str) -> None:
    async with opened(url) as store:
        session_id = await started(store)
        await claim(store, session_id, 5, "k5", "sha-5")
        await answered(store, session_id, 5, "the answer")
        secret = await store.server_key()
    async with opened(url) as store:
        row = await row_of(store, session_id)
        assert (row.attempt, row.answer, row.client_token) == (5, "the answer", "ct-k5")
        assert row.stream == StreamId("sg", "session")
        assert await claim(store, session_id, 4, "k4", "sha-4") is Claim.STALE
        assert await claim(store, session_id, 5, "k5", "sha-5") is Claim.REPEATED
        assert await store.server_key() == secret
        row = await store.ended(session_id, "TERMINATED", "applicationExit", within_s=SOON_S)
        assert (row.answer, row.ended_status) == (None, "TERMINATED")
        assert row.ended_reason == "applicationExit"


async def test_no_secret_is_in_the_file_once_the_session_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "backend.sqlite3"
    async with opened(str(path)) as store:
        session_id = await started(store, key="canary-key-1")
        await claim(store, session_id, 5, "canary-key-5", "sha-5")
        await answered(store, session_id, 5, "canary-answer")
        if os.name == "posix":
            assert path.stat().st_mode & 0o077 == 0
        await store.ended(session_id, "TERMINATED", None, within_s=SOON_S)
    with sqlite3.connect(path) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "ct-canary-key-5" in dump  # a ClientToken is no secret: it opens nothing
    assert "canary" not in dump.replace("ct-canary-key-5", "")


async def test_a_clock_alone_deletes_no_session_that_may_live(url: str) -> None:
    now = [1000.0]
    async with opened(url, wall=lambda: now[0]) as store:
        lives = await started(store, stream="lives")
        over = await started(store, key="another", sha="sha-o", stream="over")
        _, never = await begin(store, key="a third", sha="sha-n")
        await store.ended(over, "TERMINATED", None, within_s=SOON_S)
        assert await store.sweep(within_s=SOON_S) == ()
        now[0] += KEPT_S + 1
        asked = await store.sweep(within_s=SOON_S)
        assert {row.id for row in asked} == {lives, never.id}
        asked = await store.sweep(within_s=SOON_S, never_began=[lives, never.id])
        assert [row.id for row in asked] == [lives]
        assert await store.find(over, MINE, within_s=SOON_S) is None
        assert await store.find(never.id, MINE, within_s=SOON_S) is None
        offered = Offered(2, "sha-2", "ct")
        claim_of_over = store.attempts.claim(over, MINE, key="k2", offered=offered, within_s=SOON_S)
        assert await claim_of_over is None
        assert await claim(store, lives, 2, "k2", "sha-2") is Claim.NEW


async def test_what_is_old_is_deleted_a_few_rows_at_a_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_DELETED_AT_ONCE", 3)
    now = [1_800_000_000.0]
    async with opened(url, wall=lambda: now[0]) as store:
        ids = [
            await started(store, key=f"key-{n}", sha=f"sha-{n}", stream=f"over-{n}")
            for n in range(8)
        ]
        for each in ids:
            await store.ended(each, "TERMINATED", None, within_s=SOON_S)
        now[0] += KEPT_S + 1
        deleted: list[int] = []
        run = store.database.run

        async def counted(work: Any, **how: Any) -> Any:
            outcome = await run(work, **how)
            if isinstance(outcome, int):
                deleted.append(outcome)
            return outcome

        monkeypatch.setattr(store.database, "run", counted)
        assert await store.sweep(within_s=SOON_S) == ()
        assert deleted == [3, 3, 2]


async def test_a_start_that_was_refused_meanwhile_is_not_recorded_for_nobody(url: str) -> None:
    async with opened(url) as store:
        _, row = await begin(store, key="start-key", sha="sha-1")
        await store.forget(row.id, within_s=SOON_S)
        with pytest.raises(SessionForgottenError):
            await store.started(row.id, StreamId("sg", "session"), within_s=SOON_S)


async def test_of_many_that_record_one_start_one_wins(url: str) -> None:
    async with opened(url) as store:
        outcomes = await asyncio.gather(
            *(begin(store, key="the-key", sha="sha-1") for _ in range(6))
        )
        assert len({row.id for _, row in outcomes}) == 1
        assert [verdict for verdict, _ in outcomes].count(Claim.NEW) == 1


async def test_a_caller_with_no_time_left_is_refused_and_the_work_is_done_nevertheless(
    url: str,
    expected_logs: object,
) -> None:
    async with opened(url) as store:
        session_id = await started(store)

        def slow(connection: Connection) -> None:
            if store.database.is_shared:
                connection.execute(text("SELECT pg_sleep(2)"))
            else:
                time.sleep(2)
            connection.execute(update(STREAM_SESSION).values(ended_status="TERMINATED"))

        with pytest.raises(StoreUnavailableError):
            await store.database.run(slow, within_s=0.0)
        for _ in range(6000):
            ended = (await row_of(store, session_id)).ended_status
            if ended is not None:
                break
            await asyncio.sleep(0.01)
        assert ended == "TERMINATED"


async def test_no_log_has_what_is_stored(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with opened(url) as store:
        session_id = await started(store, key="canary-start")
        await claim(store, session_id, 2, "canary-key", "sha-2")
        await answered(store, session_id, 2, "canary-answer")
        with pytest.raises(StoreUnavailableError):
            await store.database.run(
                lambda c: c.execute(text("SELECT :x FROM nothing"), {"x": "canary-parameter"}),
                within_s=SOON_S,
            )
    for record in caplog.records:
        assert "canary" not in record.getMessage() + str(record.exc_info)


async def test_the_servers_secret_is_made_once_by_those_who_start_at_the_same_time(
    url: str,
) -> None:
    async with opened(url) as store:
        assert len(set(await asyncio.gather(*(store.server_key() for _ in range(8))))) == 1


async def test_a_start_that_is_forgotten_while_a_players_games_are_counted_is_none_of_them(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two starts at once, the one that was refused is deleted between the two reads."""
    async with opened(url) as store:
        lives = await started(store)
        _, refused = await begin(store, key="another", sha="sha-r")
        find = existing_rows

        def overtaken(connection: Connection, ids: Sequence[str]) -> tuple[StoredSession, ...]:
            connection.execute(delete(STREAM_SESSION).where(STREAM_SESSION.c.id == refused.id))
            return find(connection, ids)

        monkeypatch.setattr(sessions, "existing_rows", overtaken)
        assert [each.id for each in await store.live_of(MINE, within_s=SOON_S)] == [lives]
        assert await store.live_of(THEIRS, within_s=SOON_S) == ()


async def test_a_start_that_is_sent_again_while_its_refusal_is_recorded_begins_anew(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as store:
        _, first = await begin(store, key="key", sha="sha-1")
        find = find_row

        def overtaken(connection: Connection, session_id: str) -> StoredSession | None:
            connection.execute(delete(STREAM_SESSION).where(STREAM_SESSION.c.id == session_id))
            return find(connection, session_id)

        monkeypatch.setattr(sessions, "find_row", overtaken)
        claim, second = await begin(store, key="key", sha="sha-1")
        assert (claim, second.id != first.id) == (Claim.NEW, True)
