"""One queue for each owner: its calls go one after another before they compete with others."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rejoin.clock import Clock


@dataclass(slots=True)
class _Queue:
    """`last_at`: when a call last left it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    last_at: float = -math.inf
    apart_s: float = 0.0

    def is_forgotten(self, now: float) -> bool:
        """Whether a new queue would do the same."""
        return self.waiting == 0 and now - self.last_at >= self.apart_s


class OwnerQueues:
    """For one event loop. A cancelled task leaves its queue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        """By owner; the one that was used last is at the end."""

    def __len__(self) -> int:
        """Owners who wait, or have just waited."""
        return len(self._queues)

    @asynccontextmanager
    async def first(self, owner: str, apart_s: float) -> AsyncIterator[None]:
        """Hold the head of the owner's queue, `apart_s` seconds after the one before has left
        it."""
        queue = self._queues.pop(owner, None) or _Queue()
        self._queues[owner] = queue
        queue.waiting += 1
        queue.apart_s = apart_s
        self._forget_old()
        try:
            async with queue.lock:
                pause_s = queue.last_at + apart_s - self._clock()
                if pause_s > 0:
                    await asyncio.sleep(pause_s)
                try:
                    yield
                finally:
                    queue.last_at = self._clock()
        finally:
            queue.waiting -= 1

    def _forget_old(self) -> None:
        now = self._clock()
        while self._queues:
            owner, oldest = next(iter(self._queues.items()))
            if not oldest.is_forgotten(now):
                return
            del self._queues[owner]
