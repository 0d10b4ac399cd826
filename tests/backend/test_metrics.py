"""Metrics: what is counted, by whose words, and that nobody is named."""

from __future__ import annotations

import httpx

from helpers.fake_stream_service import GOOD_TOKEN, PLENTY, FakeStreamService, new_offer, new_token
from helpers.stores import opened
from rejoin.backend.metrics import Metrics
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import ServiceFault


async def test_calls_of_players_and_of_the_service_are_counted() -> None:
    service = FakeStreamService()
    service.fail("get_status", ServiceFault.THROTTLED)
    async with opened() as store:
        app = build_app(service, store, [GOOD_TOKEN], rules=AppRules(quota=PLENTY))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            headers = {"Authorization": f"Bearer {GOOD_TOKEN}"}
            started = await http.post(
                "/v1/sessions",
                headers={**headers, "Idempotency-Key": new_token()},
                json={"signal_request": new_offer(), "attempt": 1},
            )
            path = f"/v1/sessions/{started.json()['session_id']}"
            assert (await http.get(path, headers=headers)).status_code == 429
            assert (await http.get(path, headers=headers)).status_code == 200
            assert (await http.get(path)).status_code == 401
            assert (await http.get("/nothing", headers=headers)).status_code == 404
        metrics: Metrics = app.state.metrics
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(metrics.app()), base_url="http://x"
        ) as http:
            text = (await http.get("/metrics")).text
    for line in (
        'rejoin_backend_calls_total{operation="start",status="201"} 1.0',
        'rejoin_backend_calls_total{operation="status",status="429"} 1.0',
        'rejoin_backend_calls_total{operation="status",status="200"} 1.0',
        'rejoin_backend_calls_total{operation="none",status="401"} 1.0',
        'rejoin_backend_calls_total{operation="none",status="404"} 1.0',
        'rejoin_backend_service_calls_total{operation="GetStreamSession",outcome="throttled"} 1.0',
        'rejoin_backend_service_calls_total{operation="StartStreamSession",outcome="ok"} 1.0',
        "rejoin_backend_waiting 0.0",
    ):
        assert line in text, line
    assert "canary" not in text
