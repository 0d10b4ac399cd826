"""A network path as a seeded model that decides, without a socket, what happens to each packet.

Rule 1: a packet's fate is decided when it is sent. It may be dropped by, in this order: a cut, a
        blackout, burst loss, random loss, a full queue. Otherwise it arrives after queueing,
        serialization, delay, delay step and jitter.
Rule 2: packets of one direction arrive in the order in which they were sent, unless the lane says
        `reorder`. A packet waits for a late one before it, as in the queue of a real path. Only
        stragglers (`late`) are overtaken by all that follow, whatever the lane says.
Rule 3: random numbers are passed in, as a separate stream for everything that is random. With the
        same seed, blackouts and delay steps happen at the same times whatever the traffic is, and
        the fate of a packet does not depend on packets in the other direction.
Times are seconds of any monotonic clock, sizes are bytes of UDP payload.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

Draw = Callable[[], float]
"""Returns a random number in [0, 1) at each call."""
Chance = Callable[[str], Draw]
"""Returns the random stream of a name; the same name and seed give the same stream."""


class Direction(enum.StrEnum):
    """The direction of a packet."""

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
    copies: int = 0
    """How many more times it arrives, at once after the first."""


_IMMEDIATE = Fate(0.0)
_DROPPED = {why: Fate(0.0, why) for why in Loss}


@dataclass(frozen=True, slots=True)
class Lane:
    """One direction of a path. With the defaults every packet passes immediately."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Delays are uniform between `delay_s - jitter_s` and `delay_s + jitter_s`, but not under 0."""
    reorder: bool = False
    """Whether a packet may overtake an earlier one."""
    loss: float = 0.0
    """Share of packets that are lost independently of each other, 0 to 1."""
    burst_enter: float = 0.0
    """Simple Gilbert model (p): probability per packet that a loss burst begins. All packets of a
    burst are lost, so the share lost is p / (p + r) and the mean burst is 1 / r packets."""
    burst_leave: float = 1.0
    """Simple Gilbert model (r): probability per packet that a loss burst ends."""
    bandwidth_bps: float | None = None
    queue_s: float = 0.2
    """With a bandwidth: a packet that would have to queue for longer than this is dropped."""
    late: float = 0.0
    """Share of packets that arrive `late_s` later than the others, 0 to 1."""
    late_s: float = 0.0
    copies: int = 0
    """How many more times each packet arrives."""


class Spacing(enum.StrEnum):
    """How repeated events are spaced."""

    PERIODIC = "periodic"
    EXPONENTIAL = "exponential"


class Length(enum.StrEnum):
    """How durations are distributed around their mean."""

    FIXED = "fixed"
    UNIFORM = "uniform"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Blackout:
    """Both directions drop everything for a short time, repeatedly.

    The first blackout begins at a random moment of the first `every_s` (periodic), or after an
    exponentially distributed time.
    """

    every_s: float
    """From the start of one to the start of the next, or the mean of that."""
    duration_s: float
    """The mean duration."""
    spacing: Spacing = Spacing.PERIODIC
    length: Length = Length.FIXED
    spread_s: float = 0.0
    """For `Length.UNIFORM`: half the width of the distribution."""


@dataclass(frozen=True, slots=True)
class DelaySteps:
    """Every `every_s` the round trip gets longer or shorter by `rtt_s`, half of it each way.

    A random walk between 0 and `levels` steps above the lanes' own delay, reflected at both ends.
    """

    every_s: float
    rtt_s: float
    levels: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """Everything is dropped from `after_s` on, once."""

    after_s: float = 0.0
    duration_s: float | None = None
    """None: without end, unless `ends_after_window_s` is given."""
    ends_after_window_s: float | None = None
    """The cut ends this long after the end of the reconnect window; negative: before it."""
    directions: frozenset[Direction] = BOTH

    def length_s(self, window_s: float | None) -> float | None:
        """How long it lasts; None: without end. `window_s`: from its beginning to the window's end.

        Raises ValueError when the duration depends on the window and `window_s` is None.
        """
        if self.ends_after_window_s is None:
            return self.duration_s
        if window_s is None:
            raise ValueError("the length of this cut depends on the window")
        return max(0.0, window_s + self.ends_after_window_s)


@dataclass(frozen=True, slots=True)
class ProfileStage:
    """The lanes from `after_s` on, until the next stage."""

    after_s: float = 0.0
    up: Lane = Lane()
    down: Lane = Lane()


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """A whole path and what happens to it; times count from when the profile is applied."""

    name: str
    description: str = ""
    stages: tuple[ProfileStage, ...] = (ProfileStage(),)
    """In order of time; the first begins at 0."""
    blackouts: tuple[Blackout, ...] = ()
    steps: DelaySteps | None = None
    cut: Cut | None = None
    rebind_after_s: float | None = None
    """When the NAT loses its table: from then on the host sees every client at a new port. `Link`
    does not do this, since it decides only the fate of packets; the emulator's relay and a tester's
    injector do."""


class Link:
    """The state of a path. `decide` is called for every packet in turn and returns its fate.

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
        """`directions`: the directions that are affected; other packets pass immediately.

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
            return _IMMEDIATE
        if self._cut_from <= now < self._cut_until and direction in self._cut_directions:
            return _DROPPED[Loss.CUT]
        for blackouts in self._blackouts:
            if blackouts.in_progress(now):
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
    """The state of one direction from packet to packet."""

    __slots__ = ("_draw", "_free_at", "_in_burst", "_newest_at")

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._in_burst = False
        self._free_at = -math.inf
        self._newest_at = -math.inf

    def pass_on(self, lane: Lane, size_bytes: int, now: float, step_s: float) -> Fate:
        draw = self._draw
        if lane.burst_enter or self._in_burst:
            change = lane.burst_leave if self._in_burst else lane.burst_enter
            if draw() < change:
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
        if lane.late and draw() < lane.late:
            return Fate(arrives_at + lane.late_s - now, copies=lane.copies)
        if not lane.reorder:
            arrives_at = max(arrives_at, self._newest_at)
        self._newest_at = max(arrives_at, self._newest_at)
        if arrives_at <= now and not lane.copies:
            return _IMMEDIATE
        return Fate(max(0.0, arrives_at - now), copies=lane.copies)


def blackout_times(rule: Blackout, began_at: float, draw: Draw) -> Iterator[tuple[float, float]]:
    """(begins, ends) of successive blackouts, endlessly; they may overlap."""
    if rule.spacing is Spacing.PERIODIC:
        starts_at = began_at + rule.every_s * draw()
    else:
        starts_at = began_at + exponential(rule.every_s, draw)
    while True:
        length_s = rule.duration_s
        if rule.length is Length.EXPONENTIAL:
            length_s = exponential(rule.duration_s, draw)
        elif rule.length is Length.UNIFORM:
            length_s += rule.spread_s * (2 * draw() - 1)
        yield starts_at, starts_at + length_s
        if rule.spacing is Spacing.PERIODIC:
            starts_at += rule.every_s
        else:
            starts_at += exponential(rule.every_s, draw)


class _Blackouts:
    """Whether a blackout of one kind is in progress."""

    __slots__ = ("_next", "_times", "_until")

    def __init__(self, rule: Blackout, began_at: float, draw: Draw) -> None:
        self._times = blackout_times(rule, began_at, draw)
        self._next = next(self._times)
        self._until = -math.inf

    def in_progress(self, now: float) -> bool:
        while now >= self._next[0]:
            self._until = max(self._until, self._next[1])
            self._next = next(self._times)
        return now < self._until


class _Steps:
    """How many steps are added to the delay."""

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
    """A random number >= 0, exponentially distributed."""
    return -mean * math.log(1.0 - draw())
