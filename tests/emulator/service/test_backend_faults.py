"""What stands in front of a backend, met over real sockets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from rejoin.backend.serving import serving
from rejoin.emulator.service.backend_faults import BIG_JSON_BYTES, BackendFaults
from rejoin.emulator.service.faults import BackendFault, BackendFaultKind
from rejoin.errors import BadInputError
from rejoin.signaling.wire import ProblemBody


async def backend(_: Any) -> JSONResponse:
    return JSONResponse({"fine": True})


async def test_a_portal_and_huge_json_are_served_in_front_of_the_backend() -> None:
    faults = BackendFaults()
    app = faults.in_front_of(Starlette(routes=[Route("/", backend)]))
    async with (
        serving(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        assert (await http.get("/")).json() == {"fine": True}
        faults.arm(BackendFault(BackendFaultKind.PORTAL, times=2))
        faults.arm(BackendFault(BackendFaultKind.BIG_JSON))
        for _ in range(2):
            page = await http.post("/v1/anything")
            assert page.status_code == 200
            assert page.headers["content-type"].startswith("text/html")
            assert "<h1>" in page.text
        read = 0
        async with http.stream("GET", "/") as big:
            assert big.headers["content-type"] == "application/json"
            async for part in big.aiter_bytes():
                read += len(part)
        assert read > BIG_JSON_BYTES
        assert (await http.get("/")).json() == {"fine": True}


def test_faults_are_counted_and_cleared() -> None:
    faults = BackendFaults()
    faults.arm(BackendFault(BackendFaultKind.PORTAL, times=None))
    for _ in range(3):
        assert faults.take() == BackendFault(BackendFaultKind.PORTAL, times=None)
    assert faults.describe() == [{"kind": "portal", "times": None}]
    faults.arm(BackendFault(BackendFaultKind.NONE))
    assert faults.take() is None
    with pytest.raises(BadInputError):
        BackendFault(BackendFaultKind.PORTAL, times=0)


def test_requests_and_handshakes_each_take_their_own_faults() -> None:
    faults = BackendFaults(https=True)
    faults.arm(BackendFault(BackendFaultKind.BAD_CERTIFICATE, times=2))
    faults.arm(BackendFault(BackendFaultKind.PORTAL))
    assert faults.take() == BackendFault(BackendFaultKind.PORTAL)
    assert faults.take() is None
    assert [faults.take_handshake() for _ in range(3)] == [True, True, False]


def test_a_backend_on_http_has_no_certificate_fault() -> None:
    faults = BackendFaults()
    with pytest.raises(BadInputError, match="on http"):
        faults.arm(BackendFault(BackendFaultKind.BAD_CERTIFICATE))
    assert faults.describe() == []


async def test_a_queue_refuses_reconnects_with_a_place_that_comes_nearer() -> None:
    faults = BackendFaults()
    path = "/v1/sessions/s-1/connections"
    routes = [
        Route("/", backend, methods=["GET", "POST"]),
        Route("/v1/sessions/{session}/connections", backend, methods=["GET", "POST"]),
    ]
    app = faults.in_front_of(Starlette(routes=routes))
    async with (
        serving(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        faults.arm(BackendFault(BackendFaultKind.QUEUE, times=2))
        for place in (2, 1):
            refused = await http.post(path)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert refused.headers["content-type"] == "application/problem+json"
            body = ProblemBody.model_validate_json(refused.content)
            assert (body.code, body.place, body.turn_in_s) == ("THROTTLED", place, float(place))
            for other in (http.post("/"), http.get(path)):
                assert (await other).json() == {"fine": True}, "only reconnects wait"
        assert faults.describe() == [{"kind": "queue", "times": 2}]
        assert (await http.post(path)).json() == {"fine": True}
        assert faults.describe() == []
        assert (await http.post(path)).json() == {"fine": True}


def test_who_asks_too_late_is_at_the_end_of_the_queue_again() -> None:
    now = 100.0
    faults = BackendFaults(clock=lambda: now)
    faults.arm(BackendFault(BackendFaultKind.QUEUE, times=3))
    places = []
    for wait_s in (0.0, 2.9, 3.1, 2.9, 2.9, 2.9):
        now += wait_s
        places.append(faults.take_place())
    assert places == [3, 2, 3, 2, 1, None]


def test_a_queue_that_does_not_move_lasts_until_it_is_cleared() -> None:
    faults = BackendFaults(clock=lambda: 100.0)
    faults.arm(BackendFault(BackendFaultKind.QUEUE, times=None))
    assert [faults.take_place() for _ in range(3)] == [1000, 1000, 1000]
    faults.arm(BackendFault(BackendFaultKind.NONE))
    assert faults.take_place() is None


def test_a_queue_is_no_fault_of_other_requests() -> None:
    faults = BackendFaults()
    faults.arm(BackendFault(BackendFaultKind.QUEUE))
    faults.arm(BackendFault(BackendFaultKind.PORTAL))
    assert faults.take() == BackendFault(BackendFaultKind.PORTAL)
    assert faults.take() is None
    assert faults.take_place() == 1
