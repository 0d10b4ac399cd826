"""`rejoin` as its next release: at its start it adds to a schema that is there, as a migration may.

What a migration may do while processes of the release before still run: new tables, columns and
indexes, columns with a default or null.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from rejoin.backend.store import database
from rejoin.cli import main as cli

NEXT = "next"
_STEPS = (
    "ALTER TABLE stream_session ADD COLUMN next_note TEXT",
    "ALTER TABLE attempt ADD COLUMN next_number INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX next_index ON attempt (next_number)",
    "CREATE TABLE next_table (id INTEGER PRIMARY KEY)",
)

_bring_to_head = database._bring_to_head


def _to_next(connection: Connection, *, sqlite: bool, migrate: bool) -> None:
    if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == NEXT:
        return
    _bring_to_head(connection, sqlite=sqlite, migrate=migrate)
    for step in _STEPS:
        connection.execute(text(step))
    connection.execute(text("UPDATE alembic_version SET version_num = :next"), {"next": NEXT})


if __name__ == "__main__":
    database._bring_to_head = _to_next
    cli.main()
