"""The tables are those that the migrations make."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from helpers.stores import opened
from rejoin.backend.store.schema import METADATA, secret_hash


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))


async def test_the_migrations_lead_to_the_tables_that_the_program_uses(url: str) -> None:
    async with opened(url) as store:
        found = await store.database.run(lambda c: c.run_sync(_differences), within_s=60.0)
    assert found == []


def test_equal_tokens_of_two_purposes_have_unequal_hashes() -> None:
    assert secret_hash("start", "token") != secret_hash("connection", "token")
    assert "token" not in secret_hash("start", "token")
