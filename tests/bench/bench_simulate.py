"""Simulated games: savable games that were saved, and how accurate the detector is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.measure import Measurement
from rejoin.qa import scoring, simulation

SCORED = ("clean", "home_wifi", "lte_burst", "wifi_roam", "wifi_roam_bad", "leo", "signal_spiky")
FAR = ("signal_moderate", "signal_international", "geo_sat")
BURSTY = ("bursty_10_short", "bursty_10_medium", "bursty_10_long", "bursty_10_vlong", "bufferbloat")


def run(quick: bool) -> Iterator[Measurement]:
    yield from _games(500 if quick else 100_000)
    hours, drops = (0.05, 5) if quick else (10.0, 200)
    for name in (*SCORED, *BURSTY, *FAR):
        yield from _score(name, hours, drops)


def _games(seeds: int) -> Iterator[Measurement]:
    began = time.perf_counter()
    total = simulation.tally_all(0, seeds, None, lambda _: None)
    took_s = time.perf_counter() - began
    conditions = (
        f"{total.runs:,} seeds, {total.drops:,} with a drop, all fault profiles in turn; a game is "
        "savable if network and backend are up for 5 s while the service accepts a reconnect"
    )
    yield Measurement("savable games that were saved", 100 * total.saved_share, "%", conditions)
    yield Measurement("savable games", total.savable, "games", conditions)
    yield Measurement("games that broke an invariant", len(total.found), "games", conditions)
    yield Measurement("time for all games", took_s, "s", "on all cores")


def _score(name: str, hours: float, drops: int) -> Iterator[Measurement]:
    score = scoring.of_profile(name, hours, drops, 1)
    detected = len(score.detections_s)
    conditions = f"{detected} of {score.outages} drops detected; from the last packet"
    for percent in (50, 95, 99):
        took_s = score.detection_s(percent)
        if took_s is not None:
            yield Measurement(f"{name}: drop to LOST, p{percent}", 1000 * took_s, "ms", conditions)
    generated = f"{score.replayed_s / 3600:.1f} hours of generated samples"
    alarms, commits = score.false_alarms_per_hour, score.false_commits_per_hour
    alarm_name = f"{name}: false alarms (LOST without a drop)"
    yield Measurement(alarm_name, alarms, "per hour", generated)
    yield Measurement(f"{name}: false commits", commits, "per hour", generated)
