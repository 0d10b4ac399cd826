"""Slots: so many at a time; who waits for one comes in an order in which nobody keeps another out.

Urgent ones come before all others: what is on its way to the service, or has happened there, is
recorded before new calls are admitted, since in a storm thousands want to be admitted at once, and
an answer that is not stored in time cannot be recovered later. Within each kind players come in
rotation: where one sends hundreds at once, the call of another waits for one of them, not for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Queues = dict[str, deque[asyncio.Future[None]]]


class Slots:
    """For one event loop. A caller that waits gives its slot up when its task is cancelled."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._urgent: _Queues = {}
        self._others: _Queues = {}
        """By player, in the order of the rotation."""

    @asynccontextmanager
    async def slot(self, player: str = "", *, urgent: bool = False) -> AsyncIterator[None]:
        """Hold one of the slots; those of one player in the order in which they were asked for."""
        if self._free:
            self._free -= 1
        else:
            await self._wait((self._urgent if urgent else self._others), player)
        try:
            yield
        finally:
            self._pass_on()

    async def one_turn(self, player: str = "") -> None:
        """Hold a slot for one turn of the event loop, so that no more than these go on in it."""
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
