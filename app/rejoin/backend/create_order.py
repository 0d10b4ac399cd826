"""The order of reconnects when more players reconnect than the service allows calls: pure.

Rule 1: the game whose shown deadline is nearest comes first, among those whose latest deadline can
        still be met. With one call for each game that waits at one moment, this order saves as many
        games as any order can (a maximum matching of games to calls). Games whose deadline can no
        longer be met come last; they are never refused, as a deadline is an estimate. Games that
        are probably over, judged by the service's answers to others (`Doubt`), come when nobody
        else waits, or first if all others have time to spare.
Rule 2: a session that the service has released comes before one that may still be CONNECTED: a call
        for the latter is answered with 409 and saves nobody (`session_memory` judges that).
Rule 3: the backend believes no deadline nearer than its own lower bound, and none later than a drop
        at this moment would have. So a client that lies gains nothing if a process has lately seen
        it connected (`store/proofs`; its clock and the database's must have agreed since);
        otherwise a short window is believed.

`store/turns` has the same order as a statement of the database.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NOTICE_S: Final = 60.0
"""The service may notice a drop this much later (`notice_delay_max_s` of the client's policy)."""


SPARE_SHARE: Final = 0.8
"""Share of the time to a shown deadline; the rest is for failed calls and new games."""
SPARE_S: Final = 2.0
"""Reserve for one call and, while not many wait, for the time until the next estimate."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Which games are probably over before their latest deadline (`window_ends`).

    `left_s`: of the games beyond their shown deadline, those with less than this until their latest
    one were mostly over, by the service's last answers. `takes_s`: how long a call takes; a game
    counts as beyond its shown deadline if it will be when a call made now ends. `first`: games in
    doubt come first, because the others have time to spare.
    """

    left_s: float = 0.0
    takes_s: float = 0.0
    first: bool = False


NO_DOUBT: Final = Doubt()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting game. `shown_at`, `latest_at`: when its window ends at the earliest and at the
    latest. `released`: the service would probably accept a create call."""

    shown_at: float
    latest_at: float
    released: bool = True
    session_id: str = ""

    def is_hopeless(self, now: float) -> bool:
        """Whether a call made now is too late."""
        return self.latest_at < now

    def is_doubtful(self, now: float, doubt: Doubt) -> bool:
        """Whether a call made now may be in time, but probably finds the game over."""
        return self.shown_at < now + doubt.takes_s and now <= self.latest_at < now + doubt.left_s

    @property
    def rank(self) -> tuple[bool, float, float, str]:
        """Sort key of games not in doubt; the same in each process."""
        return not self.released, self.shown_at, self.latest_at, self.session_id

    @property
    def rank_in_doubt(self) -> tuple[bool, float, float, str]:
        """Sort key of games in doubt: the latest probable end first."""
        return not self.released, -self.latest_at, self.shown_at, self.session_id


_Key = tuple[bool, bool, tuple[bool, float, float, str]]


def _key(waiting: Waiting, now: float, doubt: Doubt) -> _Key:
    if waiting.is_doubtful(now, doubt):
        return False, not doubt.first, waiting.rank_in_doubt
    return waiting.is_hopeless(now), doubt.first, waiting.rank


def ordered(waiting: Iterable[Waiting], now: float, doubt: Doubt = NO_DOUBT) -> list[Waiting]:
    """The games in the order of their calls, if all calls were made now."""
    return sorted(waiting, key=lambda each: _key(each, now, doubt))


def have_time_to_spare(waiting: Iterable[Waiting], now: float, per_s: float, doubt: Doubt) -> bool:
    """Whether all games not in doubt can wait until the calls for doubtful ones are made: none is
    beyond its shown deadline, and each needs less than SPARE_SHARE of its time, as some calls fail
    and new games come."""
    ends = sorted(
        each.shown_at
        for each in waiting
        if not (each.is_hopeless(now) or each.is_doubtful(now, doubt))
    )
    return all(
        calls / per_s < SPARE_SHARE * (shown_at - now) - SPARE_S
        for calls, shown_at in enumerate(ends, 1)
    )


@dataclass(frozen=True, slots=True)
class Place:
    """`number`: 1 for the next one. `turn_in_s`: about when its turn comes."""

    number: int
    turn_in_s: float


class Forecast:
    """Estimates when each waiting game gets its turn, if none comes or goes."""

    def __init__(
        self, waiting: Iterable[Waiting], now: float, per_s: float, doubt: Doubt = NO_DOUBT
    ) -> None:
        self._now = now
        self._per_s = per_s
        self._doubt = doubt
        self._keys: list[_Key] = []
        """Sort keys of the games that will be in time, in order."""
        self._before: dict[str, int] = {}
        """Session -> how many come before it."""
        late = 0
        for each in ordered(waiting, now, doubt):
            if self._comes_too_late(each, len(self._keys)):
                late += 1
            else:
                self._before[each.session_id] = len(self._keys)
                self._keys.append(_key(each, now, doubt))
        self.hopeless = late
        self.waiting = late + len(self._keys)

    def place_of(self, asking: Waiting) -> Place:
        """`asking`: a game that waited at the estimate, or came later."""
        before = self._before.get(asking.session_id)
        if before is None:
            before = bisect.bisect_left(self._keys, _key(asking, self._now, self._doubt))
        if self._comes_too_late(asking, before):
            before = len(self._keys)
        return Place(before + 1, before / self._per_s)

    def _comes_too_late(self, game: Waiting, before: int) -> bool:
        turn_at = self._now + before / self._per_s
        doubt = self._doubt
        return game.is_hopeless(turn_at) or (game.is_doubtful(turn_at, doubt) and not doubt.first)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The window as the client gives it, in seconds from now; None where it does not."""

    window_s: float | None = None
    latest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Believed:
    """Seconds from now until the shown and the latest deadline. `guessed`: nothing was known, so
    they count from the session's first request."""

    shown_s: float
    latest_s: float
    guessed: bool = False


def believed(claimed: Claimed, *, lower_s: float | None, timeout_s: float) -> Believed:
    """Rule 3. `lower_s`: until the backend's own lower bound of the window's end, if it has one.
    `timeout_s`: the session's connection timeout."""
    longest_s = timeout_s + NOTICE_S
    lower_s = 0.0 if lower_s is None else max(0.0, lower_s)
    if claimed.window_s is None:
        # An older client. It calls soon after its drop.
        return Believed(timeout_s, _or(claimed.latest_s, timeout_s), guessed=True)
    shown_s = min(max(claimed.window_s, lower_s), timeout_s)
    latest_s = min(max(_or(claimed.latest_s, shown_s), shown_s), longest_s)
    return Believed(shown_s, latest_s)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else max(value, otherwise)
