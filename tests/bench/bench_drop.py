"""From a drop to the next picture, on real sockets."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from bench.measure import Measurement, percentile
from bench.stage import STREAM, on_clients_loop, stage
from rejoin.core.trace import Timeline
from rejoin.emulator.service.faults import FaultKind

EPISODES = 15
PLAYED_S = 1.2
"""Between two drops, and up to half a second more, so that they fall anywhere in a frame."""

Span = tuple[str, str, str]
"""What is measured, from which step of a timeline, to which."""

SILENCE: tuple[Span, ...] = (
    ("silence to LOST", "fault", "lost"),
    ("silence to first new frame", "fault", "first frame"),
)
BACK: tuple[Span, ...] = (
    ("commit to first new frame", "committed", "first frame"),
    ("of which the create call, seen by the client", "request sent", "answer received"),
    ("of which answer to connected (ICE, DTLS)", "answer received", "connected"),
    ("of which connected to first decoded frame", "connected", "first frame"),
)


def run(quick: bool) -> Iterator[Measurement]:
    episodes = 2 if quick else EPISODES
    at_once = on_clients_loop(_drops(FaultKind.SILENCE, 0.0, episodes))
    noticed = "silence, noticed by the service at once (so the status says PENDING first)"
    yield from _rows(at_once, (*SILENCE, *BACK), noticed)
    late = on_clients_loop(_drops(FaultKind.SILENCE, 5.0, episodes))
    noticed = "silence, noticed by the service after 5 s (assumed of AWS)"
    noticing: Span = ("service's noticing to first new frame", "service noticed", "first frame")
    yield from _rows(late, (*SILENCE, noticing), noticed)
    closed = on_clients_loop(_drops(FaultKind.GRACEFUL_CLOSE, 5.0, episodes))
    graceful: tuple[Span, ...] = (
        ("graceful close to LOST", "fault", "lost"),
        ("graceful close to first new frame", "fault", "first frame"),
        BACK[0],
    )
    yield from _rows(closed, graceful, "the host closes DTLS; the service knows at once")


async def _drops(kind: FaultKind, notice_s: float, episodes: int) -> tuple[Timeline, ...]:
    chance = random.Random(1)
    async with stage(notice_s=notice_s) as it:
        for _ in range(episodes):
            await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
            await it.drop(kind)
        found = it.timelines()
    back = tuple(one for one in found if one.outcome == "live")
    if len(back) != episodes:
        raise RuntimeError(f"Of {episodes} drops {len(back)} ended well in the trace.")
    for one in found:
        if one.outcome != "live":
            print(f"{kind.value}, {one.outcome}:", *one.lines(), sep="\n", file=sys.stderr)
    return back


def _rows(found: Sequence[Timeline], spans: Sequence[Span], told: str) -> Iterator[Measurement]:
    for name, first, last in spans:
        took_ms = [_between_ms(one, first, last) for one in found]
        known = [took for took in took_ms if took is not None]
        if len(known) < 2:
            raise RuntimeError(f"Nearly no timeline tells {name}.")
        count = f"{len(known)} of {len(found)} drops"
        conditions = f"{told}; {count}, {STREAM}"
        yield Measurement(f"{name}, median", median(known), "ms", conditions)
        yield Measurement(f"{name}, p95", percentile(known, 95), "ms", conditions)


def _between_ms(one: Timeline, first: str, last: str) -> float | None:
    began_at, ended_at = one.at(first), one.at(last)
    if began_at is None or ended_at is None:
        return None
    return (ended_at - began_at) * 1000
