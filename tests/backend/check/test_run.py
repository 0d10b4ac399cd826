"""The whole check: a right backend of a studio's own, ours, and what is left undone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conftest import LogRecords
from helpers.fake_stream_service import GOOD_TOKEN, OTHER_TOKEN, FakeStreamService
from helpers.stores import opened
from helpers.studio_backend import QUICK, Bug, probe_of, studio_backend
from rejoin.backend.call_rate import Quota
from rejoin.backend.check.calls import Calls, UnreachableError
from rejoin.backend.check.findings import Broken, Kept, NotChecked, Report
from rejoin.backend.check.probe import Probe
from rejoin.backend.check.run import POINTS, run
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import (
    ServiceFault,
    StartedStream,
    StreamId,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.serving import serving

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

NOT_HERE = {"tls"}
"""On this machine nothing has to be encrypted."""


def test_the_document_says_how_many_points_there_are() -> None:
    document = Path(__file__).parents[3] / "docs" / "backend.md"
    assert f"It checks {len(POINTS)} points" in document.read_text(encoding="utf-8")


def not_kept(report: Report) -> dict[str, object]:
    return {
        finding.name: finding.outcome
        for finding in report.findings
        if not isinstance(finding.outcome, Kept) and finding.name not in NOT_HERE
    }


class PlacedService(FakeStreamService):
    """Its session is placed as soon as somebody asks. It has one application, without a name."""

    async def start(self, *, application: str | None, **more: Any) -> StartedStream:
        if application is not None:
            raise StreamServiceError(ServiceFault.NOT_FOUND, "There is no such application.")
        return await super().start(application=None, **more)

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        if self.held_response is None:
            self.place()
        return await super().get_status(stream, budget_s=budget_s)


def test_every_point_finds_a_mistake_that_a_test_makes() -> None:
    found = {bug.point for bug in Bug}
    assert found | NOT_HERE == {point.name for point in POINTS}
    assert len({point.name for point in POINTS}) == len(POINTS)


async def test_a_right_backend_keeps_every_point() -> None:
    async with studio_backend() as (url, backend):
        begun: list[str | None] = []
        report = await run(
            probe_of(url),
            may_start=True,
            on_point=lambda number, point: begun.append(None if point is None else point.name),
        )
    assert not_kept(report) == {}
    assert report.good
    assert begun == [point.name for point in POINTS], "nothing was left to be ended"
    assert len(backend.sessions) == 1
    assert all(session.status == "TERMINATED" for session in backend.sessions.values())


async def test_our_own_backend_keeps_every_point(expected_logs: LogRecords) -> None:
    service = PlacedService()
    async with opened() as store:
        rules = AppRules(hosts=("127.0.0.1",), quota=Quota(200.0, 200))
        app = build_app(service, store, (GOOD_TOKEN, OTHER_TOKEN), rules=rules)
        async with serving(app, "127.0.0.1", 0, close_patience_s=1) as port:
            calls = Calls(f"http://127.0.0.1:{port}")
            probe = Probe(calls, GOOD_TOKEN, OTHER_TOKEN, patience=QUICK)
            report = await run(probe, may_start=True)
    found = not_kept(report)
    # A budget may end in the middle of a poll, which is an honest 503 or 504.
    assert all(isinstance(each, NotChecked) for each in found.values()), found
    assert set(found) <= {"budget"}, found
    assert all("sign-ins of one address were refused" in line for line in expected_logs.lines)
    assert service.count("start") == 1
    assert len(set(service.ended)) == 1


async def test_without_consent_or_token_nothing_is_started() -> None:
    async with studio_backend() as (url, backend):
        report = await run(probe_of(url), may_start=False)
        assert backend.sessions == {}
        assert isinstance(report.findings[-3].outcome, NotChecked)
        without = await run(Probe(Calls(url), patience=QUICK), may_start=True)
    assert report.good
    assert without.good
    assert backend.sessions == {}
    reasons = {
        finding.outcome.reason
        for finding in without.findings
        if isinstance(finding.outcome, NotChecked)
    }
    assert "it needs a player's token" in reasons


async def test_what_an_interrupted_check_has_started_is_ended() -> None:
    async with studio_backend() as (url, backend):
        started = asyncio.Event()
        running = asyncio.ensure_future(
            run(
                probe_of(url),
                may_start=True,
                on_finding=lambda finding: started.set() if finding.name == "start" else None,
            )
        )
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [session.status for session in backend.sessions.values()] == ["TERMINATED"]


async def test_a_session_that_cannot_be_ended_makes_the_report_bad(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with studio_backend() as (url, _):
        probe = probe_of(url)
        points = [point for point in POINTS if point.name in ("health", "start")]
        whole = probe.call

        async def without_end(method: str, path: str, **more: object) -> object:
            return await whole(method, "/v1/nothing" if method == "DELETE" else path, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Probe, "call", lambda _, *args, **more: without_end(*args, **more))
        report = await run(probe, may_start=True, points=points)
    # Its answer is a 404, as after an end by somebody else; the code tells them apart.
    assert report.left_running == 1
    assert not report.good


async def test_an_address_without_a_backend_is_one_sentence() -> None:
    with pytest.raises(UnreachableError, match="cannot be reached"):
        await run(Probe(Calls("http://127.0.0.1:9")), may_start=False)


async def test_every_other_mistake_is_told_from_a_broken_one() -> None:
    async with studio_backend(Bug.NOT_READY) as (url, _):
        report = await run(probe_of(url), may_start=False)
    broken = [each.name for each in report.findings if isinstance(each.outcome, Broken)]
    assert broken == ["ready"]
    assert not report.good
