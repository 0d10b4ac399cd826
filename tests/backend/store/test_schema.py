"""The tables are those that the migrations make."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from helpers.stores import opened
from rejoin.backend.store.database import HEAD
from rejoin.backend.store.schema import METADATA, secret_hash

OLD = Path(__file__).parents[2] / "data" / "backend_store_1.sql"
"""What the first release wrote."""


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))


async def test_a_new_database_has_the_tables_that_the_program_uses(url: str) -> None:
    async with opened(url) as store:
        found = await store.database.run(_differences, within_s=60.0)
    assert found == []


async def test_the_migrations_lead_to_the_same_tables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(OLD.read_text(encoding="utf-8"))
    database.close()
    with caplog.at_level("INFO", "rejoin.backend.store"):
        async with opened(str(path)) as store:
            found = await store.database.run(_differences, within_s=60.0)
    assert found == []
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == [
        f"the database is of version 0001 and is migrated to {HEAD}",
        "migration 1 of 5: version 0002",
    ]
    assert said[5] == f"migration 5 of 5: version {HEAD}"


def test_equal_tokens_of_two_purposes_have_unequal_hashes() -> None:
    assert secret_hash("start", "token") != secret_hash("connection", "token")
    assert "token" not in secret_hash("start", "token")
