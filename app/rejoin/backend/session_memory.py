"""What this process remembers of the sessions that it polls: hints, which may be forgotten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from rejoin.backend.service import StreamStatus

MAX_REMEMBERED: Final = 10_000
NEW_EPISODE_S: Final = 3.0
"""A client that has not polled for this long begins a new episode: it is polled for fast again."""


@dataclass(slots=True)
class SessionMemory:
    """One session. `fast_since_at`: when fast polling began. `polled_at`: the last poll.

    `connected_asked_at`: start of the newest call that reported CONNECTED; the window cannot have
    begun before it. None: not known, which is safe.
    """

    status: str = ""
    fast_since_at: float = -math.inf
    polled_at: float = -math.inf
    connected_asked_at: float | None = None
    connection_timeout_s: float | None = None
    settled_at: float = -math.inf
    """When the service last said it itself, in a status call or an answer; a list may be older."""

    noted_at: float = -math.inf
    """When it was last recorded for other processes."""

    def client_polls(self, now: float) -> None:
        """A client begins to poll."""
        if now - self.polled_at > NEW_EPISODE_S:
            self.fast_since_at = now

    def saw(self, seen: StreamStatus, asked_at: float, now: float) -> None:
        """The service reported this; `asked_at`: when the call for it began."""
        if seen.status != self.status:
            self.status = seen.status
            self.fast_since_at = now
        self.settled_at = max(self.settled_at, asked_at)
        if seen.status == "CONNECTED":
            self.connected_asked_at = max(asked_at, self.connected_asked_at or asked_at)
        if seen.connection_timeout_s is not None:
            self.connection_timeout_s = seen.connection_timeout_s


class SessionMemories:
    """The memories of all sessions, the oldest dropped beyond MAX_REMEMBERED."""

    def __init__(self) -> None:
        self._memories: dict[str, SessionMemory] = {}

    def of(self, session_id: str) -> SessionMemory:
        memory = self._memories.get(session_id)
        if memory is None:
            while len(self._memories) >= MAX_REMEMBERED:
                del self._memories[next(iter(self._memories))]
            memory = self._memories[session_id] = SessionMemory()
        return memory
