"""Modelled worlds: whether every game that could be saved was, and what the detector scores."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.measure import Measurement
from rejoin.qa import scoring, simulation

SCORED = ("clean", "home_wifi", "lte_burst", "wifi_roam", "wifi_roam_bad", "leo", "signal_spiky")
FAR = ("signal_moderate", "signal_international", "geo_sat")
BURSTY = ("bursty_10_short", "bursty_10_medium", "bursty_10_long", "bursty_10_vlong", "bufferbloat")


def run(quick: bool) -> Iterator[Measurement]:
    yield from _worlds(500 if quick else 100_000)
    hours, drops = (0.05, 5) if quick else (10.0, 200)
    for name in (*SCORED, *BURSTY, *FAR):
        yield from _score(name, hours, drops)


def _worlds(seeds: int) -> Iterator[Measurement]:
    began = time.perf_counter()
    total = simulation.tally_all(0, seeds, None, lambda _: None)
    took_s = time.perf_counter() - began
    told = (
        f"{total.runs:,} seeds, {total.drops:,} with a drop, all fault profiles by turns; a game "
        "can be saved when network and backend are there for 5 s while the service accepts"
    )
    yield Measurement("games saved of those that could be", 100 * total.saved_share, "%", told)
    yield Measurement("games that could be saved", total.savable, "games", told)
    yield Measurement("worlds that broke an invariant", len(total.found), "worlds", told)
    yield Measurement("all of it took", took_s, "s", "on all cores")


def _score(name: str, hours: float, drops: int) -> Iterator[Measurement]:
    score = scoring.of_profile(name, hours, drops, 1)
    told = f"{name}; {len(score.detections_s)} of {score.outages} drops seen, from the last packet"
    for percent in (50, 95, 99):
        took_s = score.detection_s(percent)
        if took_s is not None:
            yield Measurement(f"drop to LOST, p{percent}", 1000 * took_s, "ms", told)
    judged = f"{name}; {score.replayed_s / 3600:.1f} hours, generated"
    yield Measurement("LOST without a drop", score.false_alarms_per_hour, "an hour", judged)
    yield Measurement("wrong commits", score.false_commits_per_hour, "an hour", judged)
