"""A service around another one: each call goes through its one method, and arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from helpers.fake_stream_service import FIRST_STREAM, FakeStreamService
from rejoin.backend.budgets import CREATE, GET, LIST, START, TERMINATE
from rejoin.backend.wrapped_service import WrappedService

_Result = TypeVar("_Result")


class Noted(WrappedService):
    """Notes each operation and its budget."""

    def __init__(self, service: FakeStreamService) -> None:
        super().__init__(service)
        self.noted: list[tuple[str, float]] = []

    async def _call(
        self, operation: str, call: Callable[[float], Awaitable[_Result]], budget_s: float
    ) -> _Result:
        self.noted.append((operation, budget_s))
        return await call(budget_s)


async def test_each_call_goes_through_the_one_method_under_its_own_name() -> None:
    inner = FakeStreamService()
    service = Noted(inner)
    await service.start(token="t", signal_request="r", application=None, user_id=None, budget_s=1.0)
    await service.list_page(status="ACTIVATING", page=None, budget_s=2.0)
    await service.get_status(FIRST_STREAM, budget_s=3.0)
    await service.create_connection(FIRST_STREAM, token="t2", signal_request="r2", budget_s=4.0)
    await service.terminate(FIRST_STREAM, budget_s=5.0)
    assert service.noted == [(START, 1.0), (LIST, 2.0), (GET, 3.0), (CREATE, 4.0), (TERMINATE, 5.0)]
    assert [name for name, _ in inner.calls] == [
        "start",
        "get_status",
        "create",
        "create answer",
        "terminate",
    ]
    assert inner.pages == ["ACTIVATING"]
