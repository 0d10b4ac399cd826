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


async def backend(_: Any) -> JSONResponse:
    return JSONResponse({"fine": True})


async def test_a_portal_and_huge_json_are_served_in_front_of_the_backend() -> None:
    faults = BackendFaults()
    app = faults.in_front_of(Starlette(routes=[Route("/", backend)]))
    async with (
        serving(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http,
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
