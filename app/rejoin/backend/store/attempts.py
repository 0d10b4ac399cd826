"""The attempts of a stream session: which one is the newest, its flight, and its answer.

Every reconnect runs what is here, so it takes few statements. On PostgreSQL a claim is a read and a
write, each a transaction of its own: the write changes nothing if another attempt was claimed since
the read, and then the claim is made again in one transaction that holds the session's row. On
SQLite a claim is one transaction anyway.
"""

from __future__ import annotations

import enum
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select

from rejoin.backend.store.attempt_writes import (
    Landed,
    NewFlight,
    Offered,
    write_answer,
    write_claim,
)
from rejoin.backend.store.database import Database
from rejoin.backend.store.proofs import WantedProof
from rejoin.backend.store.schema import ATTEMPT, STREAM_SESSION, secret_hash
from rejoin.backend.store.session_rows import (
    WITH_ATTEMPTS,
    StoredSession,
    attempts_in,
    forgotten,
    session_of,
)
from rejoin.service_model import fence
from rejoin.service_model.fence import Claim

ATTEMPTS_KEPT: Final = 200
"""Of one session, the newest. A client makes a few dozen in its longest window."""
_HOLD: Final = (
    select(STREAM_SESSION.c.id)
    .where(STREAM_SESSION.c.id == bindparam("session_id"))
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """`claim`: None: the session has ended, or has not started yet. `flies`: the flight that was
    wanted has begun."""

    claim: Claim | None
    row: StoredSession
    flies: bool = False


class AttemptStore:
    """The attempts of a backend's database. `wall`: Unix time, for an embedded database."""

    def __init__(self, database: Database, *, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    async def claim(
        self,
        session_id: str,
        owner_hash: str,
        *,
        key: str,
        offered: Offered,
        within_s: float,
        proof: WantedProof | None = None,
        flight: NewFlight | None = None,
    ) -> Claimed | None:
        """Fence: make this attempt the session's newest, or return why not (Rules 1 and 2).

        None if the owner has no such session. `proof`: read too, of a session that can be called
        for. `flight`: begins if the claim is NEW and no other flight of the session is recorded.
        """
        key_hash = secret_hash("connection", key)
        used_as = (key_hash, secret_hash("start", key))
        """The start's key is recorded under its own purpose."""

        def work(connection: Connection) -> Claimed | _Raced | None:
            rows = connection.execute(WITH_ATTEMPTS, {"session_id": session_id}).all()
            if not rows or not hmac.compare_digest(rows[0].owner_hash, owner_hash):
                return None
            attempts = attempts_in(rows)
            row = session_of(rows[0], attempts)
            if row.ended_status is not None or row.stream is None:
                return Claimed(None, row)
            if proof is not None:
                proof.read(connection, rows[0].connected_at)
            same_bytes = hmac.compare_digest(row.key_hash, key_hash) and (
                row.request_sha256 == offered.request_sha256
            )
            claim = fence.claim(
                offered.attempt,
                row.attempt,
                same_bytes=same_bytes,
                offered_before=any(
                    each.request_sha256 == offered.request_sha256 or each.key_hash in used_as
                    for each in attempts
                ),
            )
            if claim is not Claim.NEW:
                return Claimed(claim, row)
            flies = write_claim(connection, row, key_hash, offered, flight)
            if flies is None:
                return _Raced.RACED
            _prune(connection, session_id, attempts)
            return Claimed(claim, _with(row, key_hash, offered), flies)

        def work_alone(connection: Connection) -> Claimed | _Raced | None:
            connection.execute(_HOLD, {"session_id": session_id})
            return work(connection)

        def late(found: Claimed | _Raced | None) -> None:
            if flight is not None and isinstance(found, Claimed) and found.flies:
                flight.on_late()

        run = partial(self._database.run, within_s=within_s, late=late)
        found = await run(work, autocommit=True)
        if found is _Raced.RACED:
            found = await run(work_alone)
        assert found is not _Raced.RACED, "nobody else could claim"
        return found

    async def answered(
        self,
        session_id: str,
        *,
        attempt: int,
        request_sha256: str,
        answer: str,
        within_s: float,
        flight_of: str | None = None,
        settles: bool = False,
    ) -> bool:
        """The service answered this attempt. Returns whether the answer is kept: only while the
        attempt is the newest (Rule 3) and the session has not ended. Raises SessionForgottenError.

        `flight_of`: the process whose flight of this attempt ends with it (`flights`). `settles`:
        the service answered just now, and the database's clock can be trusted to say so (`proofs`).
        """
        landed = Landed(session_id, attempt, request_sha256, answer, flight_of, settles)

        def work(connection: Connection) -> bool | None:
            return write_answer(connection, landed, self._wall())

        kept = await self._database.run(work, within_s=within_s, urgent=True, autocommit=True)
        if kept is None:
            raise forgotten()
        return kept


class _Raced(enum.Enum):
    """Another attempt was claimed, or the session ended, between the read and the write."""

    RACED = "raced"


def _with(row: StoredSession, key_hash: str, offered: Offered) -> StoredSession:
    """The row with this attempt as its newest."""
    answered = set() if row.answer is None else {secret_hash("answer", row.answer)}
    return replace(
        row,
        attempt=offered.attempt,
        key_hash=key_hash,
        client_token=offered.client_token,
        request_sha256=offered.request_sha256,
        answer=None,
        earlier_answers=row.earlier_answers | answered,
    )


def _prune(connection: Connection, session_id: str, before: Sequence[Row[Any]]) -> None:
    """Delete the oldest attempts. `before`: those that were recorded before the newest."""
    numbers = sorted(each.number for each in before if each.number is not None)
    if len(numbers) >= ATTEMPTS_KEPT:
        oldest_kept = numbers[1 - ATTEMPTS_KEPT]
        connection.execute(
            delete(ATTEMPT).where(
                ATTEMPT.c.session_id == session_id, ATTEMPT.c.number < oldest_kept
            )
        )
