"""What `netem.link` does to many packets, as figures with their standard errors."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rejoin.netem.link import (
    Blackout,
    DelaySteps,
    Direction,
    Draw,
    Lane,
    Length,
    Link,
    Loss,
    NetworkProfile,
    ProfileStage,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One parameter: its configured value and the measured one."""

    name: str
    expected: float
    measured: float
    error: float
    """One standard error of `measured`."""

    @property
    def errors_off(self) -> float:
        """The difference in standard errors."""
        off = abs(self.measured - self.expected)
        return off / self.error if self.error else (0.0 if off < 1e-9 else math.inf)


def chance(name: str, seed: int = 1) -> Draw:
    """A source of random numbers for this name and seed."""
    return random.Random(f"{seed} {name}").random


def share(name: str, hits: int, of: int, expected: float) -> Figure:
    """The share of hits among independent trials."""
    return Figure(name, expected, hits / of, math.sqrt(expected * (1 - expected) / of))


def mean(name: str, values: Sequence[float], expected: float) -> Figure:
    """The mean of independent values."""
    error = statistics.stdev(values) / math.sqrt(len(values))
    return Figure(name, expected, statistics.fmean(values), error)


def figures(packets: int, seed: int = 1) -> Iterator[Figure]:
    """All parameters at once. Packets are about 100 ms apart, which is no divisor of any period.

    At this distance no packet has to wait for the one before it, whatever their delays are.
    """
    delay_s, jitter_s, apart_s, every_s, step_every_s = 0.045, 0.015, 0.1018034, 10.0, 20.0
    step_s = 0.040  # one way; exceeds the jitter, so that each packet shows its level
    lane = Lane(delay_s, jitter_s, loss=0.02, burst_enter=0.01, burst_leave=0.3)
    profile = NetworkProfile(
        "all",
        stages=(ProfileStage(0.0, lane, lane),),
        blackouts=(Blackout(every_s, 0.5, length=Length.EXPONENTIAL),),
        steps=DelaySteps(step_every_s, 2 * step_s, levels=3),
    )
    link = Link(profile, 0.0, lambda name: chance(name, seed))
    delays: list[float] = []
    dark = [0] * math.ceil(packets * apart_s / every_s)
    levels: list[int] = []
    stretch = -1
    alone = lost_alone = good = good_to_bad = bad = bad_to_good = 0
    in_burst = False
    for number in range(packets):
        now = number * apart_s
        fate = link.decide(Direction.UP, 1200, now)
        if fate.dropped is Loss.BLACKOUT:
            dark[int(now / every_s)] += 1
            continue
        was, in_burst = in_burst, fate.dropped is Loss.BURST
        if was:
            bad += 1
            bad_to_good += not in_burst
        else:
            good += 1
            good_to_bad += in_burst
        if in_burst:
            continue
        alone += 1
        if fate.dropped is Loss.RANDOM:
            lost_alone += 1
            continue
        level = round((fate.delay_s - delay_s) / step_s)
        delays.append(fate.delay_s - delay_s - step_s * level)
        if int(now / step_every_s) != stretch:
            stretch = int(now / step_every_s)
            levels.append(level)
    yield share("random loss", lost_alone, alone, 0.02)
    yield share("burst enter (p)", good_to_bad, good, 0.01)
    yield share("burst leave (r)", bad_to_good, bad, 0.3)
    yield mean("jitter, mean", delays, 0.0)
    yield mean("jitter, variance", [each**2 for each in delays], (2 * jitter_s) ** 2 / 12)
    yield mean("blackout length, mean", [count * apart_s for count in dark], 0.5)
    inside = [(a, b) for a, b in pairwise(levels) if a in (1, 2)]
    yield share("delay steps upwards", sum(b > a for a, b in inside), len(inside), 0.5)
    changed = sum(abs(b - a) == 1 for a, b in pairwise(levels))
    yield Figure("intervals that changed by one step", len(levels) - 1, changed, 0.0)
