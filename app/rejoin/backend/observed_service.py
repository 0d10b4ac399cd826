"""A streaming service whose calls are counted and timed, for metrics, readiness and traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from rejoin.backend.metrics import Metrics
from rejoin.backend.readiness import Readiness
from rejoin.backend.service import ServiceFault, StreamService, StreamServiceError
from rejoin.backend.tracing import Tracing
from rejoin.backend.wrapped_service import WrappedService
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
"""Faults of the service itself; with the others the service works and refuses."""
_IN_HASTE: Final = frozenset({ServiceFault.UNAVAILABLE, ServiceFault.TIMED_OUT})
ENOUGH_S: Final = 3.0
"""With less time than this the faults above do not count: a player who again and again gives little
time would make every process count as not ready."""


class ObservedService(WrappedService):
    """Counts, times and traces each call."""

    def __init__(
        self,
        service: StreamService,
        metrics: Metrics,
        readiness: Readiness,
        clock: Clock,
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__(service)
        self._tracing = tracing or Tracing()
        self._metrics = metrics
        self._readiness = readiness
        self._clock = clock

    async def _call(
        self, operation: str, call: Callable[[float], Awaitable[_Result]], budget_s: float
    ) -> _Result:
        began_at = self._clock()
        outcome = "cancelled"
        with self._tracing.service_call() as span:
            try:
                result = await call(budget_s)
            except StreamServiceError as error:
                outcome = error.fault.value
                if error.fault not in _OUT_OF_ORDER:
                    self._readiness.succeeded("service")
                elif budget_s >= ENOUGH_S or error.fault not in _IN_HASTE:
                    self._readiness.failed("service")
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
