"""One database: opening it, its schema, transactions, and how long a caller waits for it.

A call of the store is never cancelled half way: a caller that has no time left gets
StoreUnavailableError, and the transaction ends on its own. SQLite is used by one process alone,
which holds its lock until it closes; its calls run on a thread of their own, one after another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from rejoin.backend.store.schema import METADATA
from rejoin.errors import ServiceError
from rejoin.tasks import spawn

_log = logging.getLogger("rejoin.backend.store")
_Result = TypeVar("_Result")

MEMORY: Final = ":memory:"
HEAD: Final = "0002"
"""The version of the schema that this program uses; `migrations.versions` has each step."""
LONGEST_S: Final = 5.0
"""No transaction takes longer; PostgreSQL ends a statement then."""
_CONNECTIONS: Final = 10
_CONNECT_S: Final = 2.0
_BUSY_S: Final = 0.5
_VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY NOT NULL)"
)
"""As Alembic makes it."""
_MIGRATION_LOCK: Final = 0x52656A6F
"""Of PostgreSQL's advisory locks: two processes that start at once migrate one after the other."""


class StoreUnavailableError(ServiceError):
    """The database did not do its part in time, or cannot be reached. Nothing is known to be
    stored."""

    code = "store_unavailable"


class Database:
    """`open` it before use and `close` it after. `url`: ":memory:", a file, or a PostgreSQL URL
    (postgresql://user:password@host/name)."""

    def __init__(self, url: str = MEMORY) -> None:
        self._url = _url_of(url)
        self._engine: AsyncEngine | None = None
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def is_shared(self) -> bool:
        """Whether other processes use it too."""
        return self._url.get_backend_name() == "postgresql"

    async def open(self) -> None:
        """Connect, check, migrate. Raises ServiceError with a sentence for the operator."""
        self._engine = _engine_for(self._url)
        try:
            async with asyncio.timeout(30.0), self._engine.connect() as connection:
                if self.is_shared:
                    await connection.execute(
                        text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK}
                    )
                    await connection.commit()
                try:
                    await connection.run_sync(_bring_to_head, sqlite=not self.is_shared)
                    await connection.commit()
                finally:
                    if self.is_shared:
                        await connection.rollback()
                        await connection.execute(
                            text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK}
                        )
                        await connection.commit()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            await self._engine.dispose()
            raise ServiceError(_why(error, shared=self.is_shared)) from error
        except ServiceError:
            await self._engine.dispose()
            raise

    async def close(self) -> None:
        """Wait for the transactions that still run, then disconnect."""
        if self._running:
            await asyncio.wait(self._running, timeout=LONGEST_S)
        if self._engine is not None:
            await self._engine.dispose()

    async def run(
        self, work: Callable[[AsyncConnection], Awaitable[_Result]], *, within_s: float
    ) -> _Result:
        """One transaction. Raises StoreUnavailableError when `within_s` is over or it fails; what
        `work` raises of ours is raised as it is."""
        task = spawn(self._transaction(work), name="store")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, min(within_s, LONGEST_S)))
        if not done:
            raise StoreUnavailableError("The backend's database did not answer in time.")
        outcome = task.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _transaction(
        self, work: Callable[[AsyncConnection], Awaitable[_Result]]
    ) -> _Result | Exception:
        try:
            async with self._begun() as connection:
                return await work(connection)
        except ServiceError as error:
            return error
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.warning("the database failed: %s", type(error).__name__)
            failed = StoreUnavailableError("The backend's database cannot be used at the moment.")
            failed.__cause__ = error
            return failed

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[AsyncConnection]:
        assert self._engine is not None, "open the database first"
        async with self._engine.begin() as connection:
            yield connection


def _url_of(text_: str) -> URL:
    """Raises ServiceError for what names no database."""
    if "://" not in text_:
        path = None if text_ == MEMORY else str(Path(text_).absolute())
        return URL.create("sqlite+aiosqlite", database=path)
    try:
        url = make_url(text_)
    except (ArgumentError, ValueError):
        url = URL.create("unknown")
    if url.get_backend_name() in ("postgresql", "postgres") and url.database:
        return url.set(drivername="postgresql+asyncpg")
    raise ServiceError(
        "The backend's database must be a file name, :memory: or a URL like"
        " postgresql://user:password@host/name."
    )


def _engine_for(url: URL) -> AsyncEngine:
    # Their debug records have the parameters of every statement and the rows that it found.
    for name in ("aiosqlite", "sqlalchemy.engine"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            connect_args={"timeout": _CONNECT_S, "command_timeout": LONGEST_S},
            hide_parameters=True,
        )
    if url.database is not None:
        _keep_private(Path(url.database))
    # One connection: it holds the file's lock, or the memory, for as long as this process runs.
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=LONGEST_S,
        connect_args={"timeout": _BUSY_S},
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _keep_private(path: Path) -> None:
    """Create the file so that no other user of this machine can read it. Raises ServiceError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        readable = os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077
        if readable:
            path.chmod(0o600)
    except OSError as error:
        raise ServiceError("The backend's database file cannot be opened.") from error


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA locking_mode = EXCLUSIVE")
        cursor.execute("PRAGMA journal_mode = WAL")
        # No sync for each commit: a power cut may lose the last writes, a crash does not.
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bring_to_head(connection: Connection, *, sqlite: bool) -> None:
    """Make or migrate the schema. Raises ServiceError for a foreign, newer or damaged database."""
    if sqlite and connection.execute(text("PRAGMA quick_check(1)")).scalar() != "ok":
        raise ServiceError("The backend's database file is damaged; put a backup in its place.")
    names = set(inspect(connection).get_table_names())
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
    if version not in (None, "0001", HEAD):
        raise ServiceError("The backend's database was made by a newer version of this program.")
    if version != HEAD:
        _migrate(connection, stamped=version is not None)


def _migrate(connection: Connection, *, stamped: bool) -> None:
    """`stamped`: it has a version; the first release wrote none."""
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if not stamped:
        alembic.command.stamp(config, "0001")
    alembic.command.upgrade(config, HEAD)


def _why(error: Exception, *, shared: bool) -> str:
    if shared:
        return "The backend's database cannot be reached, or refuses this user."
    words = str(error)
    if "locked" in words:
        return "The backend's database file is in use by another process."
    if "not a database" in words or "malformed" in words:
        return "The backend's database file was not made by this program."
    return "The backend's database file cannot be opened."
