"""Spans for OpenTelemetry: one for each call of a player, one for each call of the service in it.

Off unless a tracer is passed. `otlp_tracer` needs two packages that no part of Rejoin installs;
OpenTelemetry's own variables name the collector and the sampling rate (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, ...). Trace headers of clients are ignored: they could order spans without end.
A span names no player, no session and nothing that a client sent.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rejoin.errors import MissingPartError

_SERVICE_NAME: Final = "rejoin-backend"
_SDK: Final = "opentelemetry.sdk"
_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

_Attributes = dict[str, str | int]


class SpanPort(Protocol):
    """Takes the result of a call."""

    def ended(self, name: str, attributes: _Attributes, *, failed: bool) -> None: ...


class _NoSpan:
    def ended(self, name: str, attributes: _Attributes, *, failed: bool) -> None:
        return


@dataclass(frozen=True, slots=True)
class _Span:
    """`span`: OpenTelemetry's."""

    span: Any

    def ended(self, name: str, attributes: _Attributes, *, failed: bool) -> None:
        from opentelemetry.trace import StatusCode

        self.span.update_name(name)
        self.span.set_attributes(attributes)
        if failed:
            self.span.set_status(StatusCode.ERROR)


class Tracing:
    """Makes spans by OpenTelemetry's `tracer`; None: makes none."""

    def __init__(self, tracer: Any = None) -> None:
        self._tracer = tracer

    def call(self) -> AbstractContextManager[SpanPort]:
        """A call of a player."""
        return self._span("SERVER")

    def service_call(self) -> AbstractContextManager[SpanPort]:
        """A call of the streaming service; within the player's call that made it."""
        return self._span("CLIENT")

    @contextlib.contextmanager
    def _span(self, kind: str) -> Iterator[SpanPort]:
        if self._tracer is None:
            yield _NoSpan()
            return
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            "call",
            kind=SpanKind[kind],
            record_exception=False,  # its text might quote the request
            set_status_on_exception=False,
        ) as span:
            yield _Span(span)


def otlp_tracer() -> tuple[Any, Callable[[], None]]:
    """A tracer that sends spans to a collector, and how to send the last ones and end.

    Raises MissingPartError where OpenTelemetry's SDK or its exporter is not installed.
    """
    try:
        sdk = importlib.import_module(f"{_SDK}.trace")
        export = importlib.import_module(f"{_SDK}.trace.export")
        resources = importlib.import_module(f"{_SDK}.resources")
        exporter = importlib.import_module(_EXPORTER).OTLPSpanExporter()
    except ModuleNotFoundError:
        raise MissingPartError(
            "Tracing needs two more packages: pip install opentelemetry-sdk"
            " opentelemetry-exporter-otlp-proto-http"
        ) from None
    provider = sdk.TracerProvider(
        resource=resources.Resource.create({"service.name": _SERVICE_NAME})
    )
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    return provider.get_tracer("rejoin.backend"), provider.shutdown
