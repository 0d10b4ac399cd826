"""Every call of the service is counted, and only its own faults make it count as out of order."""

from __future__ import annotations

import asyncio

import pytest

from helpers.fake_stream_service import FIRST_STREAM, FakeStreamService
from rejoin.backend.metrics import Metrics
from rejoin.backend.observed_service import ENOUGH_S, ObservedService
from rejoin.backend.readiness import Readiness
from rejoin.backend.service import ServiceFault, StreamServiceError


@pytest.mark.parametrize(
    ("fault", "out_of_order"),
    [
        (ServiceFault.UNAVAILABLE, True),
        (ServiceFault.TIMED_OUT, True),
        (ServiceFault.MISCONFIGURED, True),
        (ServiceFault.THROTTLED, False),
        (ServiceFault.CONFLICT, False),
    ],
)
async def test_faults_count_for_readiness_if_they_are_the_services(
    fault: ServiceFault, out_of_order: bool
) -> None:
    service, metrics = FakeStreamService(), Metrics()
    readiness = Readiness(lambda: 0.0, asyncio.Event())
    observed = ObservedService(service, metrics, readiness, lambda: 0.0)
    service.fail("get_status", fault, fault, fault)
    for _ in range(3):
        with pytest.raises(StreamServiceError):
            await observed.get_status(FIRST_STREAM, budget_s=ENOUGH_S)
    assert readiness.reasons() == (("service",) if out_of_order else ())
    await observed.get_status(FIRST_STREAM, budget_s=1.0)
    assert readiness.reasons() == ()
    counted = metrics.registry.get_sample_value(
        "rejoin_backend_service_calls_total",
        {"operation": "GetStreamSession", "outcome": fault.value},
    )
    assert counted == 3.0


async def test_a_player_who_gives_no_time_takes_no_backend_out_of_service() -> None:
    service = FakeStreamService()
    readiness = Readiness(lambda: 0.0, asyncio.Event())
    observed = ObservedService(service, Metrics(), readiness, lambda: 0.0)
    for fault in (ServiceFault.TIMED_OUT, ServiceFault.UNAVAILABLE):
        service.fail("terminate", *[fault] * 5)
        for _ in range(5):
            with pytest.raises(StreamServiceError):
                await observed.terminate(FIRST_STREAM, budget_s=0.5)
        assert readiness.reasons() == ()


async def test_every_call_reaches_the_service() -> None:
    service = FakeStreamService()
    observed = ObservedService(
        service, Metrics(), Readiness(lambda: 0.0, asyncio.Event()), lambda: 0.0
    )
    started = await observed.start(
        token="t", signal_request="r", application=None, user_id="u", budget_s=1.0
    )
    page = await observed.list_page(status="ACTIVATING", page=None, budget_s=1.0)
    assert page.items[0].user_id == "u"
    answer = await observed.create_connection(
        started.stream, token="t2", signal_request="r2", budget_s=1.0
    )
    assert answer
    await observed.terminate(started.stream, budget_s=1.0)
    assert [name for name, _ in service.calls] == ["start", "create", "create answer", "terminate"]
