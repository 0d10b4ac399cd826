"""A database of the release before goes on, and a process of that release beside it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, insert, select, text

from helpers.stores import at_version, opened
from rejoin.backend.store.database import HEAD
from rejoin.backend.store.migrations.versions import connected_proof, reconnect_reports
from rejoin.backend.store.proofs import ProofStore
from rejoin.clock import boot_s


def test_it_follows_the_one_before() -> None:
    assert connected_proof.down_revision == reconnect_reports.revision


async def test_a_database_of_the_release_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    before = at_version(path, reconnect_reports.revision, "o")
    async with opened(str(path)) as store:
        found = await store.find("s", "o", within_s=60.0)
        assert found is not None
        assert found.attempt == 4
        proofs = ProofStore(store.database, boot_s)
        assert await proofs.connected_at("s", within_s=60.0) is None
    # What the release before knows of the table is enough for it to go on.
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        table = before.tables["stream_session"]
        row = {"id": "s2", "owner_hash": "o", "start_token_hash": "t2", "created_at": 1.0}
        connection.execute(insert(table).values(row | {"attempt": 1}))
        assert len(connection.execute(select(table)).all()) == 2
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    engine.dispose()
