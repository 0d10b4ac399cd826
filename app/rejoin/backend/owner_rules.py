"""What one player may hold of the backend, so that nobody can keep another one out.

Calls outstanding are counted for each operation by itself: a player who starts games without end
can still be let in again, and so can everybody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from rejoin.backend.refused import Reason, RefusedError
from rejoin.clock import Clock

Operation = Literal["start", "status", "reconnect", "terminate", "report"]

_MOST_OWNERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """Limits of one player; None for none. `starts_per_minute`: on the average, with as many at
    once. `live_sessions`: stream sessions that have not ended."""

    outstanding: dict[Operation, int] = field(
        default_factory=lambda: {
            "start": 4,
            "status": 8,
            "reconnect": 4,
            "terminate": 4,
            "report": 2,
        }
    )
    starts_per_minute: float | None = None
    live_sessions: int | None = None


class OwnerCalls:
    """The calls that each player has outstanding, and when they started games."""

    def __init__(self, rules: OwnerRules, clock: Clock) -> None:
        self.rules = rules
        self._clock = clock
        self._outstanding: dict[tuple[str, Operation], int] = {}
        self._starts: dict[str, tuple[float, float]] = {}
        """Owner -> starts left, and when that was."""

    @contextlib.contextmanager
    def call(self, owner_hash: str, operation: Operation) -> Iterator[None]:
        """Count a call while it is outstanding. Raises RefusedError(OWNER_BUSY)."""
        key = (owner_hash, operation)
        count = self._outstanding.get(key, 0)
        most = self.rules.outstanding.get(operation)
        if most is not None and count >= most:
            raise RefusedError(Reason.OWNER_BUSY, retry_after_s=1.0)
        self._outstanding[key] = count + 1
        try:
            yield
        finally:
            count = self._outstanding[key] - 1
            if count:
                self._outstanding[key] = count
            else:
                del self._outstanding[key]

    def started(self, owner_hash: str) -> None:
        """One more start. Raises RefusedError(OWNER_BUSY) with the time until the next one."""
        rate = self.rules.starts_per_minute
        if rate is None:
            return
        now = self._clock()
        left, at = self._starts.pop(owner_hash, (rate, now))
        left = min(rate, left + (now - at) * rate / 60.0)
        if left < 1.0:
            self._starts[owner_hash] = (left, now)
            raise RefusedError(Reason.OWNER_BUSY, retry_after_s=(1.0 - left) * 60.0 / rate)
        while len(self._starts) >= _MOST_OWNERS:
            del self._starts[next(iter(self._starts))]
        self._starts[owner_hash] = (left - 1.0, now)
