"""What a PostgreSQL server has to be: one that can be written, with sessions of our own."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Engine, ExceptionContext, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from rejoin.backend.store.outcomes import READ_ONLY, driver_name
from rejoin.errors import ServiceError

_STRANGERS_STATEMENTS: Final = ("DuplicatePreparedStatementError", "InvalidSQLStatementNameError")
"""A statement that this connection prepared is not there, or one that it did not prepare is."""
_POOLED: Final = (
    "The backend's database is behind a pooler that gives each transaction another session"
    " (pgbouncer: pool_mode=transaction); use pool_mode=session, or no pooler."
)


async def check_sessions(engine: AsyncEngine) -> None:
    """Raises ServiceError for a server that can only be read, and for a pooler whose connections
    have no session of their own: prepared statements and the lock of the migration need one."""
    mark = secrets.token_hex(8)
    marking = text("SELECT set_config('rejoin.session', :mark, false)")
    try:
        async with engine.connect() as one, engine.connect() as two:
            await one.execute(marking, {"mark": mark})
            await one.commit()
            # The second one's transaction, which is still open, keeps a session that was free.
            found = (await _mark_of(two), await _mark_of(one))
            only_read = (await one.execute(text("SHOW transaction_read_only"))).scalar() == "on"
    except DBAPIError as error:
        if driver_name(error) in _STRANGERS_STATEMENTS:
            raise ServiceError(_POOLED) from error
        raise
    if found[0] == mark or found[1] != mark:
        raise ServiceError(_POOLED)
    if only_read:
        raise ServiceError(
            "The backend's database can only be read: it is a standby, or"
            " default_transaction_read_only is on."
        )


async def _mark_of(connection: AsyncConnection) -> object:
    found = await connection.execute(text("SELECT current_setting('rejoin.session', true)"))
    return found.scalar()


def drop_read_only_connections(engine: Engine) -> None:
    """A connection that cannot write is not used again: after a failover the next one may lead to
    the server that can, while this one would stay at the standby."""

    def drop(context: ExceptionContext) -> None:
        cause = getattr(context.original_exception, "__cause__", None)
        if type(cause).__name__ == READ_ONLY:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False

    event.listen(engine, "handle_error", drop)
