"""The transport to a backend: directly, to judged addresses only, or through a proxy."""

from __future__ import annotations

import httpx
import pytest

from rejoin.signaling import transport
from rejoin.signaling.http_environment import EnvironmentProxy
from rejoin.signaling.judged_connections import JudgedConnections
from rejoin.signaling.socks import SocksConnections
from rejoin.signaling.transport import HttpSettings, transports

HTTPS = httpx.URL("https://studio.example")
SOCKS = EnvironmentProxy(httpx.URL("socks5://127.0.0.1:1080"), "ALL_PROXY")
HTTP = EnvironmentProxy(httpx.URL("http://127.0.0.1:3128"), "HTTPS_PROXY")


@pytest.mark.parametrize(
    ("url", "proxy", "settings", "connections"),
    [
        (HTTPS, None, HttpSettings(), None),
        (HTTPS, None, HttpSettings(public_only=True), JudgedConnections),
        (httpx.URL("http://localhost"), None, HttpSettings(), JudgedConnections),
        (httpx.URL("http://a.example"), None, HttpSettings(allow_insecure=True), None),
        (HTTPS, SOCKS, HttpSettings(public_only=True), SocksConnections),
        (HTTPS, HTTP, HttpSettings(public_only=True), None),
    ],
)
async def test_the_connections_are_those_that_the_url_and_the_settings_need(
    monkeypatch: pytest.MonkeyPatch,
    url: httpx.URL,
    proxy: EnvironmentProxy | None,
    settings: HttpSettings,
    connections: type | None,
) -> None:
    made: list[object] = []
    init = transport._Transport.__init__

    def record(self: transport._Transport, verify: object, given: object) -> None:
        made.append(given)
        init(self, verify, given)  # type: ignore[arg-type]

    monkeypatch.setattr(transport._Transport, "__init__", record)
    new = transports(url, proxy, settings)
    first, second = new(), new()
    assert first is not second, "each client closes its own"
    assert [type(one) for one in made] == ([] if connections is None else [connections] * 2)
    await first.aclose()
    await second.aclose()


def test_a_tests_own_transport_is_used_as_it_is() -> None:
    own = httpx.MockTransport(lambda request: httpx.Response(204))
    assert transports(HTTPS, SOCKS, HttpSettings(transport=own))() is own
