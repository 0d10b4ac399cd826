"""What is wrong with a game is said once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Iterable


class SaidOnce:
    """Of one window."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def new(self, problems: Iterable[str]) -> tuple[str, ...]:
        """Those of `problems` that were not among them before, as they are."""
        found = tuple(each for each in problems if each not in self._said)
        self._said.update(found)
        return found
