"""A rolling upgrade: processes of an older release go on beside the newest schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, Float, Integer, Table, create_engine

from helpers.stores import at_version, opened
from rejoin.backend.store.database import _VERSIONS
from rejoin.backend.store.migrations.versions import attempts_and_flights
from rejoin.backend.store.schema import secret_hash

MINE = secret_hash("owner", "me")
FIRST_SHARED = attempts_and_flights.revision
"""Before it a database had one process, which is stopped for an upgrade."""
OLDER = ("0002", "0003", "0004", "0005")


def test_every_version_that_several_processes_use_is_tried() -> None:
    assert OLDER[0] == FIRST_SHARED
    assert _VERSIONS[_VERSIONS.index(FIRST_SHARED) : -1] == OLDER


def _value(column: Column[Any]) -> object:
    if column.name == "session_id":
        return "s"  # the session that is there
    if isinstance(column.type, Boolean | Integer):
        return 1
    return 1.5 if isinstance(column.type, Float) else f"x-{column.name}"


def _old_columns(tables: dict[str, Table]) -> Iterator[tuple[Table, dict[str, object]]]:
    for name, table in tables.items():
        if name != "alembic_version":
            yield table, {column.name: _value(column) for column in table.columns}


@pytest.mark.parametrize("version", OLDER)
async def test_a_process_of_an_older_release_goes_on_beside_the_newest_schema(
    version: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.sqlite3"
    old = at_version(path, version, MINE)
    async with opened(str(path)):
        pass  # migrated by the new release, while the old one runs
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for table, row in _old_columns(dict(old.tables)):
            _reads_and_writes(connection, table, row)
    engine.dispose()


def _reads_and_writes(connection: Connection, table: Table, row: dict[str, object]) -> None:
    """As that release's statements do: they name its columns and no others."""
    (key, *_) = table.primary_key.columns
    mine = key == row[key.name]
    before = len(connection.execute(table.select()).all())
    connection.execute(table.insert().values(row))
    assert connection.execute(table.select().where(mine)).one()._asdict() == row
    connection.execute(table.update().where(mine).values(row))
    connection.execute(table.delete().where(mine))
    assert len(connection.execute(table.select()).all()) == before
