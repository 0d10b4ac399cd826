"""Whether this process can do its work, judged by its last calls.

A failure counts until the next success, but no longer than half a minute: a load balancer sends
nothing to a process that is not ready, so no success could ever follow. A read-only database
answers most calls, so its writes are judged by themselves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from rejoin.backend.store.outcomes import Outcome
from rejoin.clock import Clock

Part = Literal["database", "writes", "service"]

BELIEVED_S: Final = 30.0
_FAILURES: Final = 3
"""Failures in a row; a single one may be due to that call."""
_WORDS: Final[dict[Part, str]] = {
    "database": "database",
    "writes": "database",
    "service": "service",
}
"""What the contract calls each part."""


@dataclass(slots=True)
class Readiness:
    """`stopping`: set when the process ends. `draining`: set before that, while calls still come in
    that a load balancer has sent here before it asked again."""

    clock: Clock
    stopping: asyncio.Event
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: dict[Part, tuple[int, float]] = field(default_factory=dict)

    def succeeded(self, part: Part) -> None:
        self._failures.pop(part, None)

    def failed(self, part: Part) -> None:
        count, _ = self._failures.get(part, (0, 0.0))
        self._failures[part] = (count + 1, self.clock())

    def of_database(self, outcome: Outcome) -> None:
        """A transaction has ended."""
        match outcome:
            case Outcome.FAILED:
                self.failed("database")
            case Outcome.CANNOT_WRITE:
                self.failed("writes")
            case Outcome.READ:
                self.succeeded("database")
            case Outcome.WROTE:
                self.succeeded("database")
                self.succeeded("writes")

    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, one word each; none: it is ready."""
        now = self.clock()
        found = {
            _WORDS[part]
            for part, (count, at) in self._failures.items()
            if count >= _FAILURES and now - at < BELIEVED_S
        }
        ends = self.stopping.is_set() or self.draining.is_set()
        return (*(("stopping",) if ends else ()), *sorted(found))
