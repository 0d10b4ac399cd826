"""The detector's score of traces and of generated streams, as lines of a table."""

from __future__ import annotations

import operator
from functools import partial
from pathlib import Path

from rejoin.core.model import Policy
from rejoin.errors import BadInputError
from rejoin.qa import traces
from rejoin.qa.seeds import chance, network_profiles
from rejoin.verify.detector_score import Outage, Score, of_records
from rejoin.verify.detector_score import score as judged
from rejoin.verify.traffic import samples

_SETTLED_S = 62.0
"""A path is known to the detector after a minute of it."""
_WATCHED_S = 8.0

HEADING = (
    f"{'':24} {'hours':>7} {'drops':>6} {'seen':>6} {'p50':>7} {'p95':>7} {'p99':>7} "
    f"{'mistakes/h':>11} {'wrong commits/h':>16}"
)


def line(name: str, score: Score) -> str:
    """One row under `HEADING`; times in seconds."""
    times = [score.detection_s(percent) for percent in (50, 95, 99)]
    told = " ".join("      -" if each is None else f"{each:7.3f}" for each in times)
    return (
        f"{name:24} {score.judged_s / 3600:7.2f} {score.outages:6} {len(score.detections_s):6} "
        f"{told} {score.mistakes_per_hour:11.3f} {score.wrong_commits_per_hour:16.3f}"
    )


def of_file(path: Path) -> Score:
    """The score of a trace. Raises BadInputError if it holds no samples."""
    try:
        score = of_records(traces.read(path), Policy())
    except ValueError as error:
        raise BadInputError(f"{path.name} cannot be scored: {error}.") from error
    if score.judged_s == 0.0:
        raise BadInputError(f"{path.name} holds no samples to score.")
    return score


def of_profile(name: str, hours: float, drops: int, seed: int) -> Score:
    """So many hours over this path without a drop, and then so many drops after a minute each."""
    profile, policy = network_profiles()[name], Policy()
    total = judged(samples(profile, chance=chance(seed), for_s=hours * 3600.0), (), policy)
    when = chance(seed)("drops")
    found = Score()
    for number in range(drops):
        at = _SETTLED_S + 10.0 * when()
        stream = samples(
            profile,
            chance=chance(seed + 1 + number),
            for_s=at + _WATCHED_S,
            dark=partial(operator.le, at),
        )
        found += judged(stream, (Outage(at),), policy)
    # A minute before each drop was play, too; what follows it is not.
    return total + found
