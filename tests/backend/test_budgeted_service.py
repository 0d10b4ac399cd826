"""Calls that take their turn from the budgets, and refusals that make the backend slow down."""

from __future__ import annotations

import pytest

from helpers.fake_stream_service import FIRST_STREAM, FakeStreamService
from rejoin.backend.budgeted_service import BudgetedService
from rejoin.backend.budgets import CREATE, GET, START, TERMINATE
from rejoin.backend.service import ServiceFault, StreamServiceError
from rejoin.clock import boot_s


class Budgets:
    def __init__(self, *, turns: bool = True) -> None:
        self.turns = turns
        self.taken: list[str] = []
        self.refused: list[str] = []

    async def take_within(self, operation: str, seconds: float) -> bool:
        assert seconds > 0
        self.taken.append(operation)
        return self.turns

    def throttled(self, operation: str) -> None:
        self.refused.append(operation)


async def start(service: BudgetedService) -> None:
    await service.start(
        token="canary", signal_request="offer", application=None, user_id=None, budget_s=5.0
    )


async def create(service: BudgetedService) -> None:
    await service.create_connection(
        FIRST_STREAM, token="canary", signal_request="offer", budget_s=5.0
    )


async def test_what_waits_nowhere_else_takes_a_turn_here() -> None:
    budgets = Budgets()
    service = BudgetedService(FakeStreamService(), budgets, boot_s)
    await start(service)
    await service.terminate(FIRST_STREAM, budget_s=5.0)
    assert budgets.taken == [START, TERMINATE]
    await service.get_status(FIRST_STREAM, budget_s=5.0)
    await service.list_page(status="CONNECTED", page=None, budget_s=5.0)
    await create(service)
    assert len(budgets.taken) == 2  # these have taken theirs before
    assert budgets.refused == []


async def test_without_a_turn_nothing_is_sent() -> None:
    inner = FakeStreamService()
    service = BudgetedService(inner, Budgets(turns=False), boot_s)
    with pytest.raises(StreamServiceError) as refused:
        await start(service)
    assert refused.value.fault is ServiceFault.THROTTLED
    assert refused.value.retry_after_s == 1.0
    assert inner.calls == []


async def test_each_throttled_operation_is_reported() -> None:
    inner, budgets = FakeStreamService(), Budgets()
    service = BudgetedService(inner, budgets, boot_s)
    inner.fail("get_status", ServiceFault.THROTTLED, ServiceFault.FAILED)
    inner.fail("create", ServiceFault.THROTTLED)
    for _ in range(2):
        with pytest.raises(StreamServiceError):
            await service.get_status(FIRST_STREAM, budget_s=5.0)
    with pytest.raises(StreamServiceError):
        await create(service)
    assert budgets.refused == [GET, CREATE]
