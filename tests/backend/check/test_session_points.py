"""Points about a session that runs: mistakes of a backend that they find, and advice."""

from __future__ import annotations

import pytest

from helpers.studio_backend import QUICK, Bug, StudioBackend, bugs_of, found_by, probe_of
from rejoin.backend.check.findings import Advice
from rejoin.backend.check.run import POINTS, run
from rejoin.backend.serving import serving

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    "bug",
    bugs_of("view", "answer", "long-poll", "budget", "many-calls", "another-player"),
    ids=lambda bug: bug.name,
)
async def test_each_mistake_is_found(bug: Bug) -> None:
    assert bug.point in await found_by(bug)


async def test_a_backend_that_takes_all_calls_of_one_player_gets_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("helpers.studio_backend.MOST_AT_ONCE", 1000)
    wanted = ("health", "start", "many-calls")
    async with serving(StudioBackend().app(), "127.0.0.1", 0, close_patience_s=0) as port:
        probe = probe_of(f"http://127.0.0.1:{port}", QUICK)
        points = [point for point in POINTS if point.name in wanted]
        report = await run(probe, may_start=True, points=points)
    assert isinstance(report.findings[-1].outcome, Advice)
    assert report.good
