"""A server that can only be read, and one behind a pooler of transactions."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from helpers.postgres import PostgresServer, as_user
from helpers.stores import opened, running_session
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.outcomes import READ_ONLY, driver_name
from rejoin.backend.store.sessions import SessionStore
from rejoin.errors import ServiceError

_ADMIN = "@/postgres"
"""The server's own database, in which no session of a test is."""


def database_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextlib.contextmanager
def pooler(server: PostgresServer, url: str, mode: str) -> Iterator[str]:
    """The URL of the same database through Debian's pgbouncer."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer here (Debian's package of this name)")
    name, file = database_of(url), server.folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n{name} = host={server.folder} dbname={name}\n"
        f"[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {server.folder}\n"
        f"auth_type = trust\nauth_file = {server.folder}/users\npool_mode = {mode}\n"
    )
    (server.folder / "users").write_text(f'"{url.partition("//")[2].partition("@")[0]}" ""\n')
    process = subprocess.Popen(
        [*as_user(), program, str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        server.wait_for_socket(6432, process)
        yield f"{url}&port=6432"
    finally:
        process.terminate()
        process.wait(timeout=30)


async def test_a_pooler_that_changes_sessions_is_refused_with_a_sentence(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    with pooler(postgres, url, "transaction") as pooled:
        for _ in range(2):  # also where it has sessions that are free
            with pytest.raises(ServiceError, match="pool_mode=session"):
                async with opened(pooled):
                    pass


async def test_a_pooler_that_keeps_sessions_is_as_good_as_the_server(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    with pooler(postgres, url, "session") as pooled:
        async with opened(pooled) as one, opened(pooled) as two:
            row = await running_session(one)
            assert await two.age_s(row.id, within_s=60.0) is not None


def only_read(postgres: PostgresServer, url: str, setting: str) -> None:
    """For new connections; those that are there stay as they are."""
    postgres.execute(
        _ADMIN,
        f"ALTER DATABASE {database_of(url)} SET default_transaction_read_only = {setting}",
    )


async def test_a_backend_does_not_start_on_a_server_that_can_only_be_read(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    async with opened(url):
        pass
    only_read(postgres, url, "on")
    with pytest.raises(ServiceError, match="can only be read"):
        async with opened(url):
            pass


async def test_a_connection_to_a_standby_is_not_kept_after_the_failover(
    postgres: PostgresServer, expected_logs: object
) -> None:
    """As where the name of the server led to the standby for a moment."""
    url = postgres.new_database()
    async with opened(url) as store:
        await running_session(store, "before")
        only_read(postgres, url, "on")
        postgres.execute(
            _ADMIN,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database_of(url)}'",
        )
        assert READ_ONLY in [await failure(store, f"standby-{number}") for number in range(9)]
        only_read(postgres, url, "off")
        later = [await failure(store, f"after-{number}") for number in range(30)]
        assert later[-1] is None, "its connections stay at the standby"


async def failure(store: SessionStore, name: str) -> str | None:
    """What the driver says of a new session; None: it is stored."""
    try:
        await running_session(store, name)
    except StoreUnavailableError as error:
        return driver_name(error.__cause__ or error)
    return None
