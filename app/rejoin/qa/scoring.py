"""The detector's score on traces and on generated streams, as lines of a table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rejoin.core.model import Policy
from rejoin.errors import BadInputError
from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.qa import traces
from rejoin.verify.detector_score import Outage, Score, score_samples, score_trace
from rejoin.verify.traffic import samples

_SETTLED_S = 62.0
"""The detector remembers the gaps of a path for a minute."""
_AFTER_DROP_S = 8.0
"""How long each stream goes on after its drop."""

HEADING = (
    f"{'':24} {'hours':>7} {'drops':>6} {'found':>6} {'p50':>7} {'p95':>7} {'p99':>7} "
    f"{'false alarms/h':>15} {'false commits/h':>16}"
)


def line(name: str, score: Score) -> str:
    """One row under `HEADING`; times in seconds."""
    times = [score.detection_s(percent) for percent in (50, 95, 99)]
    percentiles = " ".join("      -" if each is None else f"{each:7.3f}" for each in times)
    return (
        f"{name:24} {score.replayed_s / 3600:7.2f} {score.outages:6} {len(score.detections_s):6} "
        f"{percentiles} {score.false_alarms_per_hour:15.3f} {score.false_commits_per_hour:16.3f}"
    )


def of_file(path: Path) -> Score:
    """The score of a trace. Raises BadInputError if it holds no samples."""
    try:
        score = score_trace(traces.read(path), Policy())
    except ValueError as error:
        raise BadInputError(f"{path.name} cannot be scored: {error}.") from error
    if score.replayed_s == 0.0:
        raise BadInputError(f"{path.name} holds no samples to score.")
    return score


def of_profile(
    name: str,
    hours: float,
    drops: int,
    seed: int,
    on_drop: Callable[[int], None] = lambda dropped: None,
) -> Score:
    """The score of `hours` of a stream without a drop over this path, plus `drops` streams with one
    drop each. `on_drop` gets how many of those are done."""
    profile, policy = network_profiles()[name], Policy()
    total = score_samples(
        samples(profile, chance=chance_of(seed), for_s=hours * 3600.0), (), policy
    )
    when = chance_of(seed)("drops")
    found = Score()
    for number in range(drops):
        at = _SETTLED_S + 10.0 * when()
        stream = samples(
            profile,
            chance=chance_of(seed + 1 + number),
            for_s=at + _AFTER_DROP_S,
            dark=partial(operator.le, at),
        )
        found += score_samples(stream, (Outage(at),), policy)
        on_drop(number + 1)
    # The minute before each drop also counts as time without an outage.
    return total + found
