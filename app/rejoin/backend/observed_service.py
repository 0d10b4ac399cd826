"""A streaming service whose calls are counted and timed, for metrics, readiness and traces."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

from rejoin.backend.metrics import Metrics
from rejoin.backend.readiness import Readiness
from rejoin.backend.service import (
    ListedPage,
    ServiceFault,
    StartedStream,
    StreamId,
    StreamService,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.tracing import Tracing
from rejoin.clock import Clock

_Result = TypeVar("_Result")

_OUT_OF_ORDER: Final = frozenset(
    {
        ServiceFault.UNAVAILABLE,
        ServiceFault.MISCONFIGURED,
        ServiceFault.FAILED,
        ServiceFault.TIMED_OUT,
    }
)
"""Faults of the service itself; with the others it works, and says no."""


class ObservedService:
    """`StreamService`, by another one."""

    def __init__(
        self,
        service: StreamService,
        metrics: Metrics,
        readiness: Readiness,
        clock: Clock,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or Tracing()
        self._service = service
        self._metrics = metrics
        self._readiness = readiness
        self._clock = clock

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        return await self._observed(
            "StartStreamSession",
            self._service.start(
                token=token,
                signal_request=signal_request,
                application=application,
                user_id=user_id,
                budget_s=budget_s,
            ),
        )

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        return await self._observed(
            "ListStreamSessions",
            self._service.list_page(status=status, page=page, budget_s=budget_s),
        )

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        return await self._observed(
            "GetStreamSession", self._service.get_status(stream, budget_s=budget_s)
        )

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        return await self._observed(
            "CreateStreamSessionConnection",
            self._service.create_connection(
                stream, token=token, signal_request=signal_request, budget_s=budget_s
            ),
        )

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        await self._observed(
            "TerminateStreamSession", self._service.terminate(stream, budget_s=budget_s)
        )

    async def _observed(self, operation: str, call: Awaitable[_Result]) -> _Result:
        began_at = self._clock()
        outcome = "cancelled"
        with self._tracing.service_call() as span:
            try:
                result = await call
            except StreamServiceError as error:
                outcome = error.fault.value
                if error.fault in _OUT_OF_ORDER:
                    self._readiness.failed("service")
                else:
                    self._readiness.succeeded("service")
                raise
            else:
                outcome = "ok"
                self._readiness.succeeded("service")
                return result
            finally:
                self._metrics.service_answered(operation, outcome, self._clock() - began_at)
                span.ended(
                    operation,
                    {
                        "rpc.system": "aws-api",
                        "rpc.method": operation,
                        "rejoin.outcome": outcome,
                    },
                    failed=outcome != "ok",
                )
