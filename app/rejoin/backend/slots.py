"""A bounded number of slots, with an order of waiting in which no player blocks another.

Urgent work comes first: calls on their way to the service, and their results, are recorded before
new calls are admitted. In a storm thousands of calls arrive at once, and an answer that is not
stored in time cannot be recovered later. Among equals the players rotate: where one sends hundreds
at once, another player's call waits for one of them, not for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Queues = dict[str, deque[asyncio.Future[None]]]


class Slots:
    """For one event loop. A cancelled task leaves the queue."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._urgent: _Queues = {}
        self._others: _Queues = {}
        """By player, in the order of the rotation."""

    @asynccontextmanager
    async def slot(self, player: str = "", *, urgent: bool = False) -> AsyncIterator[None]:
        """Hold one of the slots; calls of one player get them in order of arrival."""
        if self._free:
            self._free -= 1
        else:
            await self._wait((self._urgent if urgent else self._others), player)
        try:
            yield
        finally:
            self._pass_on()

    async def one_turn(self, player: str = "") -> None:
        """Hold a slot for one turn of the event loop, so that a bounded number of callers runs in
        it."""
        async with self.slot(player):
            await asyncio.sleep(0)

    async def _wait(self, queues: _Queues, player: str) -> None:
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queues.setdefault(player, deque()).append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self._pass_on()  # it came in the same moment
            raise

    def _pass_on(self) -> None:
        for queues in (self._urgent, self._others):
            while queues:
                player, waiting = next(iter(queues.items()))
                del queues[player]
                while waiting:
                    slot = waiting.popleft()
                    if slot.done():  # cancelled
                        continue
                    if waiting:
                        queues[player] = waiting  # behind everybody else
                    slot.set_result(None)
                    return
        self._free += 1
