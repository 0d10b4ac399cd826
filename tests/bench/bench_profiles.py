"""Every fault profile once, over real sockets, and its outcome."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.measure import Measurement
from rejoin.qa import live, runner

SEED = 1


def run(quick: bool) -> Iterator[Measurement]:
    scenario = runner.load("every-profile")
    cases = scenario.cases[:1] if quick else scenario.cases
    for case in cases:
        result = live.play(case, SEED)
        for sentence in result.wrong:
            print(f"{case.name}: {sentence}", file=sys.stderr)
        yield _row(result)


def _row(result: runner.CaseResult) -> Measurement:
    observed = result.observed
    if observed is None:
        return Measurement(result.case.name, 0.0, "s frozen", f"NOT PLAYED: {result.wrong[0]}")
    verdict = "as expected" if result.passed else f"NOT AS EXPECTED: {'; '.join(result.wrong)}"
    ended = {"live": "still playing", "trying": "still reconnecting when the time was up"}
    how = ended.get(observed.ended, f"ended: {observed.ended} {observed.reason or ''}".strip())
    count = f", new connections: {observed.reconnects}" if observed.reconnects else ""
    injected = f"; injected: {result.injected}" if result.injected else ""
    return Measurement(
        result.case.name,
        max(observed.freezes_s, default=0.0),
        "s frozen",
        f"{verdict}: {how}{count}{injected}",
    )
