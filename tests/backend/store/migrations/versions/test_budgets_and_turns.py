"""A database of the version before goes on."""

from __future__ import annotations

from sqlalchemy import Connection, text

from helpers.stores import flights_of, fresh_tag, opened
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.migrations.versions import budgets_and_turns, connected_proof

SOON_S = 60.0
_NEW = ("call_budget", "create_turn", "queue_process", "list_reader", "listed_page")


def test_it_follows_the_one_before() -> None:
    assert budgets_and_turns.down_revision == connected_proof.revision


async def test_a_database_of_the_version_before_goes_on(url: str) -> None:
    async with opened(url) as store:
        _, row = await store.begin_start(
            owner_hash="me",
            key="k",
            offered=Offered(1, "sha-1", "ct"),
            tag=fresh_tag(),
            within_s=SOON_S,
        )

        def go_back(connection: Connection) -> None:
            for name in _NEW:
                connection.execute(text(f"DROP TABLE {name}"))
            connection.execute(text("ALTER TABLE stream_session DROP COLUMN connection_timeout_s"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))

        await store.database.run(go_back, within_s=SOON_S)
    async with opened(url) as store:
        assert await store.find(row.id, "me", within_s=SOON_S) is not None
        assert await flights_of(store).renew(row.id, within_s=SOON_S) is False
