"""Metrics for an operator's Prometheus: calls of players, calls to the service, and waiting calls.

Nothing here names a player, a session or a token.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin.backend.allowed_hosts import HostCheck
from rejoin.backend.budgets import OPERATIONS, Budgets, OperationBudget
from rejoin.backend.create_turns import CreateTurns
from rejoin.backend.store.turns import Lost

_OWN_NAMES: Final = ("127.0.0.1", "localhost")
_LOST_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "rejoin_backend_calls_total",
            "Calls of players, by operation and HTTP status.",
            ("operation", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rejoin_backend_call_seconds",
            "How long calls of players took; a long poll waits on purpose.",
            ("operation",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "rejoin_backend_waiting",
            "Calls that have no answer yet.",
            registry=self.registry,
        )
        self._service_calls = Counter(
            "rejoin_backend_service_calls_total",
            "Calls of the streaming service, by operation and outcome.",
            ("operation", "outcome"),
            registry=self.registry,
        )
        self._service_seconds = Histogram(
            "rejoin_backend_service_call_seconds",
            "How long calls of the streaming service took.",
            ("operation",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._reports = Counter(
            "rejoin_backend_reconnects_reported_total",
            "Reconnects that clients reported, by cause and result (saved, lost, left).",
            ("cause", "result"),
            registry=self.registry,
        )
        self._lost_seconds = Histogram(
            "rejoin_backend_reconnect_lost_seconds",
            "How long players were without a picture, by result.",
            ("result",),
            buckets=_LOST_SECONDS,
            registry=self.registry,
        )

        self._budget_left = Gauge(
            "rejoin_backend_budget_left",
            "Calls of the streaming service that may go out now; below 0: promised in advance.",
            ("operation",),
            registry=self.registry,
        )
        self._calls_per_s = Gauge(
            "rejoin_backend_budget_per_second",
            "Calls a second that may go out; less than the quota after a throttled call.",
            ("operation",),
            registry=self.registry,
        )
        self._news_age = Gauge(
            "rejoin_backend_news_age_seconds",
            "How old the statuses in the service's lists may be; 0 while few wait for news.",
            registry=self.registry,
        )
        self._turns = Gauge(
            "rejoin_backend_reconnects_waiting",
            "Games of this process that wait for their turn to be let in again.",
            registry=self.registry,
        )
        self._lost = Counter(
            "rejoin_backend_games_lost_total",
            "Games whose latest deadline passed while they waited for their turn.",
            registry=self.registry,
        )
        self._beyond_saving = Counter(
            "rejoin_backend_games_beyond_saving_total",
            "As many of them as no order of the same calls could have saved.",
            registry=self.registry,
        )

    def watch(
        self, budgets: Budgets, turns: CreateTurns, news_age_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Read these at each scrape. `news_age_s`: see `list_watch`."""
        self._news_age.set_function(news_age_s)
        for operation in OPERATIONS:
            budget = budgets.of(operation)
            self._budget_left.labels(operation).set_function(budget.left)
            self._calls_per_s.labels(operation).set_function(partial(_rate_of, budget))
        self._turns.set_function(lambda: float(turns.waiting))
        turns.on_lost = self._lost_games

    def _lost_games(self, lost: Lost) -> None:
        self._lost.inc(lost.games)
        self._beyond_saving.inc(lost.beyond_saving)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A call, while it has no answer."""
        with self._waiting.track_inprogress():
            yield

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """`operation`: as the contract names it, or "none" for a call that it does not have."""
        self._calls.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)

    def service_answered(self, operation: str, outcome: str, seconds: float) -> None:
        """`outcome`: "ok", or the fault."""
        self._service_calls.labels(operation, outcome).inc()
        self._service_seconds.labels(operation).observe(seconds)

    def reported(self, cause: str, result: str, lost_s: float) -> None:
        """A client's report of one reconnect, when it arrived."""
        self._reports.labels(cause, result).inc()
        self._lost_seconds.labels(result).observe(lost_s)

    def app(self, *routes: Route) -> Starlette:
        """Serves `GET /metrics` and `routes`, for a port of 127.0.0.1 that only the operator
        reaches. It checks the Host header, against DNS rebinding."""

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        app = Starlette(routes=[Route("/metrics", metrics), *routes])
        app.add_middleware(HostCheck, hosts=_OWN_NAMES)
        return app


def _rate_of(budget: OperationBudget) -> float:
    return budget.per_s
