"""Metrics: what is counted, by whose words, and that nobody is named."""

from __future__ import annotations

import httpx

from helpers.backend_caller import in_process
from helpers.fake_stream_service import GOOD_TOKEN, PLENTY, FakeStreamService, new_offer, new_token
from helpers.stores import opened
from helpers.turn_queue import TurnQueue
from rejoin.backend.budgets import CREATE, Budgets
from rejoin.backend.create_turns import CreateTurns
from rejoin.backend.metrics import Metrics
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import ServiceFault
from rejoin.backend.store.turns import Lost
from rejoin.clock import boot_s


async def test_calls_of_players_and_of_the_service_are_counted() -> None:
    service = FakeStreamService()
    service.fail("get_status", ServiceFault.THROTTLED)
    async with opened() as store:
        app = build_app(service, store, [GOOD_TOKEN], rules=AppRules(quota=PLENTY))
        async with in_process(app) as http:
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
            transport=httpx.ASGITransport(metrics.app()), base_url="http://127.0.0.1:9081"
        ) as http:
            text = (await http.get("/metrics")).text
            rebound = await http.get("/metrics", headers={"Host": "page.example"})
            assert (rebound.status_code, "rejoin_backend" in rebound.text) == (421, False)
    for line in (
        'rejoin_backend_calls_total{operation="start",status="201"} 1.0',
        'rejoin_backend_calls_total{operation="status",status="429"} 1.0',
        'rejoin_backend_calls_total{operation="status",status="200"} 1.0',
        'rejoin_backend_calls_total{operation="none",status="401"} 1.0',
        'rejoin_backend_calls_total{operation="none",status="404"} 1.0',
        'rejoin_backend_service_calls_total{operation="GetStreamSession",outcome="throttled"} 1.0',
        'rejoin_backend_service_calls_total{operation="StartStreamSession",outcome="ok"} 1.0',
        "rejoin_backend_waiting 0.0",
        "rejoin_backend_reconnects_waiting 0.0",
        "rejoin_backend_games_lost_total 0.0",
        "rejoin_backend_news_age_seconds 0.0",
        "rejoin_backend_games_beyond_saving_total 0.0",
        'rejoin_backend_budget_per_second{operation="CreateStreamSessionConnection"} 200.0',
        'rejoin_backend_budget_left{operation="TerminateStreamSession"} 20.0',
    ):
        assert line in text, line
    assert "canary" not in text


async def test_games_that_are_lost_are_counted() -> None:
    async with opened() as store:
        metrics = Metrics()
        queue = TurnQueue(store)
        budgets = Budgets(queue.budgets(), boot_s)
        turns = CreateTurns(queue.process("one"), budgets.of(CREATE), boot_s)
        metrics.watch(budgets, turns)
        assert turns.on_lost is not None
        turns.on_lost(Lost(3, 2))
        turns.on_lost(Lost(1, 1))
        assert metrics.registry.get_sample_value("rejoin_backend_games_lost_total") == 4.0
        saved = metrics.registry.get_sample_value("rejoin_backend_games_beyond_saving_total")
        assert saved == 3.0
