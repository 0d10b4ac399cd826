"""The backend's store for a test: in memory, in a file, or in a PostgreSQL server of its own."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert

from rejoin.backend.service import StreamId
from rejoin.backend.store import migrations
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import Database
from rejoin.backend.store.database_url import MEMORY
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.session_rows import StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.service_model.fence import Claim


@contextlib.asynccontextmanager
async def opened(
    url: str = MEMORY, *, wall: Callable[[], float] = time.time
) -> AsyncIterator[SessionStore]:
    """A store, open until the block ends."""
    store = SessionStore(Database(url), wall=wall)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def flights_of(store: SessionStore, owner: str = "this process") -> FlightStore:
    return FlightStore(store.database, owner)


def fresh_tag() -> str:
    """A UserId that no other session has."""
    return secrets.token_hex(8)


async def running_session(
    store: SessionStore, name: str = "1", *, owner_hash: str = "me"
) -> StoredSession:
    """A session that has started, with attempt 1 ("sha-NAME"); its stream session is `arn:NAME`.
    As it was recorded before the service answered."""
    _, row = await store.begin_start(
        owner_hash=owner_hash,
        key=f"start-{name}",
        offered=Offered(1, f"sha-{name}", "ct"),
        tag=fresh_tag(),
        within_s=60.0,
    )
    await store.started(row.id, StreamId("sg-1", f"arn:{name}"), within_s=60.0)
    return row


async def claimed(
    store: SessionStore, session_id: str, owner_hash: str, key: str, offered: Offered
) -> Claim:
    """Claim as the session's owner, who has one that runs."""
    found = await store.attempts.claim(
        session_id, owner_hash, key=key, offered=offered, within_s=60.0
    )
    assert found is not None
    assert found.claim is not None
    return found.claim


async def newest_is(store: SessionStore, session_id: str, owner_hash: str, attempt: int) -> None:
    """Make this attempt the session's newest."""
    offered = Offered(attempt, f"sha-{attempt}", "ct")
    await claimed(store, session_id, owner_hash, f"key-{attempt}", offered)


def at_version(path: Path, version: str, owner_hash: str) -> MetaData:
    """Make an SQLite file of an older version of the schema, with this owner's session "s".

    Returns the tables as a program of that version knows them.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    tables = MetaData()
    tables.reflect(engine)
    row = {"id": "s", "owner_hash": owner_hash, "start_token_hash": "t", "created_at": 1.0}
    with engine.begin() as connection:
        connection.execute(insert(tables.tables["stream_session"]).values(row | {"attempt": 4}))
    engine.dispose()
    return tables
