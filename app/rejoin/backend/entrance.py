"""Lets calls in, a few for each turn of the event loop, and the players' in rotation.

When a thousand come in one moment, those that were let in first go on meanwhile: each step of a
call waits for one turn of the loop. And where one player sends hundreds at once, the call of
another waits for one of them and not for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

AT_ONCE: Final = 4
"""Calls that are let in for each turn of the event loop."""


class Entrance:
    """For one event loop."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By owner, in the order of the rotation."""

    async def enter(self, owner: str) -> None:
        """Wait until a call of this owner is let in. May be cancelled."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(owner)
        try:
            await asyncio.sleep(0)
        finally:
            self._pass_on()

    async def _wait(self, owner: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it came in the same moment
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            owner, turns = next(iter(self._waiting.items()))
            del self._waiting[owner]
            while turns:
                turn = turns.popleft()
                if turn.done():  # cancelled
                    continue
                if turns:
                    self._waiting[owner] = turns  # behind everybody else
                turn.set_result(None)
                return
        self._free += 1
