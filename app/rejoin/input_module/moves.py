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
        self._waiting: PointerMove | None = None
        self._sent_at = float("-inf")

    def add(self, move: PointerMove, now: float) -> list[PointerMove]:
        """What is to be sent now. What is not has to be fetched by `flush` at `due_at`."""
        ready = []
        waiting = self._waiting
        if waiting is not None and not _alike(waiting, move):
            ready.append(waiting)
            waiting = None
            self._sent_at = now
        if waiting is not None:
            move = replace(move, dx=waiting.dx + move.dx, dy=waiting.dy + move.dy)
        self._waiting = move
        if now - self._sent_at >= JOIN_S:
            ready += self.flush(now)
        return ready

    def flush(self, now: float) -> list[PointerMove]:
        """What waits, to be sent now: none or one."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return []
        self._sent_at = now
        return [waiting]

    @property
    def due_at(self) -> float | None:
        """When to call `flush`; None if nothing waits."""
        return None if self._waiting is None else self._sent_at + JOIN_S


def _alike(one: PointerMove, other: PointerMove) -> bool:
    return one.buttons == other.buttons and one.modifiers == other.modifiers
