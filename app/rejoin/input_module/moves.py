"""Joins movements of the pointer to one event each 4 ms. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rejoin.input_events.events import PointerMove

JOIN_S: Final = 0.004
"""A mouse reports up to a thousand times a second; the module gets a quarter of that."""


class Moves:
    """Movements that wait. Their sum is exact; position and buttons are the last ones."""

    def __init__(self) -> None:
        self._last: PointerMove | None = None
        self._dx = self._dy = 0.0
        self._sent_at = float("-inf")

    def add(self, move: PointerMove, now: float) -> list[PointerMove]:
        """What is to be sent now. What is not has to be fetched by `flush` at `due_at`."""
        last = self._last
        ready = []
        if last is not None and (last.buttons != move.buttons or last.modifiers != move.modifiers):
            ready = self.flush(now)
        self._last = move
        self._dx += move.dx
        self._dy += move.dy
        if now - self._sent_at >= JOIN_S:
            ready += self.flush(now)
        return ready

    def flush(self, now: float) -> list[PointerMove]:
        """What waits, to be sent now: none or one."""
        last, self._last = self._last, None
        if last is None:
            return []
        joined = replace(last, dx=self._dx, dy=self._dy)
        self._dx = self._dy = 0.0
        self._sent_at = now
        return [joined]

    @property
    def due_at(self) -> float | None:
        """When to call `flush`; None if nothing waits."""
        return None if self._last is None else self._sent_at + JOIN_S
