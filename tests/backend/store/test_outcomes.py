"""What a transaction says of its database, on both kinds of it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from helpers.postgres import PostgresServer
from helpers.stores import opened, running_session
from rejoin.backend.store.database import Database, StoreUnavailableError
from rejoin.backend.store.outcomes import READ_ONLY, Outcome, driver_name

SOON_S = 60.0


def said(database: Database) -> list[Outcome]:
    """What is said from now on."""
    found: list[Outcome] = []
    database.on_outcome = found.append
    return found


async def test_reading_and_writing_are_told_apart(url: str) -> None:
    async with opened(url) as store:
        outcomes = said(store.database)
        await store.age_s("nobody's", within_s=SOON_S)
        assert set(outcomes) == {Outcome.READ}
        outcomes.clear()
        row = await running_session(store)
        assert set(outcomes) == {Outcome.WROTE}
        outcomes.clear()
        await store.age_s(row.id, within_s=SOON_S)
        assert set(outcomes) == {Outcome.READ}


def reading_for_writing(connection: Connection) -> None:
    connection.execute(text("SELECT id FROM stream_session FOR UPDATE")).all()


def writing_nothing(connection: Connection) -> None:
    connection.execute(text("DELETE FROM stream_session WHERE id = 'none'"))


@pytest.mark.parametrize("work", [reading_for_writing, writing_nothing])
async def test_what_wrote_no_row_proves_nothing(
    postgres: PostgresServer, work: Callable[[Connection], None]
) -> None:
    async with opened(postgres.new_database()) as store:
        await running_session(store)
        outcomes = said(store.database)
        await store.database.run(work, within_s=SOON_S)
        assert outcomes == [Outcome.READ]


async def test_a_failed_write_says_nothing_of_the_transaction_after_it(url: str) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(text("DELETE FROM alembic_version"))
        raise StoreUnavailableError(secrets.token_hex(4))

    async with opened(url) as store:
        outcomes = said(store.database)
        with contextlib.suppress(StoreUnavailableError):
            await store.database.run(fails, within_s=SOON_S)
        await store.age_s("nobody's", within_s=SOON_S)
        assert outcomes == [Outcome.FAILED, Outcome.READ]


async def test_a_database_that_can_only_be_read_is_no_broken_one(
    url: str, expected_logs: object
) -> None:
    def only_read(connection: Connection) -> None:
        on_sqlite = connection.dialect.name == "sqlite"
        statement = "PRAGMA query_only = ON" if on_sqlite else "SET TRANSACTION READ ONLY"
        connection.exec_driver_sql(statement)
        connection.exec_driver_sql("DELETE FROM alembic_version")

    async with opened(url) as store:
        outcomes = said(store.database)
        with pytest.raises(StoreUnavailableError) as caught:
            await store.database.run(only_read, within_s=SOON_S)
        assert outcomes == [Outcome.CANNOT_WRITE]
        assert caught.value.__cause__ is not None
        assert driver_name(caught.value.__cause__) in (READ_ONLY, "SQLITE_READONLY")
