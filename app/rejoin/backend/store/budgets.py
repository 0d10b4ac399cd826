"""The rates of calls to the streaming service that all processes of a database share.

One row for each shard (an account in a Region) and operation. Time is the database's clock, so that
no process has to agree with another; SQLite has one process, and uses that one's clock.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Double, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from rejoin.backend.call_rate import CallRate, Quota, Turns, full
from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import CALL_BUDGET, DATABASE_NOW
from rejoin.clock import Clock

_CLOCK: Final = select(DATABASE_NOW.label("now"))
_ROW: Final = (
    CALL_BUDGET.c.shard == bindparam("of_shard"),
    CALL_BUDGET.c.operation == bindparam("of_operation"),
)
_RATE: Final = (CALL_BUDGET.c.free_at, CALL_BUDGET.c.per_s, CALL_BUDGET.c.halved_at)
_LOCKED: Final = select(*_RATE, *_CLOCK.selected_columns).where(*_ROW).with_for_update()
_READ: Final = select(*_RATE, bindparam("clock", type_=Double).label("now")).where(*_ROW)
_WRITE: Final = (
    update(CALL_BUDGET).where(*_ROW).values({column: bindparam(column.name) for column in _RATE})
)
_TWICE: Final = 2
"""Tries to find or make the row: another process may make it in between."""


class BudgetStore:
    """The budgets of one shard. Each call raises StoreUnavailableError after `within_s`."""

    def __init__(self, database: Database, shard: str, quota: Quota, clock: Clock) -> None:
        self.database = database
        self.shard = shard
        self.quota = quota
        self._clock = clock
        self._locked = _LOCKED if database.is_shared else _READ

    async def take(
        self, operation: str, count: int, *, ahead_s: float, spare: int, within_s: float
    ) -> tuple[Turns, float]:
        """Take up to `count` turns of the next `ahead_s` seconds and up to `spare` that are free
        already; with the database's time, to which `Turns.rate` belongs."""

        def work(connection: Connection) -> tuple[Turns, float]:
            rate, now = self.locked(connection, operation)
            turns = rate.taken(now, self.quota, count, ahead_s=ahead_s, spare=spare)
            if turns.delays_s:
                self.write(connection, operation, turns.rate)
            return turns, now

        return await self.database.run(work, within_s=within_s, ahead=True)

    async def halve(self, operation: str, *, within_s: float) -> tuple[CallRate, float]:
        """The service has asked for fewer calls; with the database's time."""

        def work(connection: Connection) -> tuple[CallRate, float]:
            rate, now = self.locked(connection, operation)
            halved = rate.halved(now, self.quota)
            self.write(connection, operation, halved)
            return halved, now

        return await self.database.run(work, within_s=within_s, ahead=True)

    def now(self, connection: Connection) -> float:
        """The time by which the database counts, in seconds."""
        if not self.database.is_shared:
            return self._clock()
        now = connection.scalar(_CLOCK)
        assert now is not None
        return float(now)

    def locked(self, connection: Connection, operation: str) -> tuple[CallRate, float]:
        """A part of a transaction: the rate, which no other one changes until this one ends."""
        for _ in range(_TWICE):
            found = connection.execute(self._locked, self._of(operation)).one_or_none()
            if found is not None:
                return CallRate(found.free_at, found.per_s, found.halved_at), float(found.now)
            self._make(connection, operation)
        raise AssertionError("the row was made a moment ago")

    def write(self, connection: Connection, operation: str, rate: CallRate) -> None:
        """A part of the transaction that holds the row."""
        times = {"free_at": rate.free_at, "per_s": rate.per_s, "halved_at": rate.halved_at}
        connection.execute(_WRITE, self._of(operation) | times)

    def _of(self, operation: str) -> dict[str, object]:
        """Of statements: the row, and the time where the database's clock is not taken."""
        row: dict[str, object] = {"of_shard": self.shard, "of_operation": operation}
        return row if self.database.is_shared else row | {"clock": self._clock()}

    def _make(self, connection: Connection, operation: str) -> None:
        rate = full(self.now(connection), self.quota)
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(CALL_BUDGET).values(
                        shard=self.shard,
                        operation=operation,
                        free_at=rate.free_at,
                        per_s=rate.per_s,
                        halved_at=rate.halved_at,
                    )
                )
        except IntegrityError:
            return  # another process has just made it
