"""A token is replaced before it expires, once at a time, and what fails leaves the old one."""

from __future__ import annotations

import asyncio

import pytest

from conftest import LogRecords
from rejoin.errors import RejoinError
from rejoin.runtime import token_keeper
from rejoin.runtime.token_keeper import TokenKeeper
from rejoin.signaling.openid import (
    ProviderUnreachableError,
    SignInEndedError,
    SignInRefusedError,
    Tokens,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Source:
    """Gives "t-1", "t-2" ..., after the errors in `errors`."""

    def __init__(self, lasts_s: float | None = 300.0) -> None:
        self.lasts_s = lasts_s
        self.errors: list[RejoinError] = []
        self.asked = self.prepared = 0
        self.given = 0
        self.open = asyncio.Event()
        self.open.set()
        self.closed = False

    async def prepare(self) -> None:
        self.prepared += 1
        raise ProviderUnreachableError("x")

    async def fetch(self) -> Tokens:
        self.asked += 1
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.given += 1
        return Tokens(f"t-{self.given}", self.lasts_s)

    async def aclose(self) -> None:
        self.closed = True


class Time:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_keeper, "_LONGEST_SLEEP_S", 0.01)


async def until(source: Source, given: int) -> None:
    for _ in range(3000):
        if source.given >= given:
            await asyncio.sleep(0)
            return
        await asyncio.sleep(0.01)
    raise AssertionError(source.given)


async def test_a_token_of_five_minutes_is_replaced_one_minute_before_its_end() -> None:
    source, used, clock = Source(), list[str](), Time()
    keeper = TokenKeeper(source, used.append, lasts_s=300, clock=clock)
    keeper.begin()
    clock.now += 239
    await asyncio.sleep(0.05)
    assert used == []
    clock.now += 2
    await until(source, 1)
    assert used == ["t-1"]
    clock.now += 241  # as after a sleep of the machine
    await until(source, 2)
    assert used == ["t-1", "t-2"]
    await keeper.close()
    assert source.closed
    assert source.prepared == 1


async def test_a_token_of_no_known_lifetime_is_replaced_when_it_is_refused() -> None:
    source, used, clock = Source(None), list[str](), Time()
    keeper = TokenKeeper(source, used.append, lasts_s=None, clock=clock)
    keeper.begin()
    clock.now += 1e6
    await asyncio.sleep(0.05)
    assert source.asked == 0
    await keeper.refresh()
    assert used == ["t-1"]
    await keeper.close()


async def test_who_asks_at_the_same_time_gets_the_same_token() -> None:
    source, used = Source(), list[str]()
    source.open.clear()
    keeper = TokenKeeper(source, used.append, lasts_s=None)
    asking = [asyncio.ensure_future(keeper.refresh()) for _ in range(3)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    source.open.set()
    await asyncio.wait(asking)
    assert (source.asked, used) == (1, ["t-1"])
    await keeper.close()


async def test_the_engine_waits_for_a_second_try_where_the_provider_was_not_reached() -> None:
    source, used = Source(), list[str]()
    keeper = TokenKeeper(source, used.append, lasts_s=None)
    source.errors = [ProviderUnreachableError("x")]
    await keeper.refresh()
    assert (source.asked, used) == (2, ["t-1"])
    source.errors = [ProviderUnreachableError("x"), ProviderUnreachableError("x")]
    with pytest.raises(ProviderUnreachableError):
        await keeper.refresh()
    source.errors = [SignInRefusedError("x")]
    with pytest.raises(SignInRefusedError):
        await keeper.refresh()
    assert (source.asked, used) == (5, ["t-1"])
    await keeper.close()


async def test_a_provider_that_is_away_is_asked_again() -> None:
    source, used, clock = Source(), list[str](), Time()
    source.errors = [ProviderUnreachableError("x"), SignInRefusedError("x")]
    keeper = TokenKeeper(source, used.append, lasts_s=0, clock=clock)
    keeper.begin()
    for _ in range(3000):
        clock.now += 1
        await asyncio.sleep(0.001)
        if used:
            break
    assert (source.asked, used) == (3, ["t-1"])
    await keeper.close()


async def test_a_sign_in_that_is_over_is_not_asked_for_again(expected_logs: LogRecords) -> None:
    source, clock = Source(), Time()
    source.errors = [SignInEndedError("The sign-in is over.")]
    keeper = TokenKeeper(source, lambda token: None, lasts_s=0, clock=clock)
    keeper.begin()
    for _ in range(100):
        clock.now += 100
        await asyncio.sleep(0.001)
    assert source.asked == 1
    assert "The sign-in is over." in "".join(expected_logs.lines)
    await keeper.close()
