"""Keeps a pause between the create calls of one stream session, over all clients and dialects."""

from __future__ import annotations

import threading
from typing import Final

from rejoin.backend.service import StreamId
from rejoin.clock import Clock, boot_s

APART_S: Final = 0.250
"""From the end of one call to the beginning of the next. Clients keep the same pause between their
own calls (Rule 17 of `core/engine`), but not between the tries that are made here, nor between the
calls of two clients."""


class CreatePace:
    """May be used from any thread."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[StreamId, float] = {}

    def take_turn(self, stream: StreamId) -> float:
        """Take the next turn of this session; how many seconds away it is."""
        with self._lock:
            now = self._clock()
            for known in [each for each, at in self._free_at.items() if at <= now]:
                del self._free_at[known]
            at = max(now, self._free_at.get(stream, now))
            self._free_at[stream] = at + APART_S
            return at - now

    def call_ended(self, stream: StreamId) -> None:
        """A call of this session returned, whatever came of it."""
        with self._lock:
            free_at = self._clock() + APART_S
            self._free_at[stream] = max(free_at, self._free_at.get(stream, free_at))
