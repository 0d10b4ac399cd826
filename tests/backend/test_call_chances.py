"""Second tries in a thread wait for a turn on the loop, and do without where none comes."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from rejoin.backend.call_chances import CallChances
from rejoin.backend.store.database import StoreUnavailableError


class Budgets:
    def __init__(self, outcome: bool | Exception) -> None:
        self.outcome = outcome
        self.asked: list[str] = []
        self.refused: list[str] = []

    async def take_within(self, operation: str, seconds: float) -> bool:
        assert seconds > 0
        self.asked.append(operation)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def throttled(self, operation: str) -> None:
        self.refused.append(operation)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(True, True), (False, False), (StoreUnavailableError("It is down."), False)],
)
async def test_a_second_try_takes_a_turn(outcome: bool | Exception, expected: bool) -> None:
    budgets = Budgets(outcome)
    chances = CallChances(10.0, asyncio.get_running_loop(), budgets)
    assert await asyncio.to_thread(chances.once_more, "Get", 1.0) is expected
    assert budgets.asked == ["Get"]
    chances.throttled("Get")
    await asyncio.sleep(0)
    assert budgets.refused == ["Get"]


async def test_without_time_or_budgets_nobody_is_asked() -> None:
    budgets = Budgets(True)
    loop = asyncio.get_running_loop()
    assert not CallChances(10.0, loop, budgets).once_more("Get", 10.0)
    assert budgets.asked == []
    assert CallChances(10.0, loop, None).once_more("Get", 9.0)
    assert not CallChances(10.0, loop, None).once_more("Get", 10.0)
    CallChances(10.0, loop, None).throttled("Get")


class Never(Budgets):
    """No turn comes."""

    def __init__(self) -> None:
        super().__init__(True)
        self.waits = asyncio.Event()

    async def take_within(self, operation: str, seconds: float) -> bool:
        self.asked.append(operation)
        self.waits.set()
        await asyncio.Event().wait()
        return True


async def test_a_call_that_nobody_wants_any_more_waits_for_no_turn() -> None:
    budgets = Never()
    chances = CallChances(100.0, asyncio.get_running_loop(), budgets)
    waiting = asyncio.create_task(asyncio.to_thread(chances.once_more, "Get", 1.0))
    await budgets.waits.wait()
    chances.end()
    assert await waiting is False
    assert await asyncio.to_thread(chances.once_more, "Get", 1.0) is False
    chances.throttled("Get")
    await asyncio.sleep(0)
    assert (budgets.asked, budgets.refused) == (["Get"], [])


@pytest.mark.filterwarnings("error")
def test_a_loop_that_stops_or_is_closed_is_left_with_no_coroutine() -> None:
    budgets = Budgets(True)
    loop = asyncio.new_event_loop()
    asked = threading.Thread(target=CallChances(100.0, loop, budgets).once_more, args=("Get", 99.9))
    asked.start()  # the loop never runs
    asked.join(30)
    loop.close()
    chances = CallChances(100.0, loop, budgets)
    assert chances.once_more("Get", 1.0) is False
    chances.throttled("Get")
    gc.collect()
    assert (budgets.asked, budgets.refused) == ([], [])
