"""What a transaction says of its database: whether it answers, and whether it can be written."""

from __future__ import annotations

import enum
import re
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

READ_ONLY: Final = "ReadOnlySQLTransactionError"
"""asyncpg's name for a write at a standby, or under default_transaction_read_only."""

_CANNOT_WRITE: Final = (
    *(READ_ONLY, "DiskFullError", "InsufficientPrivilegeError"),
    *("SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR"),
)
"""Beginnings of names. None of them can be brought about by what a client sends."""
_WRITES: Final = re.compile(r"\bINSERT INTO\b|(?<!FOR )(?<!KEY )\bUPDATE\b|\bDELETE FROM\b")
_WROTE: Final = "rejoin.wrote"


class Outcome(enum.Enum):
    """Of one transaction. READ: nothing was to be written, so it says nothing about that."""

    READ = "read"
    WROTE = "wrote"
    CANNOT_WRITE = "cannot_write"
    FAILED = "failed"


def note_writes(engine: Engine) -> None:
    """Let `wrote` know what the statements of this engine's connections do."""

    def note(
        connection: Connection,
        cursor: Any,
        statement: str,
        _params: Any,
        _context: Any,
        _many: bool,
    ) -> None:
        if cursor.rowcount != 0 and _WRITES.search(statement):
            connection.info[_WROTE] = True

    event.listen(engine, "after_cursor_execute", note)


def wrote(connection: Connection) -> bool:
    """Whether rows were written since this was asked."""
    return bool(connection.info.pop(_WROTE, False))


def driver_name(error: BaseException) -> str:
    """What the driver calls an error; "" where it did not raise it."""
    raised = getattr(error, "orig", None)
    driver = getattr(raised, "__cause__", None) or raised
    if driver is None:
        return ""
    return getattr(driver, "sqlite_errorname", None) or type(driver).__name__


def outcome_of(error: BaseException) -> Outcome:
    """Of a transaction that has failed."""
    refused = driver_name(error).startswith(_CANNOT_WRITE)
    return Outcome.CANNOT_WRITE if refused else Outcome.FAILED
