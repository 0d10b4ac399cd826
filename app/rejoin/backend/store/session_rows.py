"""A stream session as its rows have it, and how those are read.

Statements that every reconnect needs are made once, here and in the modules beside: SQLAlchemy
takes longer to put a statement together than to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Row, bindparam, select

from rejoin.backend.service import StreamId
from rejoin.backend.store.batched_reads import parameters
from rejoin.backend.store.schema import ATTEMPT, STREAM_SESSION
from rejoin.errors import ServiceError

_JOINED: Final = select(STREAM_SESSION, ATTEMPT).outerjoin(
    ATTEMPT, ATTEMPT.c.session_id == STREAM_SESSION.c.id
)
WITH_ATTEMPTS: Final = _JOINED.where(STREAM_SESSION.c.id == bindparam("session_id"))
"""One row for each attempt of a session. The two tables share no column name, so that a row can be
read as one of either table; the attempt's columns are null if the session has none."""
_ANY: Final[BindParameter[str]] = bindparam("ids", expanding=True)
_SESSIONS: Final = _JOINED.where(STREAM_SESSION.c.id.in_(_ANY))


class SessionForgottenError(ServiceError):
    """The row was deleted meanwhile: its start failed, or it became too old."""

    code = "session_forgotten"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One stream session. `answer` belongs to `request_sha256`, the newest attempt's request.

    `stream`: None while the outcome of the start is not known. `client_token`: the newest
    attempt's, None where an older version of the program recorded the attempt.
    `earlier_answers`: hashes of the answers to earlier attempts.
    """

    id: str
    owner_hash: str = field(repr=False)
    stream: StreamId | None
    attempt: int
    key_hash: str = field(repr=False)
    client_token: str | None = field(repr=False)
    request_sha256: str
    answer: str | None = field(repr=False)
    earlier_answers: frozenset[str]
    tag: str | None
    ended_status: str | None
    ended_reason: str | None
    connection_timeout_s: float | None = None


def attempts_in(rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Those of `rows`, which all belong to one session, that have an attempt."""
    return [each for each in rows if each.request_sha256 is not None]


def find_rows(connection: Connection, session_ids: Sequence[str]) -> dict[str, StoredSession]:
    """The sessions that exist, by id."""
    found: dict[str, list[Row[Any]]] = {}
    for each in connection.execute(_SESSIONS, {"ids": parameters(session_ids)}):
        found.setdefault(each.id, []).append(each)
    return {key: session_of(rows[0], attempts_in(rows)) for key, rows in found.items()}


def existing_rows(connection: Connection, session_ids: Sequence[str]) -> tuple[StoredSession, ...]:
    """The sessions that exist, in this order: another process may have deleted one meanwhile."""
    found = find_rows(connection, session_ids) if session_ids else {}
    return tuple(found[each] for each in session_ids if each in found)


def find_row(connection: Connection, session_id: str) -> StoredSession | None:
    rows = connection.execute(WITH_ATTEMPTS, {"session_id": session_id}).all()
    return session_of(rows[0], attempts_in(rows)) if rows else None


def forgotten() -> SessionForgottenError:
    return SessionForgottenError("The backend no longer knows this stream session.")


def get_row(connection: Connection, session_id: str) -> StoredSession:
    row = find_row(connection, session_id)
    if row is None:
        raise forgotten()
    return row


def offered_by(connection: Connection, session_id: str, request_sha256: str) -> Row[Any] | None:
    """The attempt that sent this offer."""
    return (
        connection.execute(
            select(ATTEMPT).where(
                ATTEMPT.c.session_id == session_id, ATTEMPT.c.request_sha256 == request_sha256
            )
        )
    ).one_or_none()


def session_of(found: Row[Any], attempts: Sequence[Row[Any]]) -> StoredSession:
    newest = next((each for each in attempts if each.number == found.attempt), None)
    stream = None
    if found.stream_session is not None:
        stream = StreamId(str(found.stream_group), str(found.stream_session))
    return StoredSession(
        id=found.id,
        owner_hash=found.owner_hash,
        stream=stream,
        attempt=found.attempt,
        key_hash="" if newest is None else newest.key_hash or "",
        client_token=None if newest is None else newest.client_token,
        request_sha256="" if newest is None else newest.request_sha256,
        answer=None if newest is None else newest.answer,
        earlier_answers=frozenset(
            each.answer_hash
            for each in attempts
            if each.answer_hash is not None and each is not newest
        ),
        tag=found.tag,
        ended_status=found.ended_status,
        ended_reason=found.ended_reason,
        connection_timeout_s=found.connection_timeout_s,
    )
