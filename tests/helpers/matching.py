"""Games and the calls that save them: orders on a virtual clock, and the most that any saves."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rejoin.backend.create_order import Waiting

WINDOWS_S = (10.0, 30.0, 120.0, 600.0)

Rank = Callable[[int, Waiting], tuple[float, ...]]
"""The order of games, by their number of arrival and what is believed of them."""


def by_arrival(number: int, _: Waiting) -> tuple[float, ...]:
    return (number,)


def by_deadline(number: int, game: Waiting) -> tuple[float, ...]:
    return game.shown_at, number


def dropped_at_once(count: int) -> list[Waiting]:
    """Games with the windows in equal parts, in a random order that is the same each time."""
    windows = [WINDOWS_S[number % len(WINDOWS_S)] for number in range(count)]
    random.Random(20).shuffle(windows)
    return [Waiting(each, each) for each in windows]


def matching(games: Sequence[Waiting], per_s: float) -> dict[int, int]:
    """A matching of games to calls, at 0, `1 / per_s` and so on: call -> game. Each game in turn
    gets the last free call that is in time; no order of deadlines is used."""
    last = [last_call(game, per_s) for game in games]
    free = list(range(max(last) + 2))
    """Call + 1 -> the nearest free one at or before it, + 1; 0 for none."""
    taken: dict[int, int] = {}
    for number, latest in enumerate(last):
        found, path = latest + 1, []
        while free[found] != found:
            path.append(found)
            found = free[found]
        for each in path:
            free[each] = found
        if found > 0:
            taken[found - 1] = number
            free[found] = found - 1
    return taken


def most_saved(games: Sequence[Waiting], per_s: float, at_once: int = 1) -> int:
    """What no matching exceeds (Hall, Ore): all games but the largest surplus, at any moment, of
    games whose last call has passed over the calls that there were. `at_once`: calls at 0."""
    last = sorted(last_call(game, per_s) for game in games)
    surplus = max((number - call for number, call in enumerate(last)), default=0)
    return len(games) - max(0, surplus + 1 - at_once)


def last_call(game: Waiting, per_s: float) -> int:
    """The last call that is in time for a game."""
    return int(game.latest_at * per_s + 1e-9)


@dataclass
class Storm:
    """One drop of many games. `at_once`: calls in the first moment. `takes_s`: from a call to its
    effect. `fails`: the share of calls that save nobody. `skips`: whether games that cannot be met
    any more are passed over, as far as is known: `expects_s` is what the order knows of `takes_s`.
    """

    games: Sequence[Waiting]
    rank: Rank
    skips: bool
    per_s: float = 20.0
    at_once: int = 1
    takes_s: float = 0.0
    expects_s: float = 0.0
    fails: float = 0.0
    truth: Sequence[Waiting] | None = None
    """The true deadlines, where what is believed differs."""
    saved: set[int] = field(default_factory=set)

    def run(self) -> int:
        """How many games are saved, with one call each `1 / per_s` after the first moment."""
        truth = self.games if self.truth is None else self.truth
        chance = random.Random(21)
        waiting = [(self.rank(number, game), number) for number, game in enumerate(self.games)]
        heapq.heapify(waiting)
        call = 0
        while waiting:
            now = max(0, call + 1 - self.at_once) / self.per_s
            _, number = heapq.heappop(waiting)
            game = self.games[number]
            if self.skips and game.is_hopeless(now - 1e-9, self.expects_s):
                continue
            call += 1
            if chance.random() < self.fails:
                heapq.heappush(waiting, (self.rank(number, game), number))
            elif truth[number].latest_at >= now + self.takes_s - 1e-9:
                self.saved.add(number)
        return len(self.saved)


def lying(games: Sequence[Waiting], liars: frozenset[int], says_s: float) -> list[Waiting]:
    """What these games say of their windows."""
    return [
        replace(game, shown_at=says_s, latest_at=max(game.latest_at, says_s))
        if number in liars
        else game
        for number, game in enumerate(games)
    ]
