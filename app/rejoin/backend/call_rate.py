"""At what rate calls of one operation may go out: a generic cell rate algorithm, as values.

A turn is one call. Turns that are taken in advance are a debt: the next one comes later. A
throttled call halves the rate, because other programs use the account too, and it recovers slowly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

RECOVERS_IN_S: Final = 60.0
"""From nothing to the whole rate; from a half it takes half of that."""
HALVED_ONCE_IN_S: Final = 1.0
"""Calls that were throttled together halve the rate once."""
LEAST_SHARE: Final = 1 / 16
"""Of the whole rate; no number of throttled calls makes it less."""
MOST_DEBT_S: Final = 1.0
"""Turns are taken at most this far in advance (`budgets`). A later time comes from a clock that was
set back."""
_ROUNDING_S: Final = 1e-5
"""Of Unix time, as a float."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of each operation of an account in one Region: `per_s` calls a second, and `burst`
    at once after a quiet moment."""

    per_s: float = 20.0
    burst: int = 5


@dataclass(frozen=True, slots=True)
class Turns:
    """`delays_s`: seconds until each turn that was taken, in order; `rate`: what is left."""

    delays_s: tuple[float, ...]
    rate: CallRate


@dataclass(frozen=True, slots=True)
class CallRate:
    """`free_at`: when the next turn is free. `per_s`: the rate at `halved_at`, the last
    reduction."""

    free_at: float
    per_s: float
    halved_at: float

    def per_s_at(self, now: float, quota: Quota) -> float:
        """Calls a second, at this moment."""
        since_s = now - self.halved_at
        if since_s < -MOST_DEBT_S:
            return quota.per_s
        return min(quota.per_s, self.per_s + max(0.0, since_s) * quota.per_s / RECOVERS_IN_S)

    def next_at(self, now: float, quota: Quota) -> float:
        """When the next turn comes; the further in the past, the more calls may go out at once."""
        apart_s = 1.0 / self.per_s_at(now, quota)
        free_at = min(self.free_at, now + MOST_DEBT_S + apart_s)
        return max(free_at, now - (quota.burst - 1) * apart_s)

    def left(self, now: float, quota: Quota) -> float:
        """How many turns are free now; less than 0: how many have been taken in advance."""
        return (now - self.next_at(now, quota)) * self.per_s_at(now, quota) + 1.0

    def taken(
        self, now: float, quota: Quota, count: int, *, ahead_s: float = math.inf, spare: int = 0
    ) -> Turns:
        """Take up to `count` turns of the next `ahead_s` seconds, and up to `spare` more that are
        free already."""
        apart_s = 1.0 / self.per_s_at(now, quota)
        turn_at = self.next_at(now, quota)
        delays: list[float] = []
        for number in range(count + spare):
            delay_s = max(0.0, turn_at - now)
            if delay_s > (ahead_s if number < count else 0.0) + _ROUNDING_S:
                break
            delays.append(delay_s)
            turn_at += apart_s
        return Turns(tuple(delays), replace(self, free_at=turn_at))

    def halved(self, now: float, quota: Quota) -> CallRate:
        """The rate after a throttled call."""
        if 0.0 <= now - self.halved_at < HALVED_ONCE_IN_S:
            return self
        per_s = max(self.per_s_at(now, quota) / 2, quota.per_s * LEAST_SHARE)
        return CallRate(max(now, self.next_at(now, quota)), per_s, now)


def full(now: float, quota: Quota) -> CallRate:
    """The whole rate, and a whole burst."""
    return CallRate(now - quota.burst / quota.per_s, quota.per_s, now - RECOVERS_IN_S)
