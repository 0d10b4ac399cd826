"""The freeze after a drop at 40 ms RTT, by notice time, create call and dialect."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.live_game import STREAM, LiveGame, live_game, run_on_client_loop
from bench.measure import Measurement, percentile
from rejoin.core.model import Policy
from rejoin.core.trace import Timeline
from rejoin.emulator.service.faults import FaultKind
from rejoin.signaling.dialects import DIALECTS, Dialect

ROUND_TRIP_S = 0.040
CREATE_S = 0.150
EPISODES = 50
PLAYED_S = 1.2
"""Between two drops; up to half a second is added at random, to hit any phase of a frame."""

FREEZE_P50_S, FREEZE_P95_S = 1.4, 2.0
ANSWER_ROUND_TRIPS, ANSWER_EXTRA_S = 3.5, 0.030
CELL_EXTRA_S = 0.5
"""Targets; docs/performance.md explains them."""

NOTICES_S = (0.0, 3.0, 8.0)
CREATES_S = (0.15, 2.0, 5.0)
CELL_EPISODES = 3
SMALL: dict[str, Any] = {"width": 640, "height": 360, "fps": 30, "bitrate_bps": 2_000_000}
SMALL_STREAM = "emulator, loopback, 360p30 at 2 Mbit/s, three dialects at once"


@dataclass(frozen=True, slots=True)
class Episode:
    """One drop after which the game went on."""

    freeze_s: float
    """From the last decoded frame of the old connection to the first of the new one."""
    timeline: Timeline

    def between_s(self, first: str, last: str) -> float:
        began_at, ended_at = self.timeline.at(first), self.timeline.at(last)
        if began_at is None or ended_at is None:
            raise RuntimeError(f"The timeline lacks {first} or {last}.")
        return ended_at - began_at


def run(quick: bool) -> Iterator[Measurement]:
    yield from run_on_client_loop(_at_40_ms(2 if quick else EPISODES))
    notices_s, creates_s = (NOTICES_S[:2], CREATES_S[:1]) if quick else (NOTICES_S, CREATES_S)
    yield from run_on_client_loop(_grid(notices_s, creates_s, 1 if quick else CELL_EPISODES))


async def _at_40_ms(episodes: int) -> list[Measurement]:
    async with live_game(
        notice_s=0.0, round_trip_s=ROUND_TRIP_S, create_latency_s=CREATE_S
    ) as game:
        host_is_client = await _drops(game, episodes)
        await game.change_settings(dtls_role="server")
        host_is_server = await _drops(game, max(2, episodes // 2))
    conditions = (
        f"silence, the service notices at once; RTT {ROUND_TRIP_S * 1000:g} ms, "
        f"create call {CREATE_S * 1000:g} ms; {len(host_is_client)} drops, {STREAM}"
    )
    freezes_s = [episode.freeze_s for episode in host_is_client]
    rows = [
        _with_target("freeze, median", median(freezes_s), FREEZE_P50_S, conditions),
        _with_target("freeze, p95", percentile(freezes_s, 95), FREEZE_P95_S, conditions),
        *_answer_to_frame(host_is_client, "host is DTLS client", conditions),
    ]
    for name, first, last in (
        ("silence to LOST", "fault", "lost"),
        ("LOST to commit", "lost", "committed"),
        ("commit to request sent", "committed", "request sent"),
        ("request sent to answer", "request sent", "answer received"),
        ("answer to connected (ICE, DTLS)", "answer received", "connected"),
        ("connected to first frame", "connected", "first frame"),
    ):
        took_ms = [1000 * episode.between_s(first, last) for episode in host_is_client]
        rows.append(Measurement(f"of which {name}, median", median(took_ms), "ms", conditions))
    conditions = conditions.replace(f"{len(host_is_client)} drops", f"{len(host_is_server)} drops")
    return [*rows, *_answer_to_frame(host_is_server, "host is DTLS server", conditions)]


def _answer_to_frame(found: Sequence[Episode], role: str, conditions: str) -> list[Measurement]:
    """At least four round trips if the host is DTLS client, three if it is DTLS server.

    If it is client: 1.5 until its own ICE check is answered (the player's is answered after 1), 2
    for DTLS 1.2 and 0.5 for the frame.
    """
    limit_s = ANSWER_ROUND_TRIPS * ROUND_TRIP_S + ANSWER_EXTRA_S
    took_s = [episode.between_s("answer received", "first frame") for episode in found]
    name = f"{role}: answer to first frame"
    return [
        _with_target(f"{name}, median", median(took_s), limit_s, conditions),
        _with_target(f"{name}, p95", percentile(took_s, 95), limit_s, conditions),
    ]


async def _grid(
    notices_s: Sequence[float], creates_s: Sequence[float], episodes: int
) -> list[Measurement]:
    """All combinations; the dialects run in parallel, because they mostly wait."""
    async with asyncio.TaskGroup() as group:
        columns = [
            group.create_task(_cells(dialect, notices_s, creates_s, episodes))
            for dialect in DIALECTS.values()
        ]
    return [row for column in columns for row in column.result()]


async def _cells(
    dialect: Dialect, notices_s: Sequence[float], creates_s: Sequence[float], episodes: int
) -> list[Measurement]:
    rows = []
    async with live_game(notice_s=0.0, dialect=dialect, round_trip_s=ROUND_TRIP_S, **SMALL) as game:
        for notice_s in notices_s:
            for create_s in creates_s:
                await game.change_settings(
                    notice_silent_client_s=notice_s, create_latency_s=create_s
                )
                found = await _drops(game, episodes)
                rows.append(_cell(dialect, notice_s, create_s, found))
    return rows


def _cell(
    dialect: Dialect, notice_s: float, create_s: float, found: Sequence[Episode]
) -> Measurement:
    name = f"freeze, {dialect.name}, notice {notice_s:g} s, create call {create_s:g} s, median"
    took_s = median([episode.freeze_s for episode in found])
    conditions = f"{len(found)} drops, RTT {ROUND_TRIP_S * 1000:g} ms, {SMALL_STREAM}"
    if dialect.reports_status and dialect.forwards_token:
        limit_s = max(Policy().lost_min_s, notice_s) + create_s + CELL_EXTRA_S
        return _with_target(name, took_s, limit_s, conditions)
    if not dialect.reports_status:
        conditions += (
            f"; no status is reported: {Policy().commit_uncorroborated_s:g} s of silence first"
        )
    else:
        conditions += "; the status is polled once a second"
    return Measurement(name, 1000 * took_s, "ms", conditions)


async def _drops(game: LiveGame, episodes: int) -> list[Episode]:
    chance = random.Random(1)
    before, freezes_s = len(game.timelines()), []
    for _ in range(episodes):
        await asyncio.sleep(PLAYED_S + 0.5 * chance.random())
        old_peer = game.peer
        await game.drop(FaultKind.SILENCE)
        first_frame_at = game.timelines()[-1].at("first frame")
        sample = old_peer.sample()
        assert first_frame_at is not None
        assert sample is not None
        freezes_s.append(first_frame_at - sample.last_frame_at)
    found = game.timelines()[before:]
    if len(found) != episodes or any(line.outcome != "live" for line in found):
        raise RuntimeError(f"Not all of {episodes} drops ended live in the trace.")
    return [Episode(*pair) for pair in zip(freezes_s, found, strict=True)]


def _with_target(name: str, took_s: float, limit_s: float, conditions: str) -> Measurement:
    """A row in ms whose conditions say whether the target was met."""
    verdict = "met" if took_s <= limit_s else "missed"
    return Measurement(
        name,
        1000 * took_s,
        "ms",
        f"target: at most {1000 * limit_s:.0f} ms, {verdict}; {conditions}",
    )
