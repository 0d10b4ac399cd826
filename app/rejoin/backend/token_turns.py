"""When the first bytes of a request are read: those with the same token come one after another.

Hundreds of requests that one player sends in a moment would keep a process busy for as long as it
takes to parse and refuse them all. They are read over the next second, and requests of other
players go on in between. This is about order alone: nothing is allowed or refused here, and a
request whose token is not in its first bytes is read at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from rejoin.backend.owner_rules import CallPace

TOKEN_PACE: Final = CallPace(per_s=250.0, at_once=4.0)
"""More than a player's clients send, and a seventh of what a process can refuse."""
MOST_WAIT_S: Final = 2.0
"""A request that would be read later than this is read at once."""
_MOST_BYTES: Final = 16 << 20
_MOST_TOKENS: Final = 10_000
_TOKEN: Final = re.compile(rb"\r\nauthorization:[ \t]*([^\r\n]+)\r\n", re.IGNORECASE)


@dataclass(slots=True)
class TokenTurns:
    """For one process. `held_bytes`: of requests that wait."""

    pace: CallPace
    held_bytes: int = 0
    _next_at: dict[int, float] = field(default_factory=dict)
    """By hash of the token, which is not kept; the one that was used last is at the end."""

    def wait_s(self, first: bytes, now: float) -> float:
        """How long a request waits; 0.0: it is read now. `first`: its first bytes; `now`: seconds
        of the event loop's clock."""
        found = _TOKEN.search(first)
        if found is None:
            return 0.0
        token, apart_s = hash(found[1]), 1.0 / self.pace.per_s
        earliest_at = now - (self.pace.at_once - 1.0) * apart_s
        turn_at = max(self._next_at.pop(token, earliest_at), earliest_at)
        wait_s = max(0.0, turn_at - now)
        if wait_s > MOST_WAIT_S or (wait_s and self.held_bytes + len(first) > _MOST_BYTES):
            self._next_at[token] = turn_at
            return 0.0
        while len(self._next_at) >= _MOST_TOKENS:
            del self._next_at[next(iter(self._next_at))]
        self._next_at[token] = turn_at + apart_s
        return wait_s
