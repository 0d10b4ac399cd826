"""How many games an order of the create calls saves, when each second has so many of them.

All games are dropped at the same moment. A game is saved by a call that the service accepts before
the game's window is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calls:
    """So many calls a second; `at_once`: how many in the first moment."""

    per_s: float
    at_once: int = 1

    def made_at(self, number: int) -> float:
        """Seconds from the drop to the call with this number, from 0."""
        return max(0, number + 1 - self.at_once) / self.per_s


def first_come(windows_s: Sequence[float], calls: Calls) -> int:
    """In the order in which they come; calls for games that are over are made too."""
    return sum(calls.made_at(number) < window for number, window in enumerate(windows_s))


def earliest_deadline(windows_s: Iterable[float], calls: Calls) -> int:
    """The shortest window first, whether or not there is still time for it."""
    return first_come(sorted(windows_s), calls)


def most(windows_s: Iterable[float], calls: Calls) -> int:
    """The most that any order can save: the shortest window first of those that can be met."""
    saved = 0
    for window in sorted(windows_s):
        saved += calls.made_at(saved) < window
    return saved


def matching(windows_s: Sequence[float], calls: Calls) -> int:
    """The size of a maximum matching of games to calls, by augmenting paths: a check of `most`."""
    game_of: dict[int, int] = {}

    def augment(game: int, tried: set[int]) -> bool:
        for call in range(len(windows_s)):
            if calls.made_at(call) < windows_s[game] and call not in tried:
                tried.add(call)
                if call not in game_of or augment(game_of[call], tried):
                    game_of[call] = game
                    return True
        return False

    return sum(augment(game, set()) for game in range(len(windows_s)))
