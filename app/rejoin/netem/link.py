"""A network path as a seeded model: what happens to each packet, decided without a socket.

Rule 1: a packet is decided on when it is sent, in this order: cut, blackout, burst loss, random
        loss, full queue; what is left of it arrives after queue, rate, delay, step and jitter.
Rule 2: packets of one direction arrive in the order they were sent, unless the lane says `reorder`.
        So closely sent packets wait for a late one before them, as in the queue of a real path.
Rule 3: chance is handed in, one stream for each thing that is left to chance. Blackouts and steps
        of a seed come at the same moments whatever the traffic is, and what happens to one
        direction does not depend on the other's packets.
Times are seconds of any clock that does not go back, sizes bytes of UDP payload.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

Draw = Callable[[], float]
"""A number from 0 up to but not including 1, another one at each call."""
Chance = Callable[[str], Draw]
"""A stream of draws for each name; the same name and seed give the same stream."""


class Direction(enum.StrEnum):
    """Which way a packet goes."""

    UP = "up"
    """From client to host."""
    DOWN = "down"
    """From host to client."""


BOTH = frozenset(Direction)


class Loss(enum.StrEnum):
    """Why a packet is dropped."""

    CUT = "cut"
    BLACKOUT = "blackout"
    BURST = "burst"
    RANDOM = "random"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a packet: it arrives `delay_s` after it was sent, or is dropped."""

    delay_s: float
    dropped: Loss | None = None


_AT_ONCE = Fate(0.0)
_DROPPED = {why: Fate(0.0, why) for why in Loss}


@dataclass(frozen=True, slots=True)
class Lane:
    """One direction of a path. The default lets everything pass at once."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Delays are spread evenly from `delay_s - jitter_s` to `delay_s + jitter_s`, never under 0."""
    reorder: bool = False
    """Whether a later packet may overtake."""
    loss: float = 0.0
    """Share of packets lost one by one, 0 to 1."""
    burst_enter: float = 0.0
    """Simple Gilbert model (p): chance per packet that a burst begins. In it every packet is lost,
    so that the share lost is p / (p + r) and the mean burst is 1 / r packets."""
    burst_leave: float = 1.0
    """Simple Gilbert model (r): chance per packet that a burst ends."""
    bandwidth_bps: float | None = None
    queue_s: float = 0.2
    """With a bandwidth: a packet that would have to wait longer than this is dropped."""


class Spacing(enum.StrEnum):
    """How events that come again are spaced."""

    PERIODIC = "periodic"
    EXPONENTIAL = "exponential"


class Length(enum.StrEnum):
    """How lengths of time are spread around their mean."""

    FIXED = "fixed"
    UNIFORM = "uniform"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Blackout:
    """Both directions drop everything for a moment, again and again.

    The first comes at any moment of the first `every_s` (periodic), or after an exponential time.
    """

    every_s: float
    """From start to start, or its mean."""
    lasts_s: float
    """The mean length."""
    spacing: Spacing = Spacing.PERIODIC
    length: Length = Length.FIXED
    spread_s: float = 0.0
    """Of `Length.UNIFORM`: half the width."""


@dataclass(frozen=True, slots=True)
class DelaySteps:
    """Every `every_s` the round trip gets longer or shorter by `rtt_s`, half of it each way.

    It walks by chance between 0 and `levels` steps above the lanes' own delay, and turns round at
    both ends.
    """

    every_s: float
    rtt_s: float
    levels: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """Everything is dropped from `after_s` on, once."""

    after_s: float = 0.0
    lasts_s: float | None = None
    """None: for ever, unless `until_window_s` is given."""
    until_window_s: float | None = None
    """It ends so long after the end of the reconnect window; negative is before it."""
    directions: frozenset[Direction] = BOTH

    def length_s(self, window_s: float | None) -> float | None:
        """How long it lasts; None is for ever. `window_s`: from its beginning to the window's end.

        Raises ValueError when the window is asked for and not given.
        """
        if self.until_window_s is None:
            return self.lasts_s
        if window_s is None:
            raise ValueError("the length of this cut depends on the window")
        return max(0.0, window_s + self.until_window_s)


@dataclass(frozen=True, slots=True)
class ProfileStage:
    """The lanes from `after_s` on, until the next stage."""

    after_s: float = 0.0
    up: Lane = Lane()
    down: Lane = Lane()


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """A whole path and what happens to it; times count from when it is put on."""

    name: str
    about: str = ""
    stages: tuple[ProfileStage, ...] = (ProfileStage(),)
    """In order of time; the first begins at 0."""
    blackouts: tuple[Blackout, ...] = ()
    steps: DelaySteps | None = None
    cut: Cut | None = None
    rebind_after_s: float | None = None
    """When the NAT forgets: from then on the host sees every client at a new port. That is not
    about packets: whoever obeys this profile does it."""


class Link:
    """A path with a memory: asked about every packet in turn, it gives the fate of each.

    The same profile, beginning, chance and packets give the same fates.
    """

    def __init__(
        self,
        profile: NetworkProfile,
        began_at: float,
        chance: Chance,
        *,
        directions: Collection[Direction] = BOTH,
        window_s: float | None = None,
    ) -> None:
        """`directions`: what it is about; packets of the other direction pass at once.

        Raises ValueError if the profile's cut depends on the window and `window_s` is not given.
        """
        self.profile = profile
        self._began_at = began_at
        self._directions = frozenset(directions)
        self._lanes = {each: _LaneState(chance(each.value)) for each in Direction}
        self._blackouts = tuple(
            _Blackouts(rule, began_at, chance(f"blackout {index}"))
            for index, rule in enumerate(profile.blackouts)
        )
        self._steps = (
            None if profile.steps is None else _Steps(profile.steps, began_at, chance("steps"))
        )
        self._stage = 0
        self._cut_from = self._cut_until = math.inf
        self._cut_directions: frozenset[Direction] = frozenset()
        if profile.cut is not None:
            length_s = profile.cut.length_s(window_s)
            self._cut_from = began_at + profile.cut.after_s
            self._cut_until = math.inf if length_s is None else self._cut_from + length_s
            self._cut_directions = profile.cut.directions

    def decide(self, direction: Direction, size_bytes: int, now: float) -> Fate:
        """The fate of a packet that is sent at `now`."""
        if direction not in self._directions:
            return _AT_ONCE
        if self._cut_from <= now < self._cut_until and direction in self._cut_directions:
            return _DROPPED[Loss.CUT]
        for blackouts in self._blackouts:
            if blackouts.dark(now):
                return _DROPPED[Loss.BLACKOUT]
        stages = self.profile.stages
        while self._stage + 1 < len(stages) and (
            now - self._began_at >= stages[self._stage + 1].after_s
        ):
            self._stage += 1
        stage = stages[self._stage]
        step_s = 0.0 if self._steps is None else self._steps.one_way_s(now)
        lane = stage.up if direction is Direction.UP else stage.down
        return self._lanes[direction].pass_on(lane, size_bytes, now, step_s)


class _LaneState:
    """What one direction remembers from packet to packet."""

    __slots__ = ("_draw", "_free_at", "_in_burst", "_newest_at")

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._in_burst = False
        self._free_at = -math.inf
        self._newest_at = -math.inf

    def pass_on(self, lane: Lane, size_bytes: int, now: float, step_s: float) -> Fate:
        draw = self._draw
        if lane.burst_enter or self._in_burst:
            turn = lane.burst_leave if self._in_burst else lane.burst_enter
            if draw() < turn:
                self._in_burst = not self._in_burst
            if self._in_burst:
                return _DROPPED[Loss.BURST]
        if lane.loss and draw() < lane.loss:
            return _DROPPED[Loss.RANDOM]
        leaves_at = now
        if lane.bandwidth_bps is not None:
            begins_at = max(now, self._free_at)
            if begins_at - now > lane.queue_s:
                return _DROPPED[Loss.QUEUE]
            leaves_at = self._free_at = begins_at + size_bytes * 8 / lane.bandwidth_bps
        delay_s = lane.delay_s + step_s
        if lane.jitter_s:
            delay_s = max(0.0, delay_s + lane.jitter_s * (2 * draw() - 1))
        arrives_at = leaves_at + delay_s
        if not lane.reorder:
            arrives_at = max(arrives_at, self._newest_at)
        self._newest_at = max(arrives_at, self._newest_at)
        return Fate(arrives_at - now) if arrives_at > now else _AT_ONCE


def blackout_times(rule: Blackout, began_at: float, draw: Draw) -> Iterator[tuple[float, float]]:
    """(begins, ends) of one kind of blackout after the other, without end; they may overlap."""
    if rule.spacing is Spacing.PERIODIC:
        starts_at = began_at + rule.every_s * draw()
    else:
        starts_at = began_at + exponential(rule.every_s, draw)
    while True:
        length_s = rule.lasts_s
        if rule.length is Length.EXPONENTIAL:
            length_s = exponential(rule.lasts_s, draw)
        elif rule.length is Length.UNIFORM:
            length_s += rule.spread_s * (2 * draw() - 1)
        yield starts_at, starts_at + length_s
        if rule.spacing is Spacing.PERIODIC:
            starts_at += rule.every_s
        else:
            starts_at += exponential(rule.every_s, draw)


class _Blackouts:
    """Whether one kind of blackout holds."""

    __slots__ = ("_next", "_times", "_until")

    def __init__(self, rule: Blackout, began_at: float, draw: Draw) -> None:
        self._times = blackout_times(rule, began_at, draw)
        self._next = next(self._times)
        self._until = -math.inf

    def dark(self, now: float) -> bool:
        while now >= self._next[0]:
            self._until = max(self._until, self._next[1])
            self._next = next(self._times)
        return now < self._until


class _Steps:
    """At which step the delay stands."""

    __slots__ = ("_draw", "_level", "_next_at", "_rule")

    def __init__(self, rule: DelaySteps, began_at: float, draw: Draw) -> None:
        self._rule = rule
        self._draw = draw
        self._level = 0
        self._next_at = began_at + rule.every_s

    def one_way_s(self, now: float) -> float:
        while now >= self._next_at:
            up = self._draw() < 0.5
            if self._level in (0, self._rule.levels):
                up = self._level == 0
            self._level += 1 if up else -1
            self._next_at += self._rule.every_s
        return self._level * self._rule.rtt_s / 2


def exponential(mean: float, draw: Draw) -> float:
    """A number above or equal to 0 of an exponential distribution."""
    return -mean * math.log(1.0 - draw())
