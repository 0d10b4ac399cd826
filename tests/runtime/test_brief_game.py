"""A game without a person is ended on every way out of the block."""

from __future__ import annotations

import asyncio

import pytest

from rejoin.core.events import CloseForNowRequested, EndGameRequested, Event
from rejoin.core.model import Ending, EndingKind
from rejoin.runtime import brief_game as module
from rejoin.runtime.brief_game import brief_game
from rejoin.tasks import spawn

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

BY_PLAYER = Ending(EndingKind.ENDED_BY_PLAYER)


class FakePlayer:
    """A game that ends when `ends_at` is posted."""

    def __init__(self, ends_at: type[Event] = EndGameRequested) -> None:
        self.posted: list[type[Event]] = []
        self._ends_at = ends_at
        self._over = asyncio.Event()

    def post(self, event: Event) -> None:
        self.posted.append(type(event))
        if isinstance(event, self._ends_at):
            self._over.set()

    async def run(self) -> Ending:
        await self._over.wait()
        return BY_PLAYER


async def test_it_is_ended_after_the_block() -> None:
    player = FakePlayer()
    async with brief_game(player) as running:  # type: ignore[arg-type]
        assert not running.done()
    assert running.result() == BY_PLAYER
    assert player.posted == [EndGameRequested]


async def test_it_is_ended_where_the_block_fails() -> None:
    player = FakePlayer()
    with pytest.raises(ZeroDivisionError):
        async with brief_game(player):  # type: ignore[arg-type]
            raise ZeroDivisionError
    assert player.posted == [EndGameRequested]


async def test_it_is_ended_where_the_task_is_cancelled() -> None:
    player, began = FakePlayer(), asyncio.Event()

    async def play() -> None:
        async with brief_game(player):  # type: ignore[arg-type]
            began.set()
            await asyncio.Event().wait()

    task = spawn(play(), name="play")
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert player.posted == [EndGameRequested]


async def test_one_that_cannot_be_ended_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_WITHIN_S", 0.05)
    player = FakePlayer(ends_at=CloseForNowRequested)
    async with brief_game(player):  # type: ignore[arg-type]
        pass
    assert player.posted == [EndGameRequested, CloseForNowRequested]
