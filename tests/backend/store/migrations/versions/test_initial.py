"""The first step makes the tables of the first release."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from rejoin.backend.store.migrations.versions import initial

OLD = Path(__file__).parents[4] / "data" / "backend_store_1.sql"


def columns(path: Path) -> dict[str, list[str]]:
    database = sqlite3.connect(path)
    found = {
        table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        for table in ("stream_session", "offer")
    }
    database.close()
    return found


def test_a_new_database_of_the_first_version_has_its_columns(tmp_path: Path) -> None:
    made, old = tmp_path / "made.sqlite3", tmp_path / "old.sqlite3"
    engine = sa.create_engine(f"sqlite:///{made}")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        initial.upgrade()
    engine.dispose()
    database = sqlite3.connect(old)
    database.executescript(OLD.read_text(encoding="utf-8"))
    database.close()
    assert columns(made) == columns(old)
    assert initial.down_revision is None
