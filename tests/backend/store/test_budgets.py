"""The rates of calls in the store: one for all processes, whatever their clocks say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpers.stores import opened
from rejoin.backend.call_rate import Quota
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import boot_s

SOON_S = 60.0
SLOW = Quota(per_s=0.001, burst=7)
"""Nothing comes back while a test runs."""


def budgets_of(store: SessionStore, shard: str = "one", quota: Quota = SLOW) -> BudgetStore:
    return BudgetStore(store.database, shard, quota, boot_s)


async def free_turns(budgets: BudgetStore, operation: str, count: int) -> int:
    turns, _ = await budgets.take(operation, count, ahead_s=0.0, spare=0, within_s=SOON_S)
    return len(turns.delays_s)


async def test_many_takers_get_what_there_is_and_no_more(url: str) -> None:
    async with opened(url) as store:
        takers = [budgets_of(store) for _ in range(5)]
        taken = await asyncio.gather(
            *(free_turns(each, "Get", 1) for each in takers for _ in range(4))
        )
        assert sum(taken) == SLOW.burst
        assert await free_turns(budgets_of(store, "another shard"), "Get", 20) == SLOW.burst
        assert await free_turns(takers[0], "Create", 20) == SLOW.burst


async def test_a_halved_rate_holds_for_every_process(url: str) -> None:
    quota = Quota(per_s=100.0, burst=5)
    async with opened(url) as store:
        one, two = budgets_of(store, quota=quota), budgets_of(store, quota=quota)
        await one.take("Get", 1, ahead_s=0.0, spare=0, within_s=SOON_S)
        await one.halve("Get", within_s=SOON_S)
        turns, now = await two.take("Get", 0, ahead_s=0.0, spare=0, within_s=SOON_S)
        assert turns.rate.per_s == pytest.approx(50.0)
        assert turns.rate.per_s_at(now + 60.0, quota) == 100.0


async def test_a_file_from_before_a_reboot_delays_nothing(tmp_path: Path) -> None:
    url = str(tmp_path / "backend.sqlite3")
    for clock in (lambda: 1e9, lambda: 5.0):
        async with opened(url) as store:
            budgets = BudgetStore(store.database, "one", SLOW, clock)
            assert await free_turns(budgets, "Get", 20) == SLOW.burst
