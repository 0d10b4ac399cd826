"""Plays a game without a person and always ends it: for checks that start one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from rejoin.core.events import CloseForNowRequested, EndGameRequested
from rejoin.core.model import Ending
from rejoin.runtime.player import Player
from rejoin.tasks import spawn

END_WITHIN_S: Final = 20.0


@asynccontextmanager
async def brief_game(player: Player) -> AsyncIterator[asyncio.Task[Ending]]:
    """Play as long as the block runs, and end the game on every way out of it, also when the task
    is cancelled (as by Ctrl+C). A backend that is gone costs twice `END_WITHIN_S`; the service then
    ends the game by itself, when no client has come back in time.

    Yields the task that plays; it is done where the game ended by itself.
    """
    running = spawn(player.run(), name="player")
    try:
        yield running
    finally:
        player.post(EndGameRequested())
        _, late = await asyncio.wait({running}, timeout=END_WITHIN_S)
        if late:
            player.post(CloseForNowRequested())
            await asyncio.wait({running}, timeout=END_WITHIN_S)
