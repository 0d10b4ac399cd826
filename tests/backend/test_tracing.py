"""Spans: one for a player's call, one for the service's call in it, and none without a tracer."""

from __future__ import annotations

import sys

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService, new_offer, new_token
from helpers.stores import opened
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import ServiceFault
from rejoin.backend.tracing import Tracing, otlp_tracer
from rejoin.errors import MissingPartError


async def test_a_call_and_what_it_called_are_spans_without_secrets(expected_logs: object) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    service = FakeStreamService()
    service.fail("start", ServiceFault.FAILED)
    offer = new_offer()
    async with opened() as store:
        rules = AppRules(tracing=Tracing(provider.get_tracer("test")))
        app = build_app(service, store, [GOOD_TOKEN], rules=rules)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://x",
            headers={"Authorization": f"Bearer {GOOD_TOKEN}"},
        ) as http:
            for _ in range(2):
                answer = await http.post(
                    "/v1/sessions",
                    headers={
                        "Idempotency-Key": new_token(),
                        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
                    },
                    json={"signal_request": offer, "attempt": 1},
                )
    spans = exporter.get_finished_spans()
    assert [(span.name, span.kind, span.status.status_code) for span in spans] == [
        ("StartStreamSession", SpanKind.CLIENT, StatusCode.ERROR),
        ("start", SpanKind.SERVER, StatusCode.ERROR),
        ("StartStreamSession", SpanKind.CLIENT, StatusCode.UNSET),
        ("start", SpanKind.SERVER, StatusCode.UNSET),
    ]
    failed, failed_call, called, call = spans
    assert failed.attributes is not None
    assert failed.attributes["rejoin.outcome"] == "failed"
    assert failed_call.attributes is not None
    assert failed_call.attributes["rejoin.code"] == "SERVICE_UNAVAILABLE"
    assert call.attributes is not None
    assert call.attributes["http.response.status_code"] == 201
    assert call.attributes["rejoin.request_id"] == answer.headers["X-Request-Id"]
    assert called.parent is not None
    assert called.parent.span_id == call.context.span_id
    assert call.parent is None, "a client's traceparent is not read"
    assert offer not in "".join(span.to_json() for span in spans)


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(MissingPartError, match=r"pip install opentelemetry-sdk"):
        otlp_tracer()


def test_without_a_tracer_nothing_is_done() -> None:
    with Tracing().call() as span:
        span.ended("start", {}, failed=False)
