"""Opening a database: one that is foreign, newer, damaged, in use or gone; and its history."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, text

from conftest import LogRecords
from helpers.postgres import PostgresServer
from helpers.stores import fresh_tag, opened
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import HEAD, Database, StoreUnavailableError
from rejoin.backend.store.schema import SERVER_KEY, secret_hash
from rejoin.errors import ServiceError
from rejoin.service_model.fence import Claim

MINE = secret_hash("owner", "me")
SOON_S = 60.0


async def refusal_of(url: str) -> str:
    with pytest.raises(ServiceError) as caught:
        async with opened(url):
            pass
    assert str(caught.value).endswith(".")
    return str(caught.value)


def execute(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    for statement in statements:
        database.executescript(statement)
    database.commit()
    database.close()


async def test_an_url_may_say_sslmode_as_for_other_programs(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    async with opened(f"{url}&sslmode=disable") as store:
        assert await store.server_key()
    assert "cannot be reached" in await refusal_of(f"{url}&sslmode=verify-full")


async def test_a_file_that_cannot_be_made_or_is_no_database_is_one_sentence(
    tmp_path: Path,
) -> None:
    assert "opened" in await refusal_of(str(tmp_path / "missing" / "x.sqlite3"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE stream_session (other TEXT)",
        "CREATE TABLE something (other TEXT)",
        None,
    ],
)
async def test_a_file_of_another_program_is_left_alone(
    tmp_path: Path, statement: str | None
) -> None:
    """Also its mode: a setting that names the wrong file, with a backend that root runs, must not
    take it away from everybody else."""
    path = tmp_path / "x.sqlite3"
    if statement is None:
        path.write_bytes(b"this is a text file and not a database" * 100)
    else:
        execute(path, statement)
    path.chmod(0o644)
    before, mode = path.read_bytes(), path.stat().st_mode
    assert "not made by this program" in await refusal_of(str(path))
    assert path.read_bytes() == before
    assert path.stat().st_mode == mode
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes are in no folder")
async def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        path.chmod(0o755)
        assert "it is no file" in await refusal_of(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize("version", ["0001", HEAD, "8a1f0c"])
async def test_a_database_whose_version_another_program_wrote_is_left_alone(
    tmp_path: Path, version: str
) -> None:
    path = tmp_path / "x.sqlite3"
    execute(
        path,
        "CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE something (other TEXT)",
        f"INSERT INTO alembic_version VALUES ('{version}')",
    )
    assert "not made by this program" in await refusal_of(str(path))


async def test_a_database_without_one_of_its_tables_is_refused(url: str) -> None:
    async with opened(url) as store:
        await store.database.run(lambda c: c.exec_driver_sql("DROP TABLE flight"), within_s=SOON_S)
    assert "missing" in await refusal_of(url)


async def test_what_a_killed_process_left_beside_the_file_becomes_private_too(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(str(path)):
        pass
    beside = [tmp_path / f"x.sqlite3{end}" for end in ("", "-wal", "-shm")]
    for each in beside:
        each.touch()
        each.chmod(0o644)
    async with opened(str(path)):
        for each in beside:
            assert not each.exists() or stat.S_IMODE(each.stat().st_mode) == 0o600


async def test_a_newer_schema_is_refused(url: str) -> None:
    async with opened(url) as store:
        await store.database.run(
            lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"),
            within_s=SOON_S,
        )
    assert "newer" in await refusal_of(url)


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(str(path)) as store:
        for number in range(50):
            await store.begin_start(
                owner_hash=MINE,
                key=f"key-{number}",
                offered=Offered(1, f"sha-{number}", "ct" * 200),
                tag=fresh_tag(),
                within_s=SOON_S,
            )
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    path.write_bytes(content)
    said = await refusal_of(str(path))
    assert "damaged" in said or "not made by this program" in said


_SECOND = """
import asyncio, sys
from rejoin.backend.store.database import HEAD, Database
from rejoin.errors import ServiceError

async def main():
    try:
        await Database(sys.argv[1]).open()
    except ServiceError as error:
        print(error)

asyncio.run(main())
"""


async def test_a_second_process_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = str(tmp_path / "x.sqlite3")
    async with opened(path):
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _SECOND, path],
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.stdout.strip() == "The backend's database file is in use by another process."


async def test_two_processes_that_start_at_once_migrate_once(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    databases = [Database(url) for _ in range(4)]
    await asyncio.gather(*(database.open() for database in databases))
    version = await databases[0].run(
        lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar(),
        within_s=SOON_S,
    )
    assert version == HEAD
    for database in databases:
        await database.close()


async def test_a_server_that_is_gone_is_a_refusal_and_back_it_is_used_again(
    postgres: PostgresServer, expected_logs: object
) -> None:
    async with opened(postgres.new_database()) as store:
        offered = Offered(1, "sha-1", "ct")
        postgres.stop()
        try:
            with pytest.raises(StoreUnavailableError):
                await store.begin_start(
                    owner_hash=MINE, key="k", offered=offered, tag=fresh_tag(), within_s=SOON_S
                )
        finally:
            postgres.start()
        verdict, _ = await store.begin_start(
            owner_hash=MINE, key="k", offered=offered, tag=fresh_tag(), within_s=SOON_S
        )
        assert verdict is Claim.NEW


async def test_a_server_that_cannot_be_reached_is_one_sentence() -> None:
    assert "reached" in await refusal_of("postgresql://nobody@/none?host=/nowhere")
    assert "reached" in await refusal_of("postgresql://nobody@a..example/none")


@pytest.mark.parametrize("place", ["missing/x.sqlite3", "x.sqlite3"])
async def test_a_database_may_be_closed_twice_also_where_it_was_not_opened(
    tmp_path: Path, place: str
) -> None:
    database = Database(str(tmp_path / place))
    with contextlib.suppress(ServiceError):
        await database.open()
    await database.close()
    await database.close()


async def test_a_database_that_was_closed_is_out_of_order_and_no_failure_of_ours(
    tmp_path: Path,
) -> None:
    async with opened(str(tmp_path / "x.sqlite3")) as store:
        pass
    with pytest.raises(StoreUnavailableError):
        await store.server_key()


async def test_the_log_says_what_the_driver_calls_a_failure_and_nothing_of_the_rows(
    url: str, expected_logs: LogRecords
) -> None:
    """The name says what an operator has to do: this database can only be read."""
    async with opened(url) as store:

        def write(connection: Connection) -> None:
            only_read, name = "PRAGMA query_only = ON", "SQLITE_READONLY"
            if store.database.is_shared:
                only_read, name = "SET TRANSACTION READ ONLY", "ReadOnlySQLTransactionError"
            named.append(name)
            connection.execute(text(only_read))
            connection.execute(text("DELETE FROM server_key WHERE secret = 'canary'"))

        named: list[str] = []
        with pytest.raises(StoreUnavailableError):
            await store.database.run(write, within_s=60.0)
    assert [f"({named[0]})" in line for line in expected_logs.lines] == [True]
    assert "canary" not in expected_logs.lines[0]


async def test_what_goes_ahead_waits_for_no_connection_that_others_hold(
    postgres: PostgresServer, expected_logs: LogRecords
) -> None:
    url = postgres.new_database()
    holder, database = Database(url), Database(url)
    for each in (holder, database):
        await each.open()

    def hold(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_lock(7)"))

    def wait_for_it(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))

    await holder.run(hold, within_s=60.0)
    waiting = [asyncio.ensure_future(database.run(wait_for_it, within_s=60.0)) for _ in range(40)]
    count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
    for _ in range(6000):
        if await holder.run(lambda each: each.scalar(text(count)), within_s=60.0) >= 10:
            break
        await asyncio.sleep(0.01)
    one = await database.run(
        lambda connection: connection.scalar(text("SELECT 1")), within_s=60.0, ahead=True
    )
    assert one == 1
    await holder.close()  # and the lock goes with its connection
    await asyncio.gather(*waiting, return_exceptions=True)
    await database.close()
    assert all("the database failed" in line for line in expected_logs.lines)


async def test_more_callers_than_connections_wait_for_as_long_as_they_can(
    postgres: PostgresServer,
) -> None:
    database = Database(postgres.new_database())
    await database.open()
    try:
        slow = text("SELECT pg_sleep(2.5)")  # longer than a connection may take to be made
        busy = [
            asyncio.ensure_future(
                database.run(lambda connection: connection.scalar(slow), within_s=SOON_S)
            )
            for _ in range(10)
        ]
        await asyncio.sleep(0)
        found = await database.run(
            lambda connection: connection.scalar(text("SELECT 1")), within_s=SOON_S
        )
        assert found == 1
        await asyncio.gather(*busy)
    finally:
        await database.close()


async def test_a_transaction_that_nobody_waits_for_any_more_never_begins() -> None:
    database = Database()
    await database.open()
    released = threading.Event()
    done: list[object] = []
    try:
        first = asyncio.ensure_future(
            database.run(lambda _: done.append(released.wait(SOON_S)), within_s=SOON_S)
        )
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailableError):
            await database.run(lambda _: done.append("late"), within_s=0.05)
        released.set()
        await first
        await database.run(lambda _: done.append("next"), within_s=SOON_S)
        assert done == [True, "next"]
    finally:
        released.set()
        await database.close()


async def test_what_happened_at_the_service_is_recorded_before_new_calls() -> None:
    database = Database()
    await database.open()
    released = threading.Event()
    done: list[object] = []
    try:
        first = asyncio.ensure_future(database.run(lambda _: released.wait(SOON_S), within_s=9.0))
        await asyncio.sleep(0)
        rest = []
        for name, urgent in (("a call", False), ("another", False), ("an answer", True)):
            work = functools.partial(lambda name, _: done.append(name), name)
            rest.append(asyncio.ensure_future(database.run(work, within_s=SOON_S, urgent=urgent)))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        released.set()
        await asyncio.gather(first, *rest)
        assert done == ["an answer", "a call", "another"]
    finally:
        released.set()
        await database.close()


async def test_each_statement_may_be_a_transaction_of_its_own(url: str) -> None:
    """On PostgreSQL what one has written stays, whatever comes after it; on SQLite nothing does."""
    async with opened(url) as store:

        def work(connection: Connection) -> None:
            connection.execute(insert(SERVER_KEY).values(id=1, secret="kept"))
            raise ServiceError("after the first statement")

        with pytest.raises(ServiceError):
            await store.database.run(work, within_s=60.0, autocommit=True)

        def read(connection: Connection) -> str | None:
            return connection.scalar(select(SERVER_KEY.c.secret))

        secret = await store.database.run(read, within_s=60.0)
        assert secret == ("kept" if store.database.is_shared else None)
        # The next one on the same connections is a transaction again.

        def begun(connection: Connection) -> None:
            connection.execute(delete(SERVER_KEY))
            raise ServiceError("nothing of this stays")

        with pytest.raises(ServiceError):
            await store.database.run(begun, within_s=60.0)
        assert await store.database.run(read, within_s=60.0) == secret


async def test_a_result_that_nobody_waits_for_is_handed_to_who_asked_for_it(url: str) -> None:
    async with opened(url) as store:
        late: list[int] = []

        async def run(work: Callable[[Connection], int]) -> int:
            return await store.database.run(work, within_s=60.0, late=late.append)

        assert await run(lambda _: 1) == 1
        left = asyncio.ensure_future(run(lambda _: 2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # it has begun
        left.cancel()

        def fails(_: Connection) -> int:
            raise ServiceError("no result")

        failed = asyncio.ensure_future(run(fails))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        failed.cancel()
        for _ in range(3000):
            if late:
                break
            await asyncio.sleep(0.01)
        await store.database.run(lambda _: 3, within_s=60.0)
        assert late == [2]
