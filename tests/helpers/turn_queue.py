"""The queue of reconnects in a store, with calls and time as a test wants them."""

from __future__ import annotations

from sqlalchemy import Connection, update

from rejoin.backend.budgets import CREATE
from rejoin.backend.call_rate import Quota
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.schema import CALL_BUDGET, CREATE_TURN, QUEUE_PROCESS
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.store.turns import TurnStore
from rejoin.clock import boot_s

SOON_S = 60.0
NONE_COME_BACK = Quota(per_s=0.001, burst=6)


class TurnQueue:
    """Processes that share the queue of a store."""

    def __init__(self, store: SessionStore, quota: Quota = NONE_COME_BACK) -> None:
        self.store = store
        self.quota = quota
        self.leap_s = 0.0
        """Of the database's clock, where it is SQLite."""

    def process(self, owner: str) -> TurnStore:
        return TurnStore(self.budgets(), CREATE, owner)

    def budgets(self) -> BudgetStore:
        return BudgetStore(self.store.database, "shard", self.quota, self._clock)

    def _clock(self) -> float:
        return boot_s() + self.leap_s

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
