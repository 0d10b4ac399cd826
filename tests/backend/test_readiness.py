"""Ready by what happened last, and not for ever unready by it."""

from __future__ import annotations

import asyncio

import pytest

from helpers.backend_caller import in_process
from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService
from helpers.stores import opened
from rejoin.backend.readiness import BELIEVED_S, Readiness
from rejoin.backend.routes import build_app
from rejoin.backend.store.outcomes import Outcome


def test_three_failures_in_a_row_count_until_a_success_or_for_half_a_minute() -> None:
    now = 0.0
    readiness = Readiness(lambda: now, asyncio.Event())
    for _ in range(2):
        readiness.failed("service")
    assert readiness.reasons() == ()
    readiness.failed("service")
    assert readiness.reasons() == ("service",)
    now = BELIEVED_S
    assert readiness.reasons() == ()
    readiness.failed("service")
    assert readiness.reasons() == ("service",)
    readiness.succeeded("service")
    assert readiness.reasons() == ()


@pytest.mark.parametrize("event", ["draining", "stopping"])
async def test_a_process_that_is_to_end_says_so_first_and_is_still_alive(event: str) -> None:
    async with opened() as store:
        app = build_app(FakeStreamService(), store, [GOOD_TOKEN])
        async with in_process(app) as http:
            ready = await http.get("/v1/ready")
            assert (ready.status_code, ready.json()["ready"]) == (200, True)
            getattr(app.state, event).set()
            ready = await http.get("/v1/ready")
            assert ready.status_code == 503
            assert ready.json() == {"ready": False, "reasons": ["stopping"]}
            assert (await http.get("/v1/health")).status_code == 200


async def test_a_database_that_fails_is_a_reason(expected_logs: object) -> None:
    async with opened() as store:
        app = build_app(FakeStreamService(), store, [GOOD_TOKEN])
        async with in_process(app) as http:
            assert store.database.on_outcome is not None
            for _ in range(3):
                store.database.on_outcome(Outcome.FAILED)
            assert (await http.get("/v1/ready")).json()["reasons"] == ["database"]
            await store.age_s("unknown", within_s=60.0)
            assert (await http.get("/v1/ready")).json()["reasons"] == []


async def test_a_database_that_can_be_read_and_not_written_is_a_reason() -> None:
    now = 0.0
    readiness = Readiness(lambda: now, asyncio.Event())
    for _ in range(3):
        readiness.of_database(Outcome.CANNOT_WRITE)
        readiness.of_database(Outcome.READ)
    assert readiness.reasons() == ("database",)
    readiness.of_database(Outcome.WROTE)
    assert readiness.reasons() == ()
    for outcome in (Outcome.CANNOT_WRITE, Outcome.FAILED) * 3:
        readiness.of_database(outcome)
    assert readiness.reasons() == ("database",)
    now = BELIEVED_S
    assert readiness.reasons() == ()
