"""The queue of reconnects in a store, with calls and time as a test wants them."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, select, update

from rejoin.backend.budgets import CREATE
from rejoin.backend.call_rate import CallRate, Quota
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.schema import CALL_BUDGET, CREATE_TURN, QUEUE_PROCESS
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.store.turns import TurnStore
from rejoin.clock import boot_s

SOON_S = 60.0
NONE_COME_BACK = Quota(per_s=0.001, burst=6)


class _StoppedBudgets(BudgetStore):
    """The time is the test's own, whatever the database."""

    def now(self, connection: Connection) -> float:
        return self._clock()

    def locked(self, connection: Connection, operation: str) -> tuple[CallRate, float]:
        rate, _ = super().locked(connection, operation)
        return rate, self._clock()


class TurnQueue:
    """Processes that share the queue of a store. `stopped`: time passes only by `passes`, so that
    nobody is gone, late or hopeless because the machine was slow."""

    def __init__(
        self, store: SessionStore, quota: Quota = NONE_COME_BACK, *, stopped: bool = False
    ) -> None:
        self.store = store
        self.quota = quota
        self._stopped_at = boot_s() if stopped else None
        self.leap_s = 0.0
        """Of the database's clock, where it is SQLite."""

    def process(self, owner: str) -> TurnStore:
        return TurnStore(self.budgets(), CREATE, owner)

    def budgets(self) -> BudgetStore:
        kind = BudgetStore if self._stopped_at is None else _StoppedBudgets
        return kind(self.store.database, "shard", self.quota, self._clock)

    def _clock(self) -> float:
        return (boot_s() if self._stopped_at is None else self._stopped_at) + self.leap_s

    async def asked_at(self, session_id: str, owner: str) -> None:
        """Wait until the queue knows that this session's client waits at this process."""
        found = select(CREATE_TURN.c.owner).where(CREATE_TURN.c.session_id == session_id)

        def work(connection: Connection) -> bool:
            return connection.scalar(found) == owner

        for _ in range(3000):
            if await self.store.database.run(work, within_s=SOON_S):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it does not wait there")

    async def free_turns(self, count: int) -> None:
        """Exactly so many calls may be made."""
        await self.process("nobody").exchange((), within_s=SOON_S)  # the row is there

        def work(connection: Connection) -> None:
            _, now = self.budgets().locked(connection, CREATE)
            connection.execute(
                update(CALL_BUDGET).values(free_at=now - (count - 1 + 0.5) / self.quota.per_s)
            )

        await self.store.database.run(work, within_s=SOON_S)

    async def passes(self, seconds: float) -> None:
        """Time passes for those who wait."""

        def work(connection: Connection) -> None:
            for column in ("shown_at", "latest_at", "present_until_at", "kept_until_at"):
                connection.execute(
                    update(CREATE_TURN).values({column: CREATE_TURN.c[column] - seconds})
                )
            connection.execute(
                update(QUEUE_PROCESS).values(seen_at=QUEUE_PROCESS.c.seen_at - seconds)
            )

        await self.store.database.run(work, within_s=SOON_S)
