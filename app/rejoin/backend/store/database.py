"""One database: opening it, its schema, transactions, and how long a caller waits for it.

A call of the store is never cancelled half way: a caller that has no time left gets
StoreUnavailableError, and the transaction ends on its own; one that has not begun by then never
begins. SQLite is used by one process alone, which holds its lock until it closes; its calls run on
a thread of their own, one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from rejoin.backend.slots import Slots
from rejoin.backend.store.database_url import MEMORY, parse_url
from rejoin.backend.store.outcomes import Outcome, driver_name, note_writes, outcome_of, wrote
from rejoin.backend.store.postgres_checks import check_sessions, drop_read_only_connections
from rejoin.backend.store.schema import METADATA, ONE_BOOT, STREAM_SESSION
from rejoin.clock import boot_s
from rejoin.errors import ServiceError
from rejoin.tasks import spawn

_log = logging.getLogger("rejoin.backend.store")
_Result = TypeVar("_Result")

_VERSIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD: Final = _VERSIONS[-1]
"""The version of the schema that this program uses; `migrations.versions` has each step."""
LONGEST_S: Final = 5.0
"""No transaction takes longer; PostgreSQL ends a statement then."""
OPEN_S: Final = 30.0
"""For connecting and the longest migration."""
_CONNECTIONS: Final = 10
_CONNECTIONS_AHEAD: Final = 2
"""Connections for turns and budgets alone: calls go on while a thousand clients sign in."""
_CONNECT_S: Final = 2.0
_ASKED_AFTER_S: Final = 2.0
"""A connection to PostgreSQL that nobody has used for this long is asked whether it still works."""
_BUSY_S: Final = 0.5
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite writes beside a file, with rows in it."""
_VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY NOT NULL)"
)
"""As Alembic makes it."""
_MIGRATION_LOCK: Final = 0x52656A6F
"""Of PostgreSQL's advisory locks: two processes that start at once migrate one after the other."""


class StoreUnavailableError(ServiceError):
    """The database did not answer in time, or cannot be reached. Whether anything was stored is
    unknown."""

    code = "store_unavailable"


Work = Callable[[Connection], _Result]
"""The statements of one transaction; on PostgreSQL in a greenlet, on SQLite in a thread."""


class _Backend(Protocol):
    """One of the two kinds of database. `at_once`: transactions at the same time. `ahead`: on a
    connection of its own, where there is one. `autocommit`: each statement is a transaction, where
    that saves round trips. A transaction returns its result, and whether it wrote."""

    at_once: int

    async def open(self, *, migrate: bool) -> None: ...
    async def transaction(
        self, work: Work[_Result], *, ahead: bool, autocommit: bool
    ) -> tuple[_Result, bool]: ...
    async def close(self) -> None: ...


class _Sqlite:
    """A file or memory, on a thread of its own: one wake-up of it for each transaction."""

    at_once = 1

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._thread: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        """None after `close`."""

    async def open(self, *, migrate: bool) -> None:
        def work() -> None:
            self._engine = _sqlite_engine(self._url)
            with self._engine.begin() as connection:
                _bring_to_head(connection, sqlite=True, migrate=migrate)
                for table in ONE_BOOT:
                    connection.execute(table.delete())
            _write_ahead(self._engine)
            if self._url.database is not None:
                _keep_private(Path(self._url.database))

        await self._in_thread(work)

    async def transaction(
        self, work: Work[_Result], *, ahead: bool, autocommit: bool
    ) -> tuple[_Result, bool]:
        def run() -> tuple[_Result, bool]:
            assert self._engine is not None, "open the database first"
            with self._engine.begin() as connection:
                return _done(work, connection)

        return await self._in_thread(run)

    async def close(self) -> None:
        def work() -> None:
            if self._engine is not None:
                self._engine.dispose()

        if self._thread is not None:
            await self._in_thread(work)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        if self._thread is None:
            raise StoreUnavailableError("The backend's database is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class _Postgres:
    at_once = _CONNECTIONS

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine: AsyncEngine | None = None
        self._ahead: AsyncEngine | None = None

    async def open(self, *, migrate: bool) -> None:
        self._engine = _postgres_engine(self._url, _CONNECTIONS)
        self._ahead = _postgres_engine(self._url, _CONNECTIONS_AHEAD)
        key = {"key": _MIGRATION_LOCK}
        if migrate:
            await check_sessions(self._engine)
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
            await connection.commit()
            try:
                await connection.run_sync(_bring_to_head, sqlite=False, migrate=migrate)
                await connection.commit()
            finally:
                await connection.rollback()
                await connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
                await connection.commit()

    async def transaction(
        self, work: Work[_Result], *, ahead: bool, autocommit: bool
    ) -> tuple[_Result, bool]:
        engine = self._ahead if ahead else self._engine
        assert engine is not None, "open the database first"
        if autocommit:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                return await connection.run_sync(lambda own: _done(work, own))
        async with engine.begin() as connection:
            return await connection.run_sync(lambda own: _done(work, own))

    async def close(self) -> None:
        for engine in (self._engine, self._ahead):
            if engine is not None:
                await engine.dispose()


def _done(work: Work[_Result], connection: Connection) -> tuple[_Result, bool]:
    wrote(connection)  # what a transaction before it did that failed
    return work(connection), wrote(connection)


class Database:
    """`open` it before use and `close` it after. `url`: ":memory:", a file, or a PostgreSQL URL
    (postgresql://user:password@host/name)."""

    def __init__(self, url: str = MEMORY) -> None:
        where = parse_url(url)
        self.is_shared = where.get_backend_name() == "postgresql"
        """Whether other processes use it too."""
        self._backend: _Backend = _Postgres(where) if self.is_shared else _Sqlite(where)
        self._slots = Slots(self._backend.at_once)
        self._running: set[asyncio.Task[Any]] = set()
        self.on_outcome: Callable[[Outcome], None] | None = None
        """Called after each transaction."""

    async def open(self, *, migrate: bool = True) -> None:
        """Connect, check, migrate. Raises ServiceError with a sentence for the operator; without
        `migrate` also for a database that the backend has not made or migrated yet."""
        try:
            async with asyncio.timeout(OPEN_S):
                await self._backend.open(migrate=migrate)
        except (SQLAlchemyError, OSError, TimeoutError, UnicodeError) as error:
            # UnicodeError: the server's name is none that can be looked up
            await self._backend.close()
            raise ServiceError(_why(error, shared=self.is_shared)) from error
        except ServiceError:
            await self._backend.close()
            raise

    async def close(self) -> None:
        """Wait for the transactions that still run, then disconnect. May be called again, also
        after an `open` that failed."""
        if self._running:
            await asyncio.wait(self._running, timeout=LONGEST_S)
        await self._backend.close()

    async def run(
        self,
        work: Work[_Result],
        *,
        within_s: float,
        urgent: bool = False,
        ahead: bool = False,
        autocommit: bool = False,
        late: Callable[[_Result], None] | None = None,
    ) -> _Result:
        """One transaction. Raises StoreUnavailableError when `within_s` is over or it fails; what
        `work` raises of ours is raised as it is.

        `urgent`: it records what is on its way to the service, or has happened there, and goes
        before all that does not. `ahead`: it is short, and waits for none of them. `autocommit`:
        each statement of `work` is a transaction of its own on PostgreSQL, and all of them are one
        on SQLite; `work` must be right both ways. `late`: called with a result that came after the
        caller had stopped waiting."""
        until_at = boot_s() + max(0.0, within_s)
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        transaction = partial(self._backend.transaction, work, ahead=ahead, autocommit=autocommit)
        slot = None if ahead and self.is_shared else self._slots.slot(urgent=urgent or ahead)
        task = spawn(self._transaction(transaction, slot, begun), name="store")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            # The caller waits for a slot as long as they can, for the database itself less long.
            either: set[asyncio.Future[Any]] = {task, begun}
            await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            patience_s = max(0.0, min(until_at - boot_s(), LONGEST_S)) if begun.done() else 0.0
            done, _ = await asyncio.wait({task}, timeout=patience_s)
        except asyncio.CancelledError:
            _when_late(task, late)
            raise
        if not done:
            if within_s >= 1.0:
                self._say(Outcome.FAILED)
            if not begun.done():
                task.cancel()
            _when_late(task, late)
            raise StoreUnavailableError("The backend's database did not answer in time.")
        result, outcome = task.result()
        self._say(outcome)
        if isinstance(result, Exception):
            raise result
        return result

    def _say(self, outcome: Outcome) -> None:
        if self.on_outcome is not None:
            self.on_outcome(outcome)

    async def _transaction(
        self,
        transaction: Callable[[], Awaitable[tuple[_Result, bool]]],
        slot: AbstractAsyncContextManager[None] | None,
        begun: asyncio.Future[None],
    ) -> tuple[_Result | Exception, Outcome]:
        """In a slot, if one is needed; `begun` has a result from then on."""
        async with slot or contextlib.nullcontext():
            begun.set_result(None)
            try:
                result, has_written = await transaction()
            except StoreUnavailableError as error:
                return error, Outcome.FAILED
            except ServiceError as error:
                return error, Outcome.READ
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                _log.warning("the database failed: %s", _name_of(error))
                failed = StoreUnavailableError(
                    "The backend's database cannot be used at the moment."
                )
                failed.__cause__ = error
                return failed, outcome_of(error)
            return result, Outcome.WROTE if has_written else Outcome.READ


def _when_late(
    task: asyncio.Task[tuple[_Result | Exception, Outcome]], late: Callable[[_Result], None] | None
) -> None:
    """Call `late` with the result of a transaction, if it has one."""
    if late is None:
        return

    def ended(ended_task: asyncio.Task[tuple[_Result | Exception, Outcome]]) -> None:
        if not ended_task.cancelled():
            result, _ = ended_task.result()
            if not isinstance(result, Exception):
                late(result)

    task.add_done_callback(ended)


def _name_of(error: Exception) -> str:
    """The kind of an error, and the driver's name for it: a full disk, a read-only database, a user
    without rights. Never its text, which may have rows in it."""
    name = driver_name(error)
    return f"{type(error).__name__} ({name})" if name else type(error).__name__


def _postgres_engine(url: URL, connections: int) -> AsyncEngine:
    """A pool in which nobody waits for long: there are as many slots as connections."""
    _keep_rows_out_of_logs()
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_CONNECT_S,
        pool_use_lifo=True,  # the connection used last has its statements prepared and planned
        connect_args={"timeout": _CONNECT_S, "command_timeout": LONGEST_S},
        hide_parameters=True,
    )

    def used(_: Any, record: Any) -> None:
        record.info["used_at"] = boot_s()

    def check(connection: Any, record: Any, _: Any) -> None:
        """Instead of SQLAlchemy's own ping at every transaction, which is a round trip more."""
        if record.driver_connection.is_closed():
            raise DisconnectionError
        if boot_s() - record.info.get("used_at", boot_s()) > _ASKED_AFTER_S:
            try:
                engine.dialect.do_ping(connection)
            except (DBAPIError, engine.dialect.loaded_dbapi.Error, OSError) as error:
                raise DisconnectionError from error

    note_writes(engine.sync_engine)
    drop_read_only_connections(engine.sync_engine)
    event.listen(engine.sync_engine, "checkin", used)
    event.listen(engine.sync_engine, "checkout", check)
    return engine


def _sqlite_engine(url: URL) -> Engine:
    """One connection: it holds the file's lock, or the memory, for as long as this process runs."""
    _keep_rows_out_of_logs()
    if url.database is not None:
        _create_private(Path(url.database))
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"timeout": _BUSY_S, "check_same_thread": False},
        hide_parameters=True,
    )
    note_writes(engine)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _keep_rows_out_of_logs() -> None:
    """Debug records have the rows that a statement found."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


def _create_private(path: Path) -> None:
    """Create the file, if there is none, so that no other user of this machine can read it. Raises
    ServiceError."""
    try:
        if path.exists() and not path.is_file():
            raise ServiceError("The backend's database file cannot be opened: it is no file.")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ServiceError("The backend's database file cannot be opened.") from error


def _keep_private(path: Path) -> None:
    """Make our database, and files that a killed process has left beside it, unreadable for other
    users. A file that another program made keeps its mode. Raises OSError."""
    for each in (path, *(path.with_name(f"{path.name}{end}") for end in _BESIDE)):
        if os.name == "posix" and each.exists() and stat.S_IMODE(each.stat().st_mode) & 0o077:
            each.chmod(0o600)


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA locking_mode = EXCLUSIVE")
        # No sync for each commit: a power cut may lose the last writes, a crash does not.
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _write_ahead(engine: Engine) -> None:
    """Once the database is known to be ours: this is written into the file, and stays there."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL").close()
    finally:
        connection.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bring_to_head(connection: Connection, *, sqlite: bool, migrate: bool) -> None:
    """Make or migrate the schema. Raises ServiceError for a foreign, newer or damaged database."""
    if sqlite and connection.execute(text("PRAGMA quick_check(1)")).scalar() != "ok":
        raise ServiceError("The backend's database file is damaged; put a backup in its place.")
    names = set(inspect(connection).get_table_names())
    if not names and not migrate:
        raise ServiceError("The backend's database is empty; no backend has used it.")
    if not names:
        METADATA.create_all(connection)
        connection.execute(text(_VERSION_TABLE))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        return
    version = None
    if "alembic_version" in names:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    elif names != {"stream_session", "offer"}:
        raise ServiceError("The backend's database was not made by this program.")
    if STREAM_SESSION.name not in names:  # Alembic keeps the version of many programs
        raise ServiceError("The backend's database was not made by this program.")
    if version == HEAD and not names.issuperset(METADATA.tables):
        raise ServiceError("Tables of the backend's database are missing; restore a backup.")
    if version not in (None, *_VERSIONS):
        raise ServiceError("The backend's database was made by a newer version of this program.")
    if version != HEAD and not migrate:
        raise ServiceError(
            "The backend's database is of an older version; a backend of this one migrates it."
        )
    if version != HEAD:
        _migrate(connection, version)


def _migrate(connection: Connection, version: str | None) -> None:
    """`version`: None: the first release wrote none. Each step is logged when it is done."""
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    begun, steps = version or _VERSIONS[0], len(_VERSIONS) - 1
    first = _VERSIONS.index(begun)

    def on_step(reached: str) -> None:
        number = _VERSIONS.index(reached) - first
        _log.info("migration %d of %d: version %s", number, steps - first, reached)

    config.attributes["on_step"] = on_step
    _log.info("the database is of version %s and is migrated to %s", begun, HEAD)
    if version is None:
        alembic.command.stamp(config, begun)
    alembic.command.upgrade(config, HEAD)


def _why(error: Exception, *, shared: bool) -> str:
    if shared:
        return "The backend's database cannot be reached, or refuses this user."
    words = str(error)
    if "locked" in words:
        return "The backend's database file is in use by another process."
    if "readonly" in words:
        return "The backend's database file can only be read."
    if "not a database" in words or "malformed" in words:
        return "The backend's database file was not made by this program."
    return "The backend's database file cannot be opened."
