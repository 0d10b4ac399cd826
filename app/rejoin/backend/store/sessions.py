"""Stream sessions: who owns which, since when, whether it has ended. `attempts` is a part of it.

Every call takes `within_s`, the seconds that its caller can wait, and raises StoreUnavailableError
when they are over; SessionForgottenError when the row is gone.
"""

from __future__ import annotations

import hmac
import math
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from rejoin.backend.service import StreamId
from rejoin.backend.store.attempt_writes import Offered, record_attempt
from rejoin.backend.store.attempts import AttemptStore
from rejoin.backend.store.batched_reads import BatchedReads
from rejoin.backend.store.database import LONGEST_S, Database
from rejoin.backend.store.database_url import MEMORY
from rejoin.backend.store.reports import delete_and_count
from rejoin.backend.store.schema import (
    ATTEMPT,
    SERVER_KEY,
    STREAM_SESSION,
    secret_hash,
)
from rejoin.backend.store.session_rows import (
    StoredSession,
    existing_rows,
    find_row,
    find_rows,
    forgotten,
    get_row,
    offered_by,
)
from rejoin.errors import ServiceError
from rejoin.service_model.fence import Claim

KEPT_S: Final = 2 * 86400.0
"""A stream session lasts 86,400 s at most (SessionLengthSeconds); rows are kept twice that."""
_SWEPT_AT_ONCE: Final = 100
_DELETED_AT_ONCE: Final = 200
"""Of one transaction. After a leap of the clock all that has ended is too old in one moment."""
_DELETED_IN_A_SWEEP: Final = 20_000
_READ_AT_ONCE: Final = 500
"""Fewer parameters than a statement of any database may have."""


class StreamTakenError(ServiceError):
    """The service's stream session belongs to another row already."""

    code = "stream_taken"


class SessionStore:
    """The sessions of a backend. `wall`: Unix time, which decides what is looked at again."""

    def __init__(
        self, database: Database | None = None, *, wall: Callable[[], float] = time.time
    ) -> None:
        self.database = database or Database(MEMORY)
        self.attempts = AttemptStore(self.database, wall=wall)
        self._wall = wall
        self._rows = BatchedReads(self.database, find_rows)
        self._urgent_rows = BatchedReads(self.database, find_rows, urgent=True)

    async def open(self) -> None:
        """Raises ServiceError with a sentence for the operator."""
        await self.database.open()

    async def close(self) -> None:
        await self.database.close()

    # --- starts -----------------------------------------------------------------------------------

    async def begin_start(
        self, *, owner_hash: str, key: str, offered: Offered, tag: str, within_s: float
    ) -> tuple[Claim, StoredSession]:
        """Record a start before the service is called. `tag`: its UserId there.

        The same owner and key again: REPEATED for the same attempt and request, else REUSED.
        """
        key_hash = secret_hash("start", key)

        def work(connection: Connection) -> tuple[Claim, StoredSession] | None:
            known = connection.scalar(
                select(STREAM_SESSION.c.id).where(
                    STREAM_SESSION.c.owner_hash == owner_hash,
                    STREAM_SESSION.c.start_token_hash == key_hash,
                )
            )
            row = None if known is None else find_row(connection, known)
            if row is not None:
                # Later attempts replaced number and request, but the hash of every offer is kept.
                again = offered_by(connection, row.id, offered.request_sha256) is not None
                same = again and offered.attempt <= row.attempt
                return (Claim.REPEATED if same else Claim.REUSED), row
            session_id = secrets.token_urlsafe(24)
            try:
                connection.execute(
                    insert(STREAM_SESSION).values(
                        id=session_id,
                        owner_hash=owner_hash,
                        start_token_hash=key_hash,
                        created_at=self._wall(),
                        attempt=offered.attempt,
                        tag=tag,
                    )
                )
            except IntegrityError:
                return None  # another process has just recorded the same start
            record_attempt(connection, session_id, key_hash, offered)
            return Claim.NEW, get_row(connection, session_id)

        for _ in range(2):
            outcome = await self.database.run(work, within_s=within_s)
            if outcome is not None:
                return outcome
        raise forgotten()

    async def started(
        self,
        session_id: str,
        stream: StreamId,
        *,
        within_s: float,
        connection_timeout_s: float | None = None,
    ) -> None:
        """The service accepted the start. Raises StreamTakenError, and SessionForgottenError where
        the start was refused meanwhile: another process had it at the same time."""

        def work(connection: Connection) -> None:
            try:
                recorded = connection.execute(
                    update(STREAM_SESSION)
                    .where(STREAM_SESSION.c.id == session_id)
                    .values(
                        stream_group=stream.stream_group,
                        stream_session=stream.stream_session,
                        connection_timeout_s=connection_timeout_s,
                    )
                )
            except IntegrityError as error:
                raise StreamTakenError("This stream session belongs to another start.") from error
            if not recorded.rowcount:
                raise forgotten()

        await self.database.run(work, within_s=within_s, urgent=True)

    async def forget(self, session_id: str, *, within_s: float) -> None:
        """The start certainly failed: there is no such session."""

        def work(connection: Connection) -> None:
            connection.execute(delete(STREAM_SESSION).where(STREAM_SESSION.c.id == session_id))

        await self.database.run(work, within_s=within_s, urgent=True)

    async def server_key(self) -> bytes:
        """The backend's secret; made at the first call, the same in every process."""

        def work(connection: Connection) -> str:
            found = connection.scalar(select(SERVER_KEY.c.secret))
            if found is not None:
                return str(found)
            try:
                with connection.begin_nested():
                    secret = secrets.token_hex(32)
                    connection.execute(insert(SERVER_KEY).values(id=1, secret=secret))
            except IntegrityError:  # another process has just made it
                secret = str(connection.scalar(select(SERVER_KEY.c.secret)))
            return secret

        return bytes.fromhex(await self.database.run(work, within_s=LONGEST_S))

    # --- reading ----------------------------------------------------------------------------------

    async def find(
        self, session_id: str, owner_hash: str, *, within_s: float, urgent: bool = False
    ) -> StoredSession | None:
        """The session if it exists *and* belongs to this owner. `urgent`: for a call that is about
        to go out."""
        rows = self._urgent_rows if urgent else self._rows
        row = await rows.get(session_id, within_s=within_s)
        if row is None or not hmac.compare_digest(row.owner_hash, owner_hash):
            return None
        return row

    async def get(self, session_id: str, *, within_s: float) -> StoredSession:
        """What is stored of a session, whoever owns it. Raises SessionForgottenError."""
        row = await self._rows.get(session_id, within_s=within_s)
        if row is None:
            raise forgotten()
        return row

    async def live_of(self, owner_hash: str, *, within_s: float) -> tuple[StoredSession, ...]:
        """The owner's sessions that have not ended as far as is known."""

        def work(connection: Connection) -> tuple[StoredSession, ...]:
            ids = connection.scalars(
                select(STREAM_SESSION.c.id).where(
                    STREAM_SESSION.c.owner_hash == owner_hash,
                    STREAM_SESSION.c.ended_status.is_(None),
                )
            )
            return existing_rows(connection, ids.all())

        return await self.database.run(work, within_s=within_s)

    async def newest_attempts(
        self, session_ids: Sequence[str], *, within_s: float
    ) -> dict[str, int]:
        """The number of the newest attempt of each of these sessions that exists."""
        columns = (STREAM_SESSION.c.id, STREAM_SESSION.c.attempt)
        return dict(await self._read_many(columns, session_ids, within_s))

    async def by_tags(
        self, tags: Sequence[str], *, within_s: float
    ) -> dict[str, tuple[str, str | None]]:
        """The session that was started with each UserId: its id, and its stream session."""
        columns = (STREAM_SESSION.c.tag, STREAM_SESSION.c.id, STREAM_SESSION.c.stream_session)
        rows = await self._read_many(columns, tags, within_s)
        return {tag: (session_id, stream) for tag, session_id, stream in rows}

    async def _read_many(
        self, columns: Sequence[Column[Any]], keys: Sequence[str], within_s: float
    ) -> list[Any]:
        """These columns of the rows that have one of the keys in the first."""
        rows: list[Any] = []
        for begin in range(0, len(keys), _READ_AT_ONCE):
            some = select(*columns).where(columns[0].in_(keys[begin : begin + _READ_AT_ONCE]))

            def work(connection: Connection, some: Select[Any] = some) -> Sequence[Any]:
                return connection.execute(some).all()

            rows += await self.database.run(work, within_s=within_s)
        return rows

    async def age_s(self, session_id: str, *, within_s: float) -> float:
        """How long ago the start was recorded; infinite for an unknown session."""

        def work(connection: Connection) -> float | None:
            return connection.scalar(
                select(STREAM_SESSION.c.created_at).where(STREAM_SESSION.c.id == session_id)
            )

        created_at = await self.database.run(work, within_s=within_s)
        return math.inf if created_at is None else max(0.0, self._wall() - created_at)

    # --- ends and age ---------------------------------------------------------------------------

    async def ended(
        self, session_id: str, status: str, reason: str | None, *, within_s: float
    ) -> StoredSession:
        """The service reported the end; the answer is not needed any more."""

        def work(connection: Connection) -> StoredSession:
            connection.execute(
                update(STREAM_SESSION)
                .where(STREAM_SESSION.c.id == session_id)
                .values(ended_status=status, ended_reason=reason)
            )
            connection.execute(
                update(ATTEMPT).where(ATTEMPT.c.session_id == session_id).values(answer=None)
            )
            return get_row(connection, session_id)

        return await self.database.run(work, within_s=within_s, urgent=True)

    # --- rows that are too old --------------------------------------------------------------------

    async def sweep(
        self, *, within_s: float, never_began: Sequence[str] = ()
    ) -> tuple[StoredSession, ...]:
        """Delete what is too old and has ended; return what is too old and may live: whether it
        does, only the service knows, whatever a clock says. `never_began`: of those without a
        stream session, the ones that can have none any more. A few rows at a time, because others
        wait for the database."""

        def delete_some(connection: Connection) -> int:
            ids = connection.scalars(
                select(STREAM_SESSION.c.id)
                .where(
                    self._is_old(),
                    STREAM_SESSION.c.ended_status.is_not(None)
                    | (
                        STREAM_SESSION.c.stream_session.is_(None)
                        & STREAM_SESSION.c.id.in_(never_began[:_READ_AT_ONCE])
                    ),
                )
                .limit(_DELETED_AT_ONCE)
                .with_for_update(skip_locked=True)  # another process deletes them
            ).all()
            if ids:
                delete_and_count(connection, STREAM_SESSION.c.id.in_(ids))
            return len(ids)

        def remaining(connection: Connection) -> tuple[StoredSession, ...]:
            ids = connection.scalars(
                select(STREAM_SESSION.c.id)
                .where(self._is_old(), STREAM_SESSION.c.ended_status.is_(None))
                .order_by(STREAM_SESSION.c.created_at)
                .limit(_SWEPT_AT_ONCE)
            )
            return existing_rows(connection, ids.all())

        for _ in range(_DELETED_IN_A_SWEEP // _DELETED_AT_ONCE):
            if await self.database.run(delete_some, within_s=within_s) < _DELETED_AT_ONCE:
                break
        return await self.database.run(remaining, within_s=within_s)

    def _is_old(self) -> ColumnElement[bool]:
        return STREAM_SESSION.c.created_at < self._wall() - KEPT_S
