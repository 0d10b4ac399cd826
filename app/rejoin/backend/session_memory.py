"""Hints that this process keeps about the sessions that it polls; they may be forgotten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from rejoin.backend.create_order import Believed, Claimed, believed
from rejoin.backend.service import StreamStatus

MAX_REMEMBERED: Final = 10_000
NEW_EPISODE_S: Final = 3.0
"""A client that polls again after this long begins a new episode: its session is polled fast
again."""
RELEASED_STATUSES: Final = frozenset({"PENDING_CLIENT_RECONNECTION", "ACTIVE"})
"""Statuses in which the service accepts a create call; in CONNECTED it answers 409."""
NOTICED_IN_S: Final = 5.0
"""For this long after the last proof of a connection a session may still be CONNECTED, unless a
status says otherwise. Later it counts as released: otherwise, with more sessions than status calls,
the order of the status calls would decide and not the deadlines."""
DEFAULT_TIMEOUT_S: Final = 120.0
"""ConnectionTimeoutSeconds where nobody sets it."""


@dataclass(slots=True)
class SessionMemory:
    """One session. `fast_since_at`: when fast polling began. `polled_at`: the last poll.

    `connected_asked_at`: start of the newest call that reported CONNECTED, ours or another
    process's; the window cannot have begun before it. None: not known, which is safe.
    `released_asked_at`: start of the newest call, if it reported that a client can be let in again.
    """

    status: str = ""
    fast_since_at: float = -math.inf
    polled_at: float = -math.inf
    connected_asked_at: float | None = None
    released_asked_at: float | None = None
    connection_timeout_s: float | None = None
    settled_at: float = -math.inf
    """When the service last reported it in a status call or an answer; a list may be older."""

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
        self.released_asked_at = asked_at if seen.status in RELEASED_STATUSES else None
        if seen.status == "CONNECTED":
            self.proved(asked_at)
        if seen.connection_timeout_s is not None:
            self.connection_timeout_s = seen.connection_timeout_s

    def proved(self, asked_at: float | None) -> None:
        """A call that began then reported CONNECTED; None: no such call is known."""
        if asked_at is not None:
            self.connected_asked_at = max(asked_at, self.connected_asked_at or asked_at)

    def window(
        self, claimed: Claimed, stored_timeout_s: float | None, now: float
    ) -> tuple[Believed, float]:
        """The window's end as far as known, and when the client was last certainly connected.
        `stored_timeout_s`: the session's connection timeout at its start."""
        timeout_s = self.connection_timeout_s or stored_timeout_s or DEFAULT_TIMEOUT_S
        connected_at = self.connected_asked_at
        lower_s = None if connected_at is None else connected_at + timeout_s - now
        belief = believed(claimed, lower_s=lower_s, timeout_s=timeout_s)
        if belief.guessed:
            return belief, now - NOTICED_IN_S
        return belief, now + belief.shown_s - timeout_s  # its window began then, or later

    def is_released(self, connected_at: float, now: float) -> bool:
        """Whether the service has probably noticed that the client is gone."""
        connected_at = max(connected_at, self.connected_asked_at or connected_at)
        released_at = self.released_asked_at
        seen = released_at is not None and released_at > connected_at
        return seen or now - connected_at >= NOTICED_IN_S


class SessionMemories:
    """The memories of all sessions, the oldest dropped beyond MAX_REMEMBERED."""

    def __init__(self) -> None:
        self._memories: dict[str, SessionMemory] = {}

    def known(self, session_id: str) -> SessionMemory | None:
        """The memory of a session if there is one: for an id that a client may have made up."""
        return self._memories.get(session_id)

    def of(self, session_id: str) -> SessionMemory:
        """The memory of a session that exists; made if there is none."""
        memory = self._memories.get(session_id)
        if memory is None:
            while len(self._memories) >= MAX_REMEMBERED:
                del self._memories[next(iter(self._memories))]
            memory = self._memories[session_id] = SessionMemory()
        return memory
