"""Games and the calls that save them: orders on a virtual clock, and the most that any saves."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rejoin.backend.create_order import (
    NO_DOUBT,
    NOTICE_S,
    Doubt,
    Waiting,
    have_time_to_spare,
)
from rejoin.backend.create_turns import FORECAST_S
from rejoin.backend.window_ends import CreateOutcome, WindowEnds

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
    """One drop of many games. `at_once`: calls in the first moment, which is `begins_at`.
    `takes_s`: from a call to its effect. `fails`: the share of calls that save nobody. `skips`:
    whether games that cannot be met any more are passed over. `doubt`: of those that come when
    nobody else waits; None: what the answers show, as they come."""

    games: Sequence[Waiting]
    rank: Rank
    skips: bool
    per_s: float = 20.0
    at_once: int = 1
    begins_at: float = 0.0
    takes_s: float = 0.0
    fails: float = 0.0
    doubt: Doubt | None = NO_DOUBT
    truth: Sequence[Waiting] | None = None
    """The true deadlines, where what is believed differs."""
    saved: set[int] = field(default_factory=set)
    _waiting: list[tuple[tuple[float, ...], int]] = field(default_factory=list)
    _doubted: list[tuple[tuple[float, ...], int]] = field(default_factory=list)
    _can_spare: bool = False
    _estimates_at: float = 0.0

    def run(self) -> int:
        """How many games are saved, with one call each `1 / per_s` after the first moment."""
        truth = self.games if self.truth is None else self.truth
        chance = random.Random(21)
        self._waiting = [
            (self.rank(number, game), number) for number, game in enumerate(self.games)
        ]
        heapq.heapify(self._waiting)
        ends = WindowEnds()
        answers: deque[tuple[float, CreateOutcome]] = deque()
        call = 0
        while True:
            now = self.begins_at + max(0, call + 1 - self.at_once) / self.per_s
            while answers and answers[0][0] <= now:
                ends.saw(answers[0][1], answers.popleft()[0])
            number = self._next(now, self._learned(ends, now) if self.doubt is None else self.doubt)
            if number is None:
                return len(self.saved)
            call += 1
            game = self.games[number]
            if chance.random() < self.fails:
                heapq.heappush(self._waiting, (self.rank(number, game), number))
                continue
            taken = truth[number].latest_at >= now + self.takes_s - 1e-9
            outcome = CreateOutcome(game.shown_at - now, game.latest_at - now, self.takes_s, taken)
            answers.append((now + self.takes_s, outcome))
            if taken:
                self.saved.add(number)

    def _learned(self, ends: WindowEnds, now: float) -> Doubt:
        """As a backend has it, which estimates once a second whether there is time to spare."""
        doubt = ends.doubt(now)
        if doubt.left_s > 0 and now >= self._estimates_at:
            waiting = [self.games[number] for _, number in (*self._waiting, *self._doubted)]
            self._can_spare = have_time_to_spare(waiting, now, self.per_s, doubt)
            self._estimates_at = now + FORECAST_S
        return replace(doubt, first=self._can_spare)

    def _next(self, now: float, doubt: Doubt) -> int | None:
        self._sort_out(now, doubt)
        both = (self._doubted, self._waiting) if doubt.first else (self._waiting, self._doubted)
        for heap in both:
            while heap:
                _, number = heapq.heappop(heap)
                game = self.games[number]
                if heap is self._waiting and game.is_doubtful(now, doubt):
                    heapq.heappush(self._doubted, (game.rank_in_doubt[:3], number))
                elif not (self.skips and game.is_hopeless(now - 1e-9)):
                    return number
        return None

    def _sort_out(self, now: float, doubt: Doubt) -> None:
        for heap, other in ((self._doubted, self._waiting), (self._waiting, self._doubted)):
            while heap:
                number = heap[0][1]
                game = self.games[number]
                doubtful = game.is_doubtful(now, doubt)
                if doubtful == (heap is self._doubted):
                    break
                heapq.heappop(heap)
                rank = game.rank_in_doubt[:3] if doubtful else self.rank(number, game)
                heapq.heappush(other, (rank, number))


def after_an_outage(
    count: int, windows_s: Sequence[float], notice_s: float = 5.0
) -> tuple[list[Waiting], list[Waiting]]:
    """Games as a backend knows them, and when they end: the service notices each drop `notice_s` to
    a second more after it, and nobody tells the client, which knows a minute."""
    chance = random.Random(22)
    windows = [windows_s[number % len(windows_s)] for number in range(count)]
    chance.shuffle(windows)
    ends = [each + notice_s + chance.random() for each in windows]
    known = [Waiting(each, each + NOTICE_S) for each in windows]
    return known, [Waiting(each, each) for each in ends]


def lying(games: Sequence[Waiting], liars: frozenset[int], says_s: float) -> list[Waiting]:
    """What these games say of their windows."""
    return [
        replace(game, shown_at=says_s, latest_at=max(game.latest_at, says_s))
        if number in liars
        else game
        for number, game in enumerate(games)
    ]
