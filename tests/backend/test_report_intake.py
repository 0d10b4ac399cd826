"""Reports over HTTP: who may send one, how large it may be, and that a double has no effect."""

from __future__ import annotations

import json
import time

import pytest

from helpers.backend_caller import Caller, caller, problem_of
from helpers.fake_stream_service import OTHER_TOKEN, FakeStreamService
from helpers.reports import report_body
from helpers.stores import opened
from rejoin.backend.metrics import Metrics
from rejoin.backend.report_intake import CAUSES, LEFT, result_of
from rejoin.backend.store import reports
from rejoin.backend.store.reports import DAY_S, ReportStore, StoredReport
from rejoin.backend.store.sessions import SessionStore
from rejoin.core.model import EndingKind
from rejoin.signaling.wire import MAX_REPORT_BYTES, ProblemCode

SOON_S = 60.0


async def stored(store: SessionStore, now: float) -> list[StoredReport]:
    """The reports of episodes that ended within the last eight days."""
    kept, today = ReportStore(store.database), int(now / DAY_S)
    return [
        report
        for day in range(today - 8, today + 1)
        for report in await kept.of_day(day, within_s=SOON_S)
    ]


async def sent(call: Caller, **changes: object) -> int:
    return (await call.http.post("/v1/reports", json=report_body(**changes))).status_code


async def test_a_report_is_stored_once_and_counted() -> None:
    now = time.time()
    async with opened() as store, caller(FakeStreamService(), store=store) as call:
        twice = report_body(cause="rtcp_bye", verdict="host_closed", failures=["throttled"])
        for _ in range(2):
            assert (await call.http.post("/v1/reports", json=twice)).status_code == 204
        assert await sent(call, outcome="ended", ending="unconfirmed", lost_s=130.0) == 204
        call.http.headers["Authorization"] = f"Bearer {OTHER_TOKEN}"
        assert await sent(call, cause="of_a_newer_client", ended_ago_s=40 * DAY_S) == 204
        found = await stored(store, now)
    assert sorted(report.cause for report in found) == ["of_a_newer_client", "rtcp_bye", "silence"]
    [bye] = [report for report in found if report.cause == "rtcp_bye"]
    assert (bye.verdict, bye.failures, bye.lost_s) == ("host_closed", ("throttled",), 1.5)
    assert now - 61 <= bye.ended_at <= time.time() - 59
    [old] = [report for report in found if report.cause == "of_a_newer_client"]
    assert now - old.ended_at <= 7 * DAY_S + 1, "a client keeps none for longer"


async def test_reports_are_metrics_with_few_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, str, float]] = []
    monkeypatch.setattr(Metrics, "reported", lambda _self, *said: counted.append(said))
    async with caller(FakeStreamService()) as call:
        await sent(call)
        await sent(call, cause="of_a_newer_client", outcome="ended", ending="cancelled")
        await sent(call, outcome="ended", ending="of_a_newer_client")
    assert counted == [
        ("silence", "saved", 1.5),
        ("other", "left", 1.5),
        ("silence", "lost", 1.5),
    ]


async def test_a_report_has_two_kib_at_most_and_nothing_that_the_contract_does_not_name() -> None:
    async with caller(FakeStreamService()) as call:
        large = json.dumps(report_body()).ljust(MAX_REPORT_BYTES)
        headers = {"Content-Type": "application/json"}
        answer = await call.http.post("/v1/reports", content=large, headers=headers)
        assert answer.status_code == 204
        answer = await call.http.post("/v1/reports", content=large + " ", headers=headers)
        problem_of(answer, ProblemCode.INVALID_REQUEST, 413)
        for wrong in (
            {"note": "canary free text"},
            {"cause": "canary free text"},
            {"failures": ["x"] * 17},
            {"lost_s": -1},
            {"outcome": "canary"},
            {"client_version": "canary (me@example.com)"},
            {"record_id": "canary"},
        ):
            answer = await call.http.post("/v1/reports", json=report_body(**wrong))
            problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
        del call.http.headers["Authorization"]
        answer = await call.http.post("/v1/reports", json=report_body())
        problem_of(answer, ProblemCode.UNAUTHENTICATED, 401)


async def test_too_many_reports_of_one_player_are_for_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reports, "MOST_A_DAY", 1)
    async with caller(FakeStreamService()) as call:
        assert await sent(call) == 204
        answer = await call.http.post("/v1/reports", json=report_body())
        problem_of(answer, ProblemCode.THROTTLED, 429)
        assert int(answer.headers["Retry-After"]) >= 60


def test_what_players_do_loses_no_game() -> None:
    assert {EndingKind(ending) for ending in LEFT}
    assert result_of("healed", None) == "saved"
    assert {result_of("ended", kind.value) for kind in EndingKind} == {"left", "lost"}
    assert "silence" in CAUSES
