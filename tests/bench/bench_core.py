"""The engine alone: events a second, and drops on the virtual clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from unittest import mock

from bench.measure import Measurement, per_second
from helpers.playbook import ONE, Playbook
from rejoin.core import engine
from rejoin.core.events import Sampled
from rejoin.core.model import ConnectionSample
from rejoin.core.phases import Live
from rejoin.core.snapshot import snapshot
from rejoin.verify.environment import Change, World
from rejoin.verify.simulate import simulate

PLAYED_S = 100.0
SIMULATED_S = 60.0


def run(quick: bool) -> Iterator[Measurement]:
    at_least_s = 0.05 if quick else 2.0
    yield from _live(at_least_s)
    yield from _drops(at_least_s)


def _live(at_least_s: float) -> Iterator[Measurement]:
    """Samples of a healthy stream, as 20 a second come in while somebody plays."""
    play = Playbook().live()
    policy, draw, began = play.policy, play.draw, play.state
    given = []
    for number in range(1, round(PLAYED_S / policy.sample_every_s) + 1):
        now = play.now + number * policy.sample_every_s
        sample = ConnectionSample(
            last_packet_at=now,
            last_rtp_at=now,
            last_frame_at=now,
            frames_decoded=3 * number,
            frame_interval_s=1 / 60,
            rtt_s=0.04,
            loss=0.0,
        )
        given.append((now, Sampled(ONE, sample)))

    def steps() -> None:
        state = began
        for now, event in given:
            state, _ = engine.step(state, event, now, policy, draw)
        assert isinstance(state.phase, Live)

    def steps_and_snapshots() -> None:
        state = began
        for now, event in given:
            state, _ = engine.step(state, event, now, policy, draw)
            snapshot(state, policy)
        assert isinstance(state.phase, Live)

    rate = per_second(steps, at_least_s=at_least_s) * len(given)
    yield Measurement("steps, live", rate, "steps/s", "samples of a healthy stream, made before")
    with_snapshot = per_second(steps_and_snapshots, at_least_s=at_least_s) * len(given)
    yield Measurement(
        "steps, live, each with its snapshot",
        with_snapshot,
        "steps/s",
        "what the driver does for each sample",
    )
    yield Measurement(
        "share of one core while somebody plays",
        100 / policy.sample_every_s / with_snapshot,
        "%",
        f"{1 / policy.sample_every_s:.0f} samples/s, from the row above",
    )


def _drops(at_least_s: float) -> Iterator[Measurement]:
    """A minute of play with one drop in it, network, service and backend modelled around it."""
    world = World(notice_silent_s=5.0, faults=((3.0, Change.FLOW_DIES),))

    def minute() -> None:
        outcome = simulate(world, draw=random.Random(1).random, for_s=SIMULATED_S)
        assert outcome.live
        assert len(outcome.freezes_s) == 1
        assert not outcome.violations

    with mock.patch.object(engine, "step", wraps=engine.step) as counted:
        minute()
    steps = counted.call_count
    rate = per_second(minute, at_least_s=at_least_s)
    told = "one drop each, noticed after 5 s, RTT 40 ms; the modelled world's own work included"
    yield Measurement("simulated minutes a second", rate * SIMULATED_S / 60, "min/s", told)
    yield Measurement("steps, simulated", rate * steps, "steps/s", f"{steps} steps a minute")
