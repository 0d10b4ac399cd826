"""Where a summary comes from: the database, or the running backend's port of metrics."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from helpers.backend_caller import in_process
from helpers.misbehaving_server import JSON, answering, closes_at_once, server_that
from helpers.reports import stored_report
from helpers.stores import opened
from rejoin.backend.metrics import Metrics
from rejoin.backend.report_reading import ask_running_backend, read_summary, reports_route
from rejoin.backend.serving import serving
from rejoin.backend.store.reports import DAY_S, ReportStore
from rejoin.errors import ServiceError

DAY = 20_786
NOW = DAY * DAY_S + 7200.0


@contextlib.asynccontextmanager
async def kept() -> AsyncIterator[ReportStore]:
    """A store with a report of today, and one of nine days ago."""
    async with opened() as store:
        reports = ReportStore(store.database, wall=lambda: NOW)
        for number, day in enumerate((DAY, DAY - 9)):
            await reports.add("1" * 32, f"{number:032x}", stored_report(day), within_s=60.0)
        yield reports


async def test_days_are_counted_back_from_today() -> None:
    async with kept() as reports:
        week = await read_summary(reports, 7, unix_s=NOW)
        assert (week.first_day, week.last_day, week.all.drops) == (DAY - 6, DAY, 1)
        assert (await read_summary(reports, 10, unix_s=NOW)).all.drops == 2


async def test_a_running_backend_says_the_same() -> None:
    async with kept() as reports:
        app = Metrics().app(reports_route(reports, wall=lambda: NOW))
        async with serving(app, "127.0.0.1", 0) as port:
            for days in (7, 30):
                said = await asyncio.to_thread(ask_running_backend, port, days)
                assert said == await read_summary(reports, days, unix_s=NOW)
            for days in (0, 31):
                with pytest.raises(ServiceError, match="answers an error"):
                    await asyncio.to_thread(ask_running_backend, port, days)


@pytest.mark.parametrize(
    "days", ["0", "31", "", "-1", "7.0", "\u0667", "0007999999", "0001" + "9" * 5000]
)
async def test_other_days_are_refused_before_anything_is_read(days: str) -> None:
    async with opened() as store:
        nothing_to_read = Metrics().app(reports_route(ReportStore(store.database)))
        await store.close()
        async with in_process(nothing_to_read, headers={"Host": "127.0.0.1"}) as http:
            answer = await http.get("/reports", params={"days": days})
    assert (answer.status_code, answer.text) == (400, "days must be 1 to 30")


async def test_without_its_database_a_running_backend_says_so() -> None:
    async with opened() as store:
        app = Metrics().app(reports_route(ReportStore(store.database)))
        await store.close()
        async with serving(app, "127.0.0.1", 0) as port:
            with pytest.raises(ServiceError, match="database cannot be used"):
                await asyncio.to_thread(ask_running_backend, port, 7)


async def test_where_nothing_or_something_else_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert ask_running_backend(bound.getsockname()[1], 7) is None
    for behaviour in (answering(f"200 x\r\n{JSON}", b'{"all": 1}'), closes_at_once):
        async with server_that(behaviour) as port:
            with pytest.raises(ServiceError, match="no backend with reports"):
                await asyncio.to_thread(ask_running_backend, port, 7)
