"""Announces the limits that end a game: its length, and an hour without input. Pure.

It announces only known limits: the end of the session's length is an estimate that the backend
reports; for the hour without input only this client's own last input is known. Times are boot time
in seconds, which goes on during sleep.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

from rejoin.service_model.lifecycle import Rules

IDLE_LIMIT_S: Final = Rules().idle_timeout_s
"""The service ends a session that is connected and gets no input for this long (service.md)."""

WARN_AT_S: Final = (600.0, 300.0, 60.0)
"""A limit is announced when this much is left."""
WARNING_FOR_S: Final = 20.0
"""How long an announcement stays; the last one stays to the end."""


class LimitKind(enum.Enum):
    """What ends the game."""

    LENGTH = "length"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Limits:
    """`length_ends_at`: when the session's length is over, at the earliest; None: not known.
    `input_at`: when this client last sent input; `live_at`: since when it has played. `idle_s`: how
    long the service waits for input."""

    live_at: float | None = None
    input_at: float | None = None
    length_ends_at: float | None = None
    idle_s: float = IDLE_LIMIT_S

    @property
    def idle_since_at(self) -> float | None:
        known = [at for at in (self.live_at, self.input_at) if at is not None]
        return max(known, default=None)


@dataclass(frozen=True, slots=True)
class Warned:
    """Announced at `at`: this limit, of which about `left_s` are left. `step_s`: the one of
    `WARN_AT_S` that was reached. `idle_s`: how long the service waits for input."""

    kind: LimitKind
    step_s: float
    left_s: float
    at: float
    idle_s: float = IDLE_LIMIT_S

    def shows(self, now: float) -> bool:
        """Whether it is still to be seen."""
        return now - self.at < WARNING_FOR_S or self.is_last

    @property
    def is_last(self) -> bool:
        return self.step_s == min(WARN_AT_S)

    @property
    def minutes(self) -> int:
        """That are left, rounded to the next."""
        return max(1, round(self.left_s / 60))

    @property
    def minutes_without_input(self) -> int:
        """Rounded down: not one more than is known."""
        return max(0, math.floor((self.idle_s - self.left_s) / 60))


def warning(limits: Limits, before: Warned | None, now: float) -> Warned | None:
    """The announcement of the limit that comes first: a new one at each of `WARN_AT_S`.

    A limit that moves away, because the player did something or the backend says so, takes its
    announcement with it. One that is known late is announced at once.
    """
    found = _next(limits, now)
    if found is None:
        return None
    kind, ends_at = found
    left_s = ends_at - now
    reached = [at_s for at_s in WARN_AT_S if left_s <= at_s]
    if not reached:
        return None
    step_s = min(reached)
    if before is not None and (before.kind, before.step_s) == (kind, step_s):
        return before
    return Warned(kind, step_s, left_s, now, limits.idle_s)


def _next(limits: Limits, now: float) -> tuple[LimitKind, float] | None:
    """The limit that is nearest, of those that are known."""
    found: list[tuple[float, LimitKind]] = []
    if limits.length_ends_at is not None:
        found.append((limits.length_ends_at, LimitKind.LENGTH))
    if limits.idle_since_at is not None:
        found.append((limits.idle_since_at + limits.idle_s, LimitKind.IDLE))
    if not found:
        return None
    ends_at, kind = min(found, key=lambda each: each[0])
    return kind, ends_at
