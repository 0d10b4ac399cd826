"""Create calls on their way to the service, as leases: one for each session, over all processes.

A flight is renewed once a second by the process that made the call. Another process judges it by
what it sees change on its own clock, so no clock of another machine matters.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import FLIGHT, STREAM_SESSION

_NEWEST: Final = (
    select(STREAM_SESSION.c.attempt, STREAM_SESSION.c.ended_status)
    .where(STREAM_SESSION.c.id == bindparam("session_id"))
    .with_for_update()
)
_FLIGHT: Final = select(FLIGHT).where(FLIGHT.c.session_id == bindparam("session_id"))
_BEGIN: Final = insert(FLIGHT)
END_FLIGHT: Final = delete(FLIGHT).where(
    FLIGHT.c.session_id == bindparam("to_session"),
    FLIGHT.c.attempt == bindparam("to_attempt"),
    FLIGHT.c.owner == bindparam("of_owner"),
)
"""Also a part of the statement that stores an answer (`attempt_writes`), in which no parameter may
have the name of a column."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A create call. `beat`: how often its process renewed it. `lands_within_s`: seconds from its
    beginning, after which it cannot have an effect any more."""

    attempt: int
    owner: str
    beat: int
    lands_within_s: float


class Stale(enum.Enum):
    """The attempt may not fly any more."""

    STALE = "stale"


class FlightStore:
    """The flights of a backend's database. `owner`: this process, among those that share it."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner

    async def take(
        self,
        session_id: str,
        attempt: int,
        *,
        lands_within_s: float,
        gone: Flight | None,
        within_s: float,
    ) -> Flight | Stale | None:
        """Begin a flight: None if it is ours now, else the one that is in the way, or STALE if a
        newer attempt has come or the session has ended.

        `gone`: a flight of a process that has ended; it is replaced if it is still just that.
        """

        def work(connection: Connection) -> Flight | Stale | None:
            wanted = {"session_id": session_id}
            newest = connection.execute(_NEWEST, wanted).one_or_none()
            if newest is None or newest.attempt != attempt or newest.ended_status is not None:
                return Stale.STALE
            found = connection.execute(_FLIGHT, wanted).one_or_none()
            if found is not None:
                other = Flight(found.attempt, found.owner, found.beat, found.lands_within_s)
                if other != gone and other.owner != self.owner:
                    return other
                connection.execute(delete(FLIGHT).where(FLIGHT.c.session_id == session_id))
            connection.execute(
                _BEGIN,
                {
                    "session_id": session_id,
                    "attempt": attempt,
                    "owner": self.owner,
                    "beat": 0,
                    "lands_within_s": lands_within_s,
                },
            )
            return None

        return await self._database.run(work, within_s=within_s, urgent=True)

    async def renew(self, session_id: str, *, within_s: float) -> bool:
        """One more beat; False if the flight is no longer ours."""

        def work(connection: Connection) -> bool:
            renewed = connection.execute(
                update(FLIGHT)
                .where(FLIGHT.c.session_id == session_id, FLIGHT.c.owner == self.owner)
                .values(beat=FLIGHT.c.beat + 1)
            )
            return renewed.rowcount > 0

        return await self._database.run(work, within_s=within_s, autocommit=True)

    async def end(self, session_id: str, attempt: int, *, within_s: float) -> None:
        """The call of this attempt has ended, whatever came of it."""

        def work(connection: Connection) -> None:
            ended = {"to_session": session_id, "to_attempt": attempt, "of_owner": self.owner}
            connection.execute(END_FLIGHT, ended)

        await self._database.run(work, within_s=within_s, urgent=True, autocommit=True)
