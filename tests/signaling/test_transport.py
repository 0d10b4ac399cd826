"""The transport to a backend: directly, to judged addresses only, or through a proxy."""

from __future__ import annotations

from typing import Any

import httpcore
import httpx
import pytest

from rejoin.signaling.connections import Connections
from rejoin.signaling.http_environment import EnvironmentProxy
from rejoin.signaling.socks import SocksConnections
from rejoin.signaling.transport import HttpSettings, Transports

HTTPS = httpx.URL("https://studio.example")
SOCKS = EnvironmentProxy(httpx.URL("socks5://127.0.0.1:1080"), "ALL_PROXY")
HTTP = EnvironmentProxy(httpx.URL("http://127.0.0.1:3128"), "HTTPS_PROXY")


@pytest.mark.parametrize(
    ("url", "proxy", "pool", "connections"),
    [
        (HTTPS, None, httpcore.AsyncConnectionPool, Connections),
        (httpx.URL("http://localhost"), None, httpcore.AsyncConnectionPool, Connections),
        (HTTPS, SOCKS, httpcore.AsyncConnectionPool, SocksConnections),
        (HTTPS, HTTP, httpcore.AsyncHTTPProxy, Connections),
    ],
)
async def test_every_way_to_a_backend_uses_connections_of_ours(
    url: httpx.URL, proxy: EnvironmentProxy | None, pool: type, connections: type
) -> None:
    """So that no name is looked up in the event loop's pool."""
    transports = Transports(url, proxy, HttpSettings())
    first, second = transports.new(), transports.new()
    assert first is not second, "each client closes its own"
    for each in (first, second):
        made: Any = each._pool  # type: ignore[attr-defined]
        assert (type(made), type(made._network_backend)) == (pool, connections)
        await each.aclose()
    assert transports.rtt_s is None
    await transports.aclose()


def test_a_tests_own_transport_is_used_as_it_is() -> None:
    own = httpx.MockTransport(lambda request: httpx.Response(204))
    assert Transports(HTTPS, SOCKS, HttpSettings(transport=own)).new() is own


async def test_something_stands_around_a_transport_only_where_it_is_given() -> None:
    plain = Transports(HTTPS, None, HttpSettings()).new()
    assert type(plain).__name__ == "_Transport", "a player's client has nothing there"
    around = httpx.MockTransport(lambda request: httpx.Response(204))
    inside: list[httpx.AsyncBaseTransport] = []

    def put(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        inside.append(transport)
        return around

    assert Transports(HTTPS, None, HttpSettings(around=put)).new() is around
    assert type(inside[0]) is type(plain)
    for each in (plain, *inside):
        await each.aclose()
