"""How many games an order of the create calls saves, when each second has so many of them.

All games are dropped at the same moment. A game is saved by a call that the service accepts before
the game's window is over; call number `k` (from 0) is made `k / per_s` seconds after the drop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def first_come(windows_s: Sequence[float], per_s: float) -> int:
    """In the order in which they come; calls for games that are over are made too."""
    return sum(number / per_s < window for number, window in enumerate(windows_s))


def earliest_deadline(windows_s: Iterable[float], per_s: float) -> int:
    """The shortest window first, whether or not there is still time for it."""
    return first_come(sorted(windows_s), per_s)


def most(windows_s: Iterable[float], per_s: float) -> int:
    """The most that any order can save: the shortest window first of those that can be met."""
    saved = 0
    for window in sorted(windows_s):
        if saved / per_s < window:
            saved += 1
    return saved


def matching(windows_s: Sequence[float], per_s: float) -> int:
    """The size of a maximum matching of games to calls, by augmenting paths: a check of `most`."""
    game_of: dict[int, int] = {}

    def augment(game: int, tried: set[int]) -> bool:
        for call in range(len(windows_s)):
            if call / per_s < windows_s[game] and call not in tried:
                tried.add(call)
                if call not in game_of or augment(game_of[call], tried):
                    game_of[call] = game
                    return True
        return False

    return sum(augment(game, set()) for game in range(len(windows_s)))
