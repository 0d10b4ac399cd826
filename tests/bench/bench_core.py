"""The engine without I/O: events per second, and drops on a virtual clock."""

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
    """Samples of a healthy stream; during play 20 of them arrive per second."""
    play = Playbook().live()
    policy, draw, first_state = play.policy, play.draw, play.state
    samples = []
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
        samples.append((now, Sampled(ONE, sample)))

    def events() -> None:
        state = first_state
        for now, event in samples:
            state, _ = engine.step(state, event, now, policy, draw)
        assert isinstance(state.phase, Live)

    def events_and_snapshots() -> None:
        state = first_state
        for now, event in samples:
            state, _ = engine.step(state, event, now, policy, draw)
            snapshot(state, policy)
        assert isinstance(state.phase, Live)

    rate = per_second(events, at_least_s=at_least_s) * len(samples)
    yield Measurement(
        "events handled while live",
        rate,
        "events/s",
        "samples of a healthy stream, prepared in advance",
    )
    with_snapshot = per_second(events_and_snapshots, at_least_s=at_least_s) * len(samples)
    yield Measurement(
        "events handled while live, each with a snapshot",
        with_snapshot,
        "events/s",
        "what the engine loop does for each sample",
    )
    yield Measurement(
        "share of one core during play",
        100 / policy.sample_every_s / with_snapshot,
        "%",
        f"{1 / policy.sample_every_s:.0f} samples/s, from the row above",
    )


def _drops(at_least_s: float) -> Iterator[Measurement]:
    """A minute of play with one drop, with simulated network, service and backend."""
    world = World(notice_silent_client_s=5.0, faults=((3.0, Change.FLOW_DIES),))

    def minute() -> None:
        outcome = simulate(world, draw=random.Random(1).random, for_s=SIMULATED_S)
        assert outcome.live
        assert len(outcome.freezes_s) == 1
        assert not outcome.violations

    with mock.patch.object(engine, "step", wraps=engine.step) as counted:
        minute()
    events = counted.call_count
    rate = per_second(minute, at_least_s=at_least_s)
    conditions = (
        "one drop each, noticed by the service after 5 s, RTT 40 ms; with the simulator's work"
    )
    yield Measurement("simulated minutes per second", rate * SIMULATED_S / 60, "min/s", conditions)
    yield Measurement(
        "events handled in the simulation", rate * events, "events/s", f"{events} events per minute"
    )
