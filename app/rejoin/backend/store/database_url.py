"""The address of a backend's database, as an operator writes it, for SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rejoin.errors import ServiceError

MEMORY: Final = ":memory:"
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""PostgreSQL's; without one it is prefer."""


def parse_url(text_: str) -> URL:
    """Raises ServiceError for what names no database."""
    if "://" not in text_:
        path = None if text_ == MEMORY else str(Path(text_).absolute())
        return URL.create("sqlite+pysqlite", database=path)
    try:
        url = make_url(text_)
    except (ArgumentError, ValueError):
        url = URL.create("unknown")
    if url.get_backend_name() in ("postgresql", "postgres") and url.database:
        return _postgres_url(url)
    raise ServiceError(
        "The backend's database must be a file name, :memory: or a URL like"
        " postgresql://user:password@host/name."
    )


def _postgres_url(url: URL) -> URL:
    """Takes libpq's parameter names and passes on the driver's. Raises ServiceError."""
    query = dict(url.query)
    mode = query.pop("sslmode", None) or query.pop("ssl", None)
    if mode is not None:
        query["ssl"] = mode
    ports = (url.port, query.get("port"))
    if (
        not query.keys() <= {"host", "port", "ssl"}
        or mode not in (None, *_SSL_MODES)
        or not all(port is None or _is_port(port) for port in ports)
    ):
        raise ServiceError(
            "After its ? the URL of the backend's database may have host, port and sslmode"
            f" ({', '.join(_SSL_MODES)}); a port is a number up to 65535."
        )
    return URL.create(
        "postgresql+asyncpg",
        url.username,
        url.password,
        url.host,
        url.port,
        url.database,
        query,
    )


def _is_port(port: object) -> bool:
    text_ = str(port)
    return text_.isascii() and text_.isdecimal() and 0 < int(text_[:9]) <= 65535
