"""A Region drops every game at once: how many are lost, by the service's quota and their windows.

One modelled world on a virtual clock: all players ask one backend, which calls a service with one
quota. The order of calls, the rate and the pauses are the backend's and the client's own
(`create_order`, `window_ends`, `call_rate`, `create_turns`, `core.retry`). Assumed of the rest:

- Nothing of the Region is reached during the outage, the backend included. Games and hosts run on.
- The service notices each drop within `NOTICE_SPREAD_S` after `notice_s`, and its window is the
  connection timeout from then on. A create call that takes effect later is refused.
- A client learns that its game is over as from a backend with many players: when two passes of the
  service's lists did not have it, and a status call was made for it, with the same quota.
- A backend is as fast as it has to be, and no other program uses the account's quota.
"""

from __future__ import annotations

import heapq
import itertools
import os
import random
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from typing import Final

from rejoin.backend.call_rate import Quota, full
from rejoin.backend.create_order import (
    Claimed,
    Doubt,
    Waiting,
    believed,
    have_time_to_spare,
)
from rejoin.backend.create_turns import (
    CALL_TAKES_S,
    SPREAD_S,
    SPREAD_SHARE,
    TICK_S,
    forecast_every_s,
)
from rejoin.backend.list_watch import ROUND_S
from rejoin.backend.window_ends import CreateOutcome, WindowEnds
from rejoin.core.model import Policy
from rejoin.core.retry import Wait, backoff_s
from rejoin.qa.process_pool import process_pool

NOTICE_SPREAD_S: Final = 1.0
_POLICY: Final = Policy()
SHORTEST_OUTAGE_S: Final = _POLICY.commit_uncorroborated_s
"""After a shorter outage the old connections heal, and nobody reconnects."""
_STEP_S: Final = TICK_S
_LISTED: Final = 100
"""Sessions on a page of a list."""


@dataclass(frozen=True, slots=True)
class Storm:
    """`per_s`: create calls a second that the service allows. `windows_s`: connection timeouts, in
    equal parts of all games. `create_s`: until a create call takes effect. `failing`: the share of
    create calls that have none, and are made again."""

    players: int
    outage_s: float
    per_s: float
    windows_s: tuple[float, ...]
    notice_s: float = 5.0
    create_s: float = 0.5
    failing: float = 0.0
    seed: int = 1

    @property
    def burst(self) -> int:
        """Create calls after a quiet moment: a quarter of a second's, as in the backend's defaults.
        With fewer than `per_s * TICK_S` it could not use a higher quota."""
        return max(Quota().burst, round(self.per_s * Quota().burst / Quota().per_s))


@dataclass(frozen=True, slots=True)
class Lost:
    """The result of a storm. `saved`: by each window. `most`: an upper bound for any order of
    calls.
    `calls`: create calls. `late`: of them, those that came too late or failed. `over_s`: when the
    last game was saved, after the drop."""

    storm: Storm
    saved: dict[float, int]
    most: int
    calls: int
    late: int
    over_s: float

    @property
    def lost(self) -> int:
        """Games."""
        return self.storm.players - sum(self.saved.values())

    @property
    def lost_share(self) -> float:
        """0..1."""
        return self.lost / self.storm.players


@dataclass(slots=True)
class _Game:
    """`ends_at`: of its window, as the service has it. `known_over_at`: when its client knows that.
    `here_until_at`: its client waits for an answer until then; and then asks again at `back_at`."""

    window_s: float
    ends_at: float
    waiting: Waiting
    known_over_at: float = 0.0
    here_until_at: float = 0.0
    back_at: float = 0.0
    failures: int = 0


_Rank = tuple[bool, float, float, str]


@dataclass(slots=True)
class _World:
    """Times are seconds since the drop."""

    storm: Storm
    chance: random.Random
    games: list[_Game] = field(default_factory=list)
    asking: list[tuple[float, int]] = field(default_factory=list)
    """A heap: when each client that is away asks."""
    ranked: list[tuple[_Rank, int]] = field(default_factory=list)
    """A heap: waiting games, in the backend's order."""
    doubted: list[tuple[_Rank, int]] = field(default_factory=list)
    """A heap: waiting games in doubt."""
    ends: WindowEnds = field(default_factory=WindowEnds)
    answers: deque[tuple[float, CreateOutcome]] = field(default_factory=deque)
    """Of create calls under way: when each comes, in that order, and what it says."""
    can_spare: bool = False
    """As the backend estimated it last."""
    estimates_at: float = 0.0

    def begin(self) -> None:
        storm, chance = self.storm, self.chance
        for number in range(storm.players):
            window_s = storm.windows_s[number % len(storm.windows_s)]
            noticed_at = storm.notice_s + NOTICE_SPREAD_S * chance.random()
            asks_at = max(noticed_at, self.reaches_at())
            # A client knows when its window ends at the earliest, and how late at the latest.
            belief = believed(
                Claimed(window_s - asks_at, window_s + _POLICY.notice_delay_max_s - asks_at),
                lower_s=None,
                timeout_s=window_s,
            )
            waiting = Waiting(
                asks_at + belief.shown_s, asks_at + belief.latest_s, True, f"{number:08}"
            )
            self.games.append(_Game(window_s, noticed_at + window_s, waiting))
            self.asking.append((asks_at, number))
        heapq.heapify(self.asking)
        self.know_ends()

    def know_ends(self) -> None:
        storm, known_at = self.storm, 0.0
        pass_s = max(ROUND_S, storm.players / _LISTED / storm.per_s)
        for game in sorted(self.games, key=lambda game: game.ends_at):
            missed_at = max(game.ends_at, storm.outage_s) + 2 * pass_s
            game.known_over_at = known_at = max(known_at + 1 / storm.per_s, missed_at)

    def reaches_at(self) -> float:
        """When a client reaches the backend again, which is its first try after the outage."""
        draw, at = self.chance.random, _POLICY.commit_uncorroborated_s
        failures = 0
        while at < self.storm.outage_s:
            at += _POLICY.connect_timeout_s + backoff_s(Wait.USUAL, failures, _POLICY, draw)
            failures += 1
        return at

    def arrive(self, now: float) -> None:
        """Clients that called until now wait for an answer."""
        while self.asking and self.asking[0][0] <= now:
            at, number = heapq.heappop(self.asking)
            game = self.games[number]
            self.wait_from(game, at)
            heapq.heappush(self.ranked, (game.waiting.rank, number))

    def wait_from(self, game: _Game, at: float) -> None:
        """As `create_turns` answers, and the client asks again."""
        draw = self.chance.random
        held_s = _POLICY.read_timeout_s - CALL_TAKES_S
        game.here_until_at = at + held_s - draw() * min(SPREAD_S, SPREAD_SHARE * held_s)
        pause_s = backoff_s(Wait.TURN, 0, _POLICY, draw)
        game.back_at = game.here_until_at + pause_s

    def learn(self, now: float) -> Doubt:
        """From the answers that have come."""
        while self.answers and self.answers[0][0] <= now:
            at, outcome = self.answers.popleft()
            self.ends.saw(outcome, at)
        doubt = self.ends.doubt(now)
        if doubt.left_s > 0 and now >= self.estimates_at:
            waiting = [self.games[number].waiting for _, number in (*self.ranked, *self.doubted)]
            self.can_spare = have_time_to_spare(waiting, now, self.storm.per_s, doubt)
            self.estimates_at = now + forecast_every_s(len(waiting))
        return replace(doubt, first=self.can_spare)

    def next(self, now: float, doubt: Doubt) -> int | None:
        """The next game: the first one whose client waits. Clients that are away call again later;
        hopeless games are dropped."""
        self.sort_out(now, doubt)
        heaps = (self.doubted, self.ranked) if doubt.first else (self.ranked, self.doubted)
        for heap in heaps:
            while heap:
                _, number = heapq.heappop(heap)
                waiting = self.games[number].waiting
                if heap is self.ranked and waiting.is_doubtful(now, doubt):
                    heapq.heappush(self.doubted, (waiting.rank_in_doubt, number))
                elif self.waits(number, now):
                    return number
        return None

    def sort_out(self, now: float, doubt: Doubt) -> None:
        """Move games between the two heaps: in doubt, or not."""
        while self.doubted:
            number = self.doubted[0][1]
            waiting = self.games[number].waiting
            if waiting.is_doubtful(now, doubt):
                break  # those behind it are in doubt, or cannot be met any more
            heapq.heappop(self.doubted)
            heapq.heappush(self.ranked, (waiting.rank, number))
        while self.ranked:
            number = self.ranked[0][1]
            waiting = self.games[number].waiting
            if not waiting.is_doubtful(now, doubt):
                break
            heapq.heappop(self.ranked)
            heapq.heappush(self.doubted, (waiting.rank_in_doubt, number))

    def waits(self, number: int, now: float) -> bool:
        """Whether its client waits for an answer now; if it is away, it asks again."""
        game = self.games[number]
        while game.back_at <= now:
            self.wait_from(game, game.back_at)
        if game.waiting.is_hopeless(now) or game.known_over_at <= now:
            return False
        if game.here_until_at < now:
            heapq.heappush(self.asking, (game.back_at, number))
            return False
        return True

    def call(self, number: int, now: float) -> float | None:
        """A create call: when its game is saved; None if it is over or the call fails."""
        storm, game = self.storm, self.games[number]
        answered_at = now + storm.create_s
        if storm.failing and self.chance.random() < storm.failing:
            pause_s = backoff_s(Wait.USUAL, game.failures, _POLICY, self.chance.random)
            game.failures += 1
            heapq.heappush(self.asking, (answered_at + pause_s, number))
            return None
        taken = answered_at <= game.ends_at
        waiting = game.waiting
        outcome = CreateOutcome(
            waiting.shown_at - now, waiting.latest_at - now, storm.create_s, taken
        )
        self.answers.append((answered_at, outcome))
        return answered_at if taken else None


def play(storm: Storm) -> Lost:
    """Play the storm; the same storm gives the same result every time."""
    chance = random.Random(f"{storm.seed} {storm.players} {storm.outage_s} {storm.windows_s}")
    world = _World(storm, chance)
    world.begin()
    quota = Quota(storm.per_s, storm.burst)
    rate = full(0.0, quota)
    saved = dict.fromkeys(storm.windows_s, 0)
    calls, over_s = 0, 0.0
    now = world.asking[0][0]
    while world.asking or world.ranked or world.doubted:
        world.arrive(now)
        doubt = world.learn(now)
        free = int(rate.left(now, quota) + 1e-6)
        spent = 0
        while spent < free and (number := world.next(now, doubt)) is not None:
            spent += 1
            saved_at = world.call(number, now)
            if saved_at is not None:
                saved[world.games[number].window_s] += 1
                over_s = saved_at
        if spent:
            calls += spent
            rate = rate.taken(now, quota, spent).rate
        now = _next_time(world, now)
    done = sum(saved.values())
    return Lost(storm, saved, _most(world), calls, calls - done, round(over_s, 3))


def _next_time(world: _World, now: float) -> float:
    """The time of the next exchange of turns at which anything can happen."""
    if world.ranked or world.doubted or not world.asking:
        return now + _STEP_S
    return max(now + _STEP_S, world.asking[0][0])


def _most(world: _World) -> int:
    """An upper bound of the games that any order of calls can save (Hall's theorem): calls begin
    with the first request, the end of each game is known, and no call fails."""
    storm = world.storm
    begins_at = max(storm.outage_s, storm.notice_s)
    ends = sorted(game.ends_at - storm.create_s for game in world.games)
    saved = 0
    for end_at in ends:
        if end_at < begins_at:
            continue
        calls = storm.burst + int((end_at - begins_at) * storm.per_s + 1e-9)
        saved += saved < calls
    return saved


# --- many storms ----------------------------------------------------------------------------------


def grid(
    storm: Storm,
    quotas: Sequence[float],
    windows: Sequence[tuple[float, ...]],
    seeds: int = 1,
) -> list[Storm]:
    """So many storms for each window and quota, with one seed after another."""
    return [
        replace(storm, per_s=per_s, windows_s=windows_s, seed=storm.seed + number)
        for windows_s, per_s, number in itertools.product(windows, quotas, range(seeds))
    ]


def play_all(
    storms: Sequence[Storm], jobs: int | None, progress: Callable[[int], None]
) -> tuple[Lost, ...]:
    """One storm is one world in one process; several are played at the same time. `progress` gets
    how many are over."""
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or len(storms) == 1:
        found = []
        for over, storm in enumerate(storms, 1):
            found.append(play(storm))
            progress(over)
        return tuple(found)
    with process_pool(min(jobs, len(storms))) as pool:
        playing = [pool.submit(play, storm) for storm in storms]
        for over, each in enumerate(as_completed(playing), 1):
            each.result()  # raises at once where one failed
            progress(over)
        return tuple(each.result() for each in playing)
