"""Counts the hosts of each stream group, and lets sessions wait for a free one."""

from __future__ import annotations

import asyncio
from collections import Counter, deque


class HostPlaces:
    """Gives hosts in the order of the requests. For one event loop."""

    def __init__(self, hosts: int) -> None:
        """`hosts`: of each stream group; 0: any number."""
        self._hosts = hosts
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def limit(self, hosts: int) -> None:
        """Set the number of hosts of each stream group; running sessions go on."""
        self._hosts = hosts
        for group in self._waiting:
            self._assign_hosts(group)

    async def take(self, group: str) -> None:
        """Take a host of this group; waits until there is one."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append(place)
        self._assign_hosts(group)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(group)
            raise

    def leave(self, group: str) -> None:
        """A host of this group is free again."""
        self._taken[group] -= 1
        self._assign_hosts(group)

    def _assign_hosts(self, group: str) -> None:
        waiting = self._waiting.get(group, deque())
        while waiting and (self._hosts == 0 or self._taken[group] < self._hosts):
            place = waiting.popleft()
            if not place.done():
                self._taken[group] += 1
                place.set_result(None)
