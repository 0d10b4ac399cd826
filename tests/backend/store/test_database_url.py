"""Addresses of a backend's database: files, memory, PostgreSQL, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.backend.store.database_url import MEMORY, parse_url
from rejoin.errors import ServiceError


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a@b/c",
        "postgresql://host-without-a-name",
        "postgresql+unknown://a@b:notaport/c",
        "http://example.com/x",
        "nothing://x",
        "postgresql://a@b/c?connect_timeout=3",
        "postgresql://a@b/c?sslmode=sometimes",
        "postgresql://a@b/c?sslmode=require&sslmode=disable",
        "postgresql://a@b:99999/c",
        "postgresql://a@/c?host=/tmp&port=x",
    ],
)
def test_an_url_that_names_no_database_is_one_sentence(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        parse_url(url)
    assert str(caught.value).endswith(".")
    assert url not in str(caught.value)


def test_what_is_no_url_is_a_file_whatever_folder_the_process_moves_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_url("backend.sqlite3").database == str(tmp_path / "backend.sqlite3")
    assert parse_url(MEMORY).database is None


def test_a_postgresql_url_has_the_drivers_names() -> None:
    url = parse_url("postgres://me:secret@db.example:5433/games?sslmode=verify-full")
    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.password, url.host, url.port) == ("me", "secret", "db.example", 5433)
    assert (url.database, dict(url.query)) == ("games", {"ssl": "verify-full"})
    socket = parse_url("postgresql://me@/games?host=/run/postgresql&port=5432")
    assert dict(socket.query) == {"host": "/run/postgresql", "port": "5432"}
