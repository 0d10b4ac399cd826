"""A server inside the loop: its port, its end, and its errors, one sentence each."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rejoin.backend.connection_rules import ConnectionRules
from rejoin.backend.serving import serving
from rejoin.errors import PortInUseError, ServiceError
from rejoin.tasks import alive


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


async def test_it_serves_on_the_yielded_port_until_the_context_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    async with (
        serving(APP, "127.0.0.1", 0) as port,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        assert signal.getsignal(signal.SIGINT) is before
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "hello"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{port}/")
    assert alive() == frozenset()
    # And the port can be taken again at once.
    async with serving(APP, "127.0.0.1", port) as again:
        assert again == port


@pytest.mark.parametrize("value", ["", "canary", "0", "64"])
async def test_what_other_servers_read_of_the_environment_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"):
        monkeypatch.setenv(name, value or "*")
    async with (
        serving(APP, "127.0.0.1", 0) as port,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "hello"


async def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError) as caught:
            async with serving(APP, "127.0.0.1", port):
                pass
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 is already in use; choose another or 0 for any free one."
    )
    assert caught.value.exit_code == 8


@pytest.mark.parametrize(
    "host", ["203.0.113.1", "not an address", "a..b", "x" * 64 + ".example", "\udcff"]
)
async def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(ServiceError) as caught:
        async with serving(APP, host, 0):
            pass
    assert not isinstance(caught.value, PortInUseError)


async def test_an_application_that_does_not_start() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(ServiceError, match="could not start"):
        async with serving(broken, "127.0.0.1", 0):
            pass
    assert alive() == frozenset()


async def test_connections_are_accepted_one_in_a_turn_and_the_others_wait_in_the_kernel() -> None:
    turn, begun = 0, []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            begun.append(turn)
        await APP(scope, receive, send)

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(next_turn)

    loop = asyncio.get_running_loop()
    async with serving(app, "127.0.0.1", 0, rules=ConnectionRules(backlog=60)) as port:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        clients = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(50)]
        for client in clients:
            client.send(request)
        next_turn()
        async with asyncio.timeout(60):
            while len(begun) < len(clients):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        for client in clients:
            client.close()
    most = max(begun.count(each) for each in begun)
    assert most <= 2, "asyncio of Python 3.13 takes one more than it was told"


async def test_an_open_request_does_not_delay_the_end() -> None:
    begun = asyncio.Event()

    async def forever(request: Request) -> PlainTextResponse:
        begun.set()
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    app = Starlette(routes=[Route("/", forever)])
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        async with serving(app, "127.0.0.1", 0, close_patience_s=1) as port:
            waiting = asyncio.ensure_future(http.get(f"http://127.0.0.1:{port}/", timeout=20))
            await begun.wait()
        [ended] = await asyncio.gather(waiting, return_exceptions=True)
        # Cut off or answered with an error, but not left hanging.
        if isinstance(ended, httpx.Response):
            assert ended.status_code >= 500
        else:
            assert isinstance(ended, httpx.HTTPError)
    assert alive() == frozenset()
