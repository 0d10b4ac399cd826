"""What a claim and an answer write: on PostgreSQL one statement each, on SQLite several.

A reconnect waits for both, and on PostgreSQL the round trip of a statement takes longer than what
the statement does. On SQLite they are parts of one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from rejoin.backend.store.flights import END_FLIGHT
from rejoin.backend.store.schema import (
    ATTEMPT,
    DATABASE_NOW,
    FLIGHT,
    STREAM_SESSION,
    secret_hash,
)
from rejoin.backend.store.session_rows import StoredSession
from rejoin.service_model import fence


@dataclass(frozen=True, slots=True)
class Offered:
    """An attempt as it is recorded. `client_token`: what the service will be called with."""

    attempt: int
    request_sha256: str
    client_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewFlight:
    """A flight that is to begin with a claim (`flights`). `owner`: this process. `lands_within_s`:
    seconds from now, after which its call cannot have an effect any more. `on_late`: called if it
    begins after whoever claimed has stopped waiting, so that no call will be made."""

    owner: str
    lands_within_s: float
    on_late: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Landed:
    """A create call that the service answered. `flight_of`: the process whose flight ends with it.
    `settles`: the database's clock can be trusted to say that it was just now."""

    session_id: str
    attempt: int
    request_sha256: str
    answer: str = field(repr=False)
    flight_of: str | None
    settles: bool


def write_claim(
    connection: Connection,
    row: StoredSession,
    key_hash: str,
    offered: Offered,
    flight: NewFlight | None,
) -> bool | None:
    """Make this attempt the newest of a session that was read as `row`, and begin the flight unless
    there is another. Returns whether it has begun; None, and nothing is written, if the session has
    changed since."""
    parameters = {
        "of_session": row.id,
        "seen": row.attempt,
        "new_number": offered.attempt,
        "new_request": offered.request_sha256,
        "new_key": key_hash,
        "new_token": offered.client_token,
        "is_wanted": flight is not None,
        "new_owner": "" if flight is None else flight.owner,
        "new_landing": 0.0 if flight is None else flight.lands_within_s,
    }
    if connection.dialect.name == "postgresql":
        newest, begun = connection.execute(_CLAIM, parameters).one()
        return bool(begun) if newest else None
    newest = connection.execute(_SET_NEWEST, _only(parameters, "of_session seen new_number"))
    if newest.rowcount == 0:
        return None
    connection.execute(_FORGET_ANSWERS, _only(parameters, "of_session"))
    record_attempt(connection, row.id, key_hash, offered)
    return flight is not None and _begin(connection, row.id, offered.attempt, flight)


def write_answer(connection: Connection, landed: Landed, now: float) -> bool | None:
    """Store the answer, if it is kept, and end the flight. Returns whether it is kept; None: there
    is no such session. `now`: Unix time, which only SQLite needs."""
    parameters: dict[str, Any] = {
        "to_session": landed.session_id,
        "to_attempt": landed.attempt,
        "to_request": landed.request_sha256,
        "of_owner": landed.flight_of or "",
        "the_answer": landed.answer,
        "the_hash": secret_hash("answer", landed.answer),
        "settles": landed.settles,
    }
    if connection.dialect.name == "postgresql":
        at_once = connection.scalar(_ANSWER, parameters)
        return None if at_once is None else bool(at_once)
    newest = connection.execute(_NEWEST, _only(parameters, "to_session")).one_or_none()
    if newest is None:
        return None
    kept = fence.keeps_answer(landed.attempt, newest.attempt) and newest.ended_status is None
    if landed.settles:
        connection.execute(_SETTLE, {"to_session": landed.session_id, "now": now})
    stored = _only(parameters, "to_session to_request the_answer the_hash")
    connection.execute(_STORE_ANSWER, stored | ({} if kept else {"the_answer": None}))
    connection.execute(END_FLIGHT, _only(parameters, "to_session of_owner to_attempt"))
    return kept


def record_attempt(
    connection: Connection, session_id: str, key_hash: str, offered: Offered
) -> None:
    """A part of a transaction: this SignalRequest was offered."""
    connection.execute(
        _RECORD,
        {
            "session_id": session_id,
            "request_sha256": offered.request_sha256,
            "number": offered.attempt,
            "key_hash": key_hash,
            "client_token": offered.client_token,
        },
    )


def _only(parameters: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: parameters[name] for name in names.split()}


# --- statements of a claim ------------------------------------------------------------------------

_SET_NEWEST: Final = (
    update(STREAM_SESSION)
    .where(
        STREAM_SESSION.c.id == bindparam("of_session"),
        STREAM_SESSION.c.attempt == bindparam("seen"),
        STREAM_SESSION.c.ended_status.is_(None),
    )
    .values(attempt=bindparam("new_number"))
)
_FORGET_ANSWERS: Final = (
    update(ATTEMPT)
    .where(ATTEMPT.c.session_id == bindparam("of_session"), ATTEMPT.c.answer.is_not(None))
    .values(answer=null())
)
_RECORD: Final = insert(ATTEMPT)
_BEGIN_FLIGHT: Final = sqlite.insert(FLIGHT).on_conflict_do_nothing()


def _begin(connection: Connection, session_id: str, attempt: int, flight: NewFlight) -> bool:
    """Whether it has begun: not if there is another."""
    begun = connection.execute(
        _BEGIN_FLIGHT,
        {
            "session_id": session_id,
            "attempt": attempt,
            "owner": flight.owner,
            "beat": 0,
            "lands_within_s": flight.lands_within_s,
        },
    )
    return begun.rowcount > 0


def _claiming() -> Select[Any]:
    """The same as one statement of PostgreSQL: how many sessions it changed, and how many flights
    have begun. No parameter has the name of a column, or SQLAlchemy would write it there."""
    newest = _SET_NEWEST.returning(STREAM_SESSION.c.id).cte("newest")
    recorded = (
        insert(ATTEMPT)
        .from_select(
            ["session_id", "request_sha256", "number", "key_hash", "client_token"],
            select(
                newest.c.id,
                bindparam("new_request", type_=String),
                bindparam("new_number", type_=Integer),
                bindparam("new_key", type_=String),
                bindparam("new_token", type_=Text),
            ),
        )
        .cte("recorded")
    )
    forgotten_answers = _FORGET_ANSWERS.where(exists(select(newest.c.id))).cte("forgotten")
    begun = (
        postgresql.insert(FLIGHT)
        .from_select(
            ["session_id", "attempt", "owner", "beat", "lands_within_s"],
            select(
                newest.c.id,
                bindparam("new_number", type_=Integer),
                bindparam("new_owner", type_=String),
                literal_column("0"),
                bindparam("new_landing", type_=Double),
            ).where(bindparam("is_wanted", type_=Boolean)),
        )
        .on_conflict_do_nothing()
        .returning(FLIGHT.c.session_id)
        .cte("begun")
    )
    return select(
        select(func.count()).select_from(newest).scalar_subquery(),
        select(func.count()).select_from(begun).scalar_subquery(),
    ).add_cte(recorded, forgotten_answers)


_CLAIM: Final = _claiming()


# --- statements of an answer ----------------------------------------------------------------------

_NEWEST: Final = select(STREAM_SESSION.c.attempt, STREAM_SESSION.c.ended_status).where(
    STREAM_SESSION.c.id == bindparam("to_session")
)
_SETTLE: Final = (
    update(STREAM_SESSION)
    .where(STREAM_SESSION.c.id == bindparam("to_session"))
    .values(settled_at=bindparam("now"))
)
_STORE_ANSWER: Final = (
    update(ATTEMPT)
    .where(
        ATTEMPT.c.session_id == bindparam("to_session"),
        ATTEMPT.c.request_sha256 == bindparam("to_request"),
    )
    .values(answer=bindparam("the_answer"), answer_hash=bindparam("the_hash"))
)


def _answering() -> Select[Any]:
    """The same as one statement of PostgreSQL: whether the answer is kept, if there is a session.

    The session's row is written first, so that two such statements wait for each other there.
    `kept` is `fence.keeps_answer` in SQL."""
    settles = bindparam("settles", type_=Boolean)
    settled_at = case((settles, DATABASE_NOW), else_=STREAM_SESSION.c.settled_at)
    session = (
        update(STREAM_SESSION)
        .where(STREAM_SESSION.c.id == bindparam("to_session"))
        .values(settled_at=settled_at)
        .returning(STREAM_SESSION.c.id, STREAM_SESSION.c.attempt, STREAM_SESSION.c.ended_status)
        .cte("session")
    )
    kept = (session.c.attempt == bindparam("to_attempt")) & session.c.ended_status.is_(None)
    stored = (
        update(ATTEMPT)
        .where(
            ATTEMPT.c.session_id == session.c.id,
            ATTEMPT.c.request_sha256 == bindparam("to_request"),
        )
        .values(
            answer=case((kept, bindparam("the_answer", type_=Text)), else_=null()),
            answer_hash=bindparam("the_hash"),
        )
        .cte("stored")
    )
    ended = END_FLIGHT.where(exists(select(session.c.id))).cte("ended")
    return select(kept).select_from(session).add_cte(stored, ended)


_ANSWER: Final = _answering()
