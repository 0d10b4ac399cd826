"""Whether this process can do its work, judged by its last calls.

A failure counts until the next success, but no longer than half a minute: a load balancer sends
nothing to a process that is not ready, so no success could ever follow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from rejoin.clock import Clock

Part = Literal["database", "service"]

BELIEVED_S: Final = 30.0
_FAILURES: Final = 3
"""Failures in a row; a single one may be due to that call."""


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

    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, one word each; none: it is ready."""
        now = self.clock()
        found = [
            part
            for part, (count, at) in self._failures.items()
            if count >= _FAILURES and now - at < BELIEVED_S
        ]
        ends = self.stopping.is_set() or self.draining.is_set()
        return (*(("stopping",) if ends else ()), *sorted(found))
