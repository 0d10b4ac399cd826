"""What is wrong with a game is said once, however often it is asked for."""

from __future__ import annotations


class SaidOnce:
    """Of one window."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def new(self, problems: str | None) -> tuple[str, ...]:
        """The lines of `problems` that were not in it before."""
        found = tuple(each for each in (problems or "").splitlines() if each not in self._said)
        self._said.update(found)
        return found
