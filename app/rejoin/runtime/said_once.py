"""Reports each problem of a game only once."""

from __future__ import annotations

from collections.abc import Iterable


class SaidOnce:
    """The problems that one window has shown."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def new(self, problems: Iterable[str]) -> tuple[str, ...]:
        """Those of `problems` that were not reported before, unchanged."""
        found = tuple(each for each in problems if each not in self._said)
        self._said.update(found)
        return found
