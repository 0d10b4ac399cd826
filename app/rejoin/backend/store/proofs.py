"""When the service last reported a session as CONNECTED, for all processes; null rather than wrong.

A proof's time is the database's wall clock. So a process writes it only if it has seen that clock
agree with its own boot clock, and uses it only if both have agreed since then (`clock_agreement`).
A process that was started later has no proof; a client then shows a deadline from its own
knowledge.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, Update, bindparam, func, select, update

from rejoin.backend.store.batched_reads import BatchedReads, parameters
from rejoin.backend.store.clock_agreement import ClockAgreement, ClockReading
from rejoin.backend.store.database import Database, StoreUnavailableError
from rejoin.backend.store.schema import DATABASE_NOW, STREAM_SESSION
from rejoin.clock import Clock

READ_EVERY_S: Final = 5.0
_READ_WITHIN_S: Final = 2.0
_CONNECTED: Final = select(STREAM_SESSION.c.connected_at).where(
    STREAM_SESSION.c.id == bindparam("session_id")
)
_SETTLED: Final = select(STREAM_SESSION.c.id, STREAM_SESSION.c.settled_at).where(
    STREAM_SESSION.c.id.in_(bindparam("ids", expanding=True)),
    STREAM_SESSION.c.settled_at.is_not(None),
)
_CLOCK: Final = select(DATABASE_NOW)


def _set(column: Column[float | None]) -> Update:
    """Sets a newer time; a stored time after the database's clock counts as none."""
    older = column.is_(None) | (column < bindparam("at")) | (column > bindparam("now"))
    return (
        update(STREAM_SESSION)
        .where(STREAM_SESSION.c.id == bindparam("session"), older)
        .values({column: bindparam("at")})
    )


_SET_SETTLED: Final = _set(STREAM_SESSION.c.settled_at)
_SET_CONNECTED: Final = _set(STREAM_SESSION.c.connected_at)


@dataclass(slots=True)
class WantedProof:
    """When the service last reported CONNECTED, read together with the session's row. `at`: on our
    boot clock, or somewhat earlier; None: not known."""

    own_time: Callable[[Connection, float], float | None]
    at: float | None = None

    def read(self, connection: Connection, written_s: float | None) -> None:
        """In a transaction. `written_s`: the row's `connected_at`."""
        self.at = None if written_s is None else self.own_time(connection, written_s)


class ProofStore:
    """The proofs of all sessions. `wall`: the clock of an embedded database, in Unix time."""

    def __init__(
        self, database: Database, clock: Clock, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._clock = clock
        self._wall = wall
        self._agreement = ClockAgreement()
        self._has_begun = False
        self._settled = BatchedReads(database, self._settled_for_s)

    async def read_clock_for_ever(self) -> None:
        """Read the database's clock now and every READ_EVERY_S."""
        while True:
            await self.read_clock()
            await asyncio.sleep(READ_EVERY_S)

    async def read_clock(self) -> None:
        """One reading; none if the database cannot be used."""
        try:
            await self._database.run(self._read, within_s=_READ_WITHIN_S)
        except StoreUnavailableError:
            return

    async def note(self, session_id: str, asked_at: float, *, within_s: float) -> None:
        """The service said CONNECTED to a call that began at `asked_at` on our boot clock. Not
        written while the database's clock cannot be trusted."""

        def work(connection: Connection) -> None:
            now = self._read(connection)
            at = self._agreement.written_as(asked_at, now)
            if at is None:
                return
            wanted = {"session": session_id, "at": at, "now": now.database_s}
            connection.execute(_SET_SETTLED, wanted)
            connection.execute(_SET_CONNECTED, wanted)

        await self._database.run(work, within_s=within_s)

    def trusts_clock(self) -> bool:
        """Whether the database's clock has agreed with ours until a moment ago, so that what is
        written by it now means something to other processes."""
        return self._agreement.is_trusted(self._clock())

    async def connected_at(self, session_id: str, *, within_s: float) -> float | None:
        """When the newest call began that returned CONNECTED, on our boot clock, or somewhat
        earlier; None if no process has seen it, or if that time means nothing here."""

        def work(connection: Connection) -> float | None:
            at = connection.scalar(_CONNECTED, {"session_id": session_id})
            return None if at is None else self._own_time(connection, at)

        return await self._database.run(work, within_s=within_s)

    def wanted(self) -> WantedProof:
        """The same, to be read in another transaction."""
        return WantedProof(self._own_time)

    def _own_time(self, connection: Connection, written_s: float) -> float | None:
        return self._agreement.own_time(written_s, self._read(connection))

    async def settled_for_s(self, session_id: str, *, within_s: float) -> float | None:
        """For how long at least no process has had an answer of the service; None: unknown."""

        return await self._settled.get(session_id, within_s=within_s)

    def _settled_for_s(
        self, connection: Connection, session_ids: Sequence[str]
    ) -> dict[str, float]:
        now = self._read(connection)
        rows = connection.execute(_SETTLED, {"ids": parameters(session_ids)})
        return {row.id: now.database_s - row.settled_at for row in rows}

    def _read(self, connection: Connection) -> ClockReading:
        if not self._has_begun:
            newest_s = connection.scalar(
                select(func.max(STREAM_SESSION.c.connected_at)).where(
                    STREAM_SESSION.c.ended_status.is_(None)
                )
            )
            if newest_s is not None:
                self._agreement.doubt(newest_s)
            self._has_begun = True
        before_s = self._clock()
        if self._database.is_shared:
            database_s = float(connection.scalar(_CLOCK) or 0.0)
        else:
            database_s = self._wall()
        reading = ClockReading(database_s, before_s, self._clock())
        self._agreement.add(reading)
        return reading
