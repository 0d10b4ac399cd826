"""Reads the summary of reports: from the database, or from a running backend.

A backend with an SQLite file holds the file's lock, so its own process serves the summary, on the
port of its metrics, which only this machine reaches.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from collections.abc import Callable
from typing import Final

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin.backend.report_summary import Summary, summary_of
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.reports import DAY_S, ReportStore
from rejoin.errors import ServiceError

MOST_DAYS: Final = 30
PATH: Final = "/reports"
_WITHIN_S: Final = 5.0
_ANSWER_S: Final = 60.0
_MAX_BYTES: Final = 4_000_000
_FORM: Final = TypeAdapter(Summary)


async def read_summary(store: ReportStore, days: int, *, unix_s: float) -> Summary:
    """The last `days` days, today included. Raises StoreUnavailableError."""
    today = int(unix_s / DAY_S)
    first = today - days + 1
    reports = [
        report
        for day in range(first, today + 1)
        for report in await store.of_day(day, within_s=_WITHIN_S)
    ]
    games = await store.games(first, within_s=_WITHIN_S)
    return await asyncio.to_thread(summary_of, first, today, reports, games)


def reports_route(store: ReportStore, *, wall: Callable[[], float] = time.time) -> Route:
    """`GET /reports?days=7` as JSON, for the port of metrics."""

    async def reports(request: Request) -> Response:
        asked = request.query_params.get("days", "7")
        days = int(asked) if re.fullmatch("[0-9]{1,2}", asked) else 0
        if not 1 <= days <= MOST_DAYS:
            return Response(f"days must be 1 to {MOST_DAYS}", status_code=400)
        try:
            summary = await read_summary(store, days, unix_s=wall())
        except StoreUnavailableError as error:
            return Response(str(error), status_code=503)
        return Response(_FORM.dump_json(summary), media_type="application/json")

    return Route(PATH, reports)


def ask_running_backend(port: int, days: int) -> Summary | None:
    """The summary of the backend whose metrics are at this port; None if nothing listens there.

    Raises ServiceError for any other failure.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    try:
        connection.request("GET", f"{PATH}?days={days}")
        answer = connection.getresponse()
        content = answer.read(_MAX_BYTES)
        if answer.status == 503:
            raise ServiceError("The backend's database cannot be used at the moment.")
        if answer.status != 200:
            raise ServiceError(f"The backend at port {port} gives no report: it answers an error.")
        return _FORM.validate_json(content)
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException, ValidationError) as error:
        raise ServiceError(f"What listens at port {port} is no backend with reports.") from error
    finally:
        connection.close()
