"""Turns to call the streaming service, without a database."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Final

from rejoin.backend.budgets import GET
from rejoin.clock import Clock, boot_s

BURST: Final = 5
"""After a quiet moment this many polls may go out at once."""


@dataclass(slots=True)
class PollRate:
    """At most `per_s` polls a second, in the order in which they were requested."""

    clock: Clock
    per_s: float
    free_at: float = -math.inf

    def in_time(self, deadline_at: float) -> bool:
        """Whether a turn that is asked for now would come before the deadline."""
        return self._turn_at(self.clock()) < deadline_at

    async def wait(self, deadline_at: float) -> bool:
        """Wait for a turn; False, at once, if it would come after the deadline. A turn whose
        waiting is cancelled is free again."""
        now = self.clock()
        turn_at = self._turn_at(now)
        if turn_at >= deadline_at:
            return False
        self.free_at = turn_at + 1 / self.per_s
        if turn_at > now:
            try:
                await asyncio.sleep(turn_at - now)
            except asyncio.CancelledError:
                self.free_at -= 1 / self.per_s
                raise
        return True

    def _turn_at(self, now: float) -> float:
        return max(self.free_at, now - (BURST - 1) / self.per_s)


@dataclass(frozen=True, slots=True)
class Rates:
    """One rate for each operation; `status` is that of GetStreamSession."""

    status: PollRate
    others: PollRate

    def of(self, operation: str) -> PollRate:
        return self.status if operation == GET else self.others


def rates(per_s: float) -> Rates:
    return Rates(PollRate(boot_s, per_s), PollRate(boot_s, per_s))
