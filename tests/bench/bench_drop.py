"""From a drop to the next frame, over real sockets."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from bench.live_game import STREAM, live_game, run_on_client_loop
from bench.measure import Measurement, percentile
from rejoin.core.trace import Timeline
from rejoin.emulator.service.faults import FaultKind

EPISODES = 15
PLAYED_S = 1.2
"""Between two drops; up to half a second is added at random, to hit any phase of a frame."""

Span = tuple[str, str, str]
"""A name, and the steps of a timeline from which and to which it counts."""

SILENCE: tuple[Span, ...] = (
    ("silence to LOST", "fault", "lost"),
    ("silence to first new frame", "fault", "first frame"),
)
RECONNECT: tuple[Span, ...] = (
    ("commit to first new frame", "committed", "first frame"),
    ("of which the create call as the client sees it", "request sent", "answer received"),
    ("of which answer to connected (ICE, DTLS)", "answer received", "connected"),
    ("of which connected to first decoded frame", "connected", "first frame"),
)


def run(quick: bool) -> Iterator[Measurement]:
    episodes = 2 if quick else EPISODES
    at_once = run_on_client_loop(_drops(FaultKind.SILENCE, 0.0, episodes))
    conditions = "silence; the service notices at once, so the status becomes PENDING first"
    yield from _rows("noticed at once", at_once, (*SILENCE, *RECONNECT), conditions)
    late = run_on_client_loop(_drops(FaultKind.SILENCE, 5.0, episodes))
    conditions = "silence; the service notices after 5 s (an assumption about AWS)"
    from_notice: Span = ("service notices to first new frame", "service noticed", "first frame")
    yield from _rows("noticed after 5 s", late, (*SILENCE, from_notice), conditions)
    closed = run_on_client_loop(_drops(FaultKind.GRACEFUL_CLOSE, 5.0, episodes))
    graceful: tuple[Span, ...] = (
        ("close to LOST", "fault", "lost"),
        ("close to first new frame", "fault", "first frame"),
        RECONNECT[0],
    )
    conditions = "the host closes DTLS; the service knows at once"
    yield from _rows("graceful close", closed, graceful, conditions)


async def _drops(kind: FaultKind, notice_s: float, episodes: int) -> tuple[Timeline, ...]:
    chance = random.Random(1)
    async with live_game(notice_s=notice_s) as game:
        for _ in range(episodes):
            await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
            await game.drop(kind)
        found = game.timelines()
    reconnected = tuple(line for line in found if line.outcome == "live")
    if len(reconnected) != episodes:
        raise RuntimeError(f"{len(reconnected)} of {episodes} drops ended live in the trace.")
    for line in found:
        if line.outcome != "live":
            print(f"{kind.value}, {line.outcome}:", *line.lines(), sep="\n", file=sys.stderr)
    return reconnected


def _rows(
    case: str, found: Sequence[Timeline], spans: Sequence[Span], conditions: str
) -> Iterator[Measurement]:
    for name, first, last in spans:
        took_ms = [_between_ms(line, first, last) for line in found]
        known = [took for took in took_ms if took is not None]
        if len(known) < 2:
            raise RuntimeError(f"Fewer than two timelines have both ends of: {name}.")
        count = f"{len(known)} of {len(found)} drops"
        full = f"{conditions}; {count}, {STREAM}"
        yield Measurement(f"{case}: {name}, median", median(known), "ms", full)
        yield Measurement(f"{case}: {name}, p95", percentile(known, 95), "ms", full)


def _between_ms(line: Timeline, first: str, last: str) -> float | None:
    began_at, ended_at = line.at(first), line.at(last)
    if began_at is None or ended_at is None:
        return None
    return (ended_at - began_at) * 1000
