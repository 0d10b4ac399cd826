"""Pages of lists in a store, for tests."""

from __future__ import annotations

from sqlalchemy import Connection, update

from rejoin.backend.call_rate import Quota
from rejoin.backend.service import ListedStream, StreamId
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.list_pages import ListPages
from rejoin.backend.store.schema import LIST_READER, LISTED_PAGE
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import boot_s

SOON_S = 60.0


def pages_of(store: SessionStore, owner: str, lists: str = "lists") -> ListPages:
    return ListPages(BudgetStore(store.database, "shard", Quota(), boot_s), lists, owner)


def stream(name: str, status: str = "CONNECTED") -> ListedStream:
    return ListedStream(StreamId("sg-1", f"arn:{name}"), status, f"tag-{name}")


async def passes(store: SessionStore, seconds: float) -> None:
    """All that is stored becomes older by so much."""

    def work(connection: Connection) -> None:
        for table, column in (
            (LIST_READER, LIST_READER.c.renewed_at),
            (LISTED_PAGE, LISTED_PAGE.c.written_at),
        ):
            connection.execute(update(table).values({column: column - seconds}))

    await store.database.run(work, within_s=SOON_S)
