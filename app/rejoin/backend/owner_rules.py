"""Limits of one player, so that no player can lock others out.

Outstanding calls and their pace are counted for each operation separately: even a player who starts
games without end can still reconnect, and so can everybody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.token_bucket import TokenBucket
from rejoin.clock import Clock

Operation = Literal["start", "status", "answer", "reconnect", "terminate", "report"]
"""The contract's names."""
_COUNTED_AS: Final[Mapping[Operation, Operation]] = {"answer": "status"}

_MOST_OWNERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class CallPace:
    """Calls a second on average, and how many at once after a quiet moment."""

    per_s: float
    at_once: float


CALL_PACES: Final[Mapping[Operation, CallPace]] = {
    "start": CallPace(1.0, 20.0),
    "status": CallPace(5.0, 40.0),
    "reconnect": CallPace(4.0, 16.0),
    "terminate": CallPace(2.0, 8.0),
}
"""More than a player's clients need, and well below the service's quota for all players: our client
waits half a second between two polls, and the backend's status calls are not counted here. Invalid
calls count too: `rejoin backend check` makes some 15 starts in a second."""


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """Limits of one player; None for none. `starts_per_minute`: on the average, with as many at
    once. `live_sessions`: stream sessions that have not ended. `paces`: of calls, whatever comes of
    them; each costs time of the database, and of this process."""

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
    paces: Mapping[Operation, CallPace] = field(default_factory=dict)


class OwnerCalls:
    """The calls that each player has outstanding, and when they started games."""

    def __init__(self, rules: OwnerRules, clock: Clock) -> None:
        self.rules = rules
        self._outstanding: dict[tuple[str, Operation], int] = {}
        self._paces = {
            operation: _Allowance(pace, clock) for operation, pace in rules.paces.items()
        }
        rate = rules.starts_per_minute
        self._games = None if rate is None else _Allowance(CallPace(rate / 60.0, rate), clock)

    @contextlib.contextmanager
    def call(self, owner_hash: str, operation: Operation | None) -> Iterator[None]:
        """Count a call while it is outstanding; None: one that the contract does not have. Raises
        RefusedError(OWNER_BUSY)."""
        if operation is None:
            yield
            return
        operation = _COUNTED_AS.get(operation, operation)
        key = (owner_hash, operation)
        count = self._outstanding.get(key, 0)
        most = self.rules.outstanding.get(operation)
        if most is not None and count >= most:
            raise RefusedError(Reason.OWNER_BUSY, retry_after_s=1.0)
        if operation in self._paces:
            self._paces[operation].use(owner_hash)
        self._outstanding[key] = count + 1
        try:
            yield
        finally:
            count = self._outstanding[key] - 1
            if count:
                self._outstanding[key] = count
            else:
                del self._outstanding[key]

    def sharers(self, owner_hash: str, operation: Operation) -> int:
        """How many calls of a player share the turns of one; at least 1."""
        return max(1, self._outstanding.get((owner_hash, operation), 0))

    def started(self, owner_hash: str) -> None:
        """One more start. Raises RefusedError(OWNER_BUSY) with the time until the next one."""
        if self._games is not None:
            self._games.use(owner_hash)


class _Allowance:
    """The rest of each player's pace."""

    def __init__(self, pace: CallPace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._left: dict[str, TokenBucket] = {}
        """By owner; the one that was used last is at the end."""

    def use(self, owner_hash: str) -> None:
        """Raises RefusedError(OWNER_BUSY) with the time until there is something left."""
        pace, left = self._pace, self._left
        bucket = left.pop(owner_hash, None) or TokenBucket(pace.per_s, pace.at_once)
        while len(left) >= _MOST_OWNERS:
            del left[next(iter(left))]
        left[owner_hash] = bucket
        wait_s = bucket.take(self._clock())
        if wait_s:
            raise RefusedError(Reason.OWNER_BUSY, retry_after_s=wait_s)
