"""A database of the release before goes on, and a process of that release beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert, select
from sqlalchemy.schema import MetaData

from helpers.stores import opened
from rejoin.backend.store.migrations.versions import attempts_and_flights, connected_proof
from rejoin.backend.store.proofs import ProofStore
from rejoin.clock import boot_s

MIGRATIONS = Path(connected_proof.__file__).parents[1]


def test_it_follows_the_one_before() -> None:
    assert connected_proof.down_revision == attempts_and_flights.revision


async def test_a_database_of_the_release_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    before = MetaData()
    before.reflect(engine)
    row = {"id": "s", "owner_hash": "o", "start_token_hash": "t", "created_at": 1.0, "attempt": 4}
    with engine.begin() as connection:
        connection.execute(insert(before.tables["stream_session"]).values(row))
    async with opened(str(path)) as store:
        found = await store.find("s", "o", within_s=60.0)
        assert found is not None
        assert found.attempt == 4
        proofs = ProofStore(store.database, boot_s)
        assert await proofs.connected_at("s", within_s=60.0) is None
    # What the release before knows of the table is enough for it to go on.
    with engine.begin() as connection:
        table = before.tables["stream_session"]
        connection.execute(insert(table).values(row | {"id": "s2", "start_token_hash": "t2"}))
        assert len(connection.execute(select(table)).all()) == 2
    engine.dispose()
    database = sqlite3.connect(path)
    assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("0003",)
    database.close()
