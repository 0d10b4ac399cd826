"""The two clients of the control API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from helpers.control_api import controlled
from rejoin.backend.serving import serving
from rejoin.emulator.service.control import BlockingEmulatorControl, EmulatorControl
from rejoin.emulator.service.faults import (
    Fault,
    FaultKind,
)
from rejoin.errors import ServiceError


async def test_the_blocking_client_does_the_same() -> None:
    async with controlled() as (on, control):
        await on.start()
        control_2 = BlockingEmulatorControl(on.url, on.token)
        state = await asyncio.to_thread(control_2.state)
        assert state["sessions"][0]["status"] == "ACTIVE"
        assert await asyncio.to_thread(control_2.inject, Fault(FaultKind.FREEZE)) == 1234.5
        changed = await asyncio.to_thread(lambda: control_2.change_settings(create_latency_s=1.0))
        assert changed["create_latency_s"] == 1.0
        await asyncio.to_thread(control_2.backend_down, 3.0)
        assert on.downs == [3.0]
        assert (await control.state())["settings"]["create_latency_s"] == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks4://no proxy"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("NO_PROXY", "[::1"),
        ("SSL_CERT_FILE", "/nowhere"),
        ("SSL_CERT_DIR", "/nowhere"),
        ("SSLKEYLOGFILE", "/nowhere/keys"),
    ],
)
async def test_neither_client_cares_about_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    async with controlled() as (on, _):
        monkeypatch.setenv(name, value)
        async with EmulatorControl(on.url, on.token) as control:
            assert (await control.state())["sessions"] == []
        blocking = BlockingEmulatorControl(on.url, on.token)
        assert (await asyncio.to_thread(blocking.state))["sessions"] == []


async def test_without_the_token_everything_is_refused() -> None:
    async with controlled() as (on, _):
        async with EmulatorControl(on.url, "guess") as other:
            with pytest.raises(ServiceError, match="token is missing or wrong"):
                await other.state()
            with pytest.raises(ServiceError):
                await other.change_settings(create_latency_s=9.0)
        assert on.service.settings.create_latency_s == 0


async def test_another_server_is_recognised_as_no_control_api() -> None:
    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/state", page)])
    async with serving(app, "127.0.0.1", 0) as port:
        control = EmulatorControl(f"http://127.0.0.1:{port}", "x")
        with pytest.raises(ServiceError, match="not from the emulator's control API"):
            await control.state()
    async with control:
        with pytest.raises(ServiceError, match="cannot be reached"):
            await control.state()
