"""The backend's store for a test: in memory, in a file, or in a PostgreSQL server of its own."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable

from rejoin.backend.store.database import MEMORY, Database
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.sessions import SessionStore


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
