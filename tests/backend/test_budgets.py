"""Budgets of calls: what one process holds, who waits, and what two processes share."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from helpers.postgres import PostgresServer
from helpers.stores import opened
from rejoin.backend.budgets import CREATE, GET, HELD, LIST, TERMINATE, Budgets
from rejoin.backend.call_rate import Quota, Turns
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import boot_s

SLOW = Quota(per_s=0.001, burst=7)
"""Nothing comes back while a test runs."""
FAST = Quota(per_s=400.0, burst=4)


@dataclass
class Counted(BudgetStore):
    """A store that counts the round trips; it fails while `down`."""

    inner: BudgetStore
    down: bool = False
    takes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        inner = self.inner
        super().__init__(inner.database, inner.shard, inner.quota, boot_s)

    async def take(
        self, operation: str, count: int, *, ahead_s: float, spare: int, within_s: float
    ) -> tuple[Turns, float]:
        self.takes.append(count)
        if self.down:
            raise StoreUnavailableError("The backend's database cannot be used at the moment.")
        return await super().take(operation, count, ahead_s=ahead_s, spare=spare, within_s=within_s)


@contextlib.asynccontextmanager
async def process(store: SessionStore, quota: Quota) -> AsyncIterator[tuple[Budgets, Counted]]:
    """The budgets of one process of those that share the store."""
    counted = Counted(BudgetStore(store.database, "shard", quota, boot_s))
    budgets = Budgets(counted, boot_s)
    try:
        yield budgets, counted
    finally:
        await budgets.finish()


async def settled(budgets: Budgets, operation: str) -> None:
    for _ in range(6000):
        if budgets.of(operation).lacking == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no turn is held")


async def test_two_processes_take_no_more_than_the_budget_between_them(
    nothing_left_behind: None,
) -> None:
    async with (
        opened() as store,
        process(store, SLOW) as (one, _),
        process(store, SLOW) as (two, _),
    ):
        asked = [each.take(GET, boot_s() + 1.0) for each in (one, two) for _ in range(20)]
        assert sum(await asyncio.gather(*asked)) == SLOW.burst
        assert await one.take(CREATE, boot_s() + 30.0)


async def test_a_turn_that_is_held_costs_no_round_trip() -> None:
    async with opened() as store, process(store, SLOW) as (budgets, counted):
        assert await budgets.take(GET, boot_s() + 30.0)
        await settled(budgets, GET)
        counted.down, before = True, len(counted.takes)
        assert await budgets.take(GET, boot_s() + 30.0)
        assert len(counted.takes) == before
        assert HELD == 2


async def test_calls_that_wait_are_served_in_blocks_in_the_order_of_asking() -> None:
    async with opened() as store, process(store, FAST) as (budgets, counted):
        served: list[int] = []

        async def call(number: int) -> None:
            assert await budgets.take(GET, boot_s() + 60.0)
            served.append(number)

        await asyncio.gather(*(call(number) for number in range(300)))
        assert served == sorted(served)
        assert len(counted.takes) < 100


async def test_a_turn_that_would_come_too_late_is_refused_at_once() -> None:
    async with opened() as store, process(store, SLOW) as (budgets, _):
        for _ in range(SLOW.burst):
            assert await budgets.take(GET, boot_s() + 60.0)
        assert not await budgets.take(GET, boot_s() + 1.0)  # waits: a turn may come back
        assert not budgets.of(GET).in_time(boot_s() + 60.0)
        assert not await budgets.take(GET, boot_s() + 60.0)
        assert budgets.of(GET).left() < 1.0


async def test_who_stops_waiting_takes_no_turn() -> None:
    quota = Quota(per_s=2.0, burst=1)
    async with opened() as store, process(store, quota) as (budgets, _):
        assert await budgets.take(GET, boot_s() + 60.0)
        waiting = [asyncio.ensure_future(budgets.take(GET, boot_s() + 60.0)) for _ in range(50)]
        await asyncio.sleep(0)
        last = asyncio.ensure_future(budgets.take(GET, boot_s() + 60.0))
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        assert await last


async def test_a_database_that_is_down_is_said() -> None:
    async with opened() as store, process(store, SLOW) as (budgets, counted):
        counted.down = True
        with pytest.raises(StoreUnavailableError):
            await budgets.take(CREATE, boot_s() + 60.0)
        counted.down = False
        assert await budgets.take(CREATE, boot_s() + 60.0)


@pytest.mark.parametrize("operation", [GET, TERMINATE])
async def test_some_calls_are_made_now_and_then_though_they_cannot_be_counted(
    operation: str,
) -> None:
    async with opened() as store, process(store, FAST) as (budgets, counted):
        counted.down = True
        assert await budgets.take(operation, boot_s() + 30.0)
        assert await budgets.take(operation, boot_s() + 30.0)
        with pytest.raises(StoreUnavailableError):
            await budgets.take(LIST, boot_s() + 30.0)


async def test_a_throttled_call_halves_the_rate_of_its_operation_alone() -> None:
    async with opened() as store, process(store, FAST) as (budgets, _):
        for operation in (GET, CREATE):
            assert await budgets.take(operation, boot_s() + 60.0)
        budgets.throttled(GET)
        budgets.throttled(GET)
        for _ in range(6000):
            if budgets.of(GET).per_s < FAST.per_s:
                break
            await asyncio.sleep(0.01)
        assert budgets.of(GET).per_s < 0.9 * FAST.per_s
        assert budgets.of(CREATE).per_s == FAST.per_s


async def test_unused_turns_go_back_up_to_what_is_held() -> None:
    async with opened() as store, process(store, SLOW) as (budgets, _):
        budget = budgets.of(CREATE)
        assert not budget.take_held()
        budget.return_unused(50)
        assert [budget.take_held() for _ in range(3)] == [True, True, False]


IN_A_PROCESS_OF_ITS_OWN = """
import asyncio, sys
from rejoin.backend.budgets import GET, Budgets
from rejoin.backend.call_rate import Quota
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import Database
from rejoin.clock import boot_s

async def main():
    database = Database(sys.argv[1])
    await database.open()
    budgets = Budgets(BudgetStore(database, "shard", Quota(0.001, 40), boot_s), boot_s)
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    asked = (budgets.take(GET, boot_s() + 5.0) for _ in range(60))
    print(sum(await asyncio.gather(*asked)), flush=True)
    await budgets.finish()
    await database.close()

asyncio.run(main())
"""


async def test_two_programs_on_one_database_take_no_more_than_the_budget(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    programs = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", IN_A_PROCESS_OF_ITS_OWN, url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for each in programs:
        assert each.stdout is not None
        assert await each.stdout.readline() == b"open\n"
    outputs = await asyncio.gather(*(each.communicate(b"go\n") for each in programs))
    taken = [int(output) for output, _ in outputs]
    held = 40 - sum(taken)
    assert 0 <= held <= 2 * HELD  # what is left of 40 is in the hands of the two
    assert [each.returncode for each in programs] == [0, 0]
