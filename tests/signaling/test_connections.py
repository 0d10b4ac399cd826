"""A connection is made to an address that was judged, whatever its name means a moment later."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace

import httpcore
import pytest

from helpers.backend_client import PATIENT
from helpers.misbehaving_server import JSON, answering, hangs, server_that
from helpers.waiting import eventually
from rejoin.core.retry import FailureKind
from rejoin.signaling import connections, name_lookup
from rejoin.signaling.exchange import CallFailedError, Exchange, HttpSettings
from rejoin.signaling.name_lookup import resolved

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_an_address_means_the_same_however_it_is_spelled(spelling: str) -> None:
    assert resolved(spelling, 80) == ["127.0.0.1"]


class Resolver:
    """What a name means, answer by answer; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def failure_of(exchange: Exchange) -> CallFailedError:
    with pytest.raises(CallFailedError) as caught:
        await exchange.call("POST", "/", budget_s=20, content={"canary": 1})
    await exchange.aclose()
    return caught.value


async def test_a_link_cannot_lead_to_a_local_port_by_a_name_that_changes_its_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: first the internet, then this machine. No connection arrives."""
    arrived: list[object] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(writer.get_extra_info("peername"))

    resolver = Resolver(["127.0.0.1", "::ffff:127.0.0.1"])
    monkeypatch.setattr(name_lookup, "resolved", resolver)
    async with server_that(behave) as port:
        exchange = Exchange(
            f"https://rebinding.example:{port}",
            None,
            http=replace(PATIENT, public_only=True),
        )
        error = await failure_of(exchange)
    assert error.failure.kind is FailureKind.NOT_BACKEND, "asked again: it may be a captive portal"
    assert "an address of this computer or of its network" in error.failure.detail
    assert resolver.asked == ["rebinding.example"], "one answer: what is judged is connected to"
    assert arrived == []


async def test_of_several_addresses_those_that_are_allowed_are_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """localhost by http: only what is loopback, in order, and the next where one fails."""
    async with server_that(answering(f"200 OK\r\n{JSON}", b"{}")) as port:
        monkeypatch.setattr(
            name_lookup, "resolved", Resolver(["192.0.2.7", "127.77.0.1", "127.0.0.1"])
        )
        exchange = Exchange(f"http://localhost:{port}", None, http=PATIENT)
        reply = await exchange.call("GET", "/", budget_s=20)
        assert reply.status == 200
        await exchange.aclose()


async def test_localhost_that_means_another_machine_gets_nothing_by_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_lookup, "resolved", Resolver(["192.0.2.7"]))
    error = await failure_of(Exchange("http://localhost:9", "canary-token"))
    assert error.failure.kind is FailureKind.NOT_BACKEND


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
async def test_a_name_without_an_address_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise error

    monkeypatch.setattr(name_lookup, "resolved", fail)
    exchange = Exchange("https://a.example", None, http=HttpSettings(public_only=True))
    assert (await failure_of(exchange)).failure.kind is FailureKind.NOT_SENT


class SlowSockets(httpcore.AsyncNetworkBackend):
    """Connects to an address when it is released; what is connected counts its closings."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.released: dict[str, asyncio.Event] = {}
        self.closed: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> Stream:
        self.tried.append(host)
        await self.released.setdefault(host, asyncio.Event()).wait()
        if host.startswith("bad"):
            raise httpcore.ConnectError
        return Stream(self, host)


class Stream(httpcore.AsyncNetworkStream):
    def __init__(self, sockets: SlowSockets, host: str) -> None:
        self.sockets, self.host = sockets, host

    async def aclose(self) -> None:
        self.sockets.closed.append(self.host)

    def get_extra_info(self, info: str) -> str:
        return self.host


def judged(sockets: SlowSockets) -> connections.Connections:
    found = connections.Connections(lambda address: True)
    found._sockets = sockets  # type: ignore[assignment]
    return found


async def test_an_address_that_hangs_does_not_hold_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_NEXT_ADDRESS_AFTER_S", 0.0)
    monkeypatch.setattr(name_lookup, "resolved", Resolver(["hangs", "good"]))
    sockets = SlowSockets()
    sockets.released["good"] = released = asyncio.Event()
    released.set()
    stream = await judged(sockets).connect_tcp("a.example", 443, timeout=30)
    assert stream.get_extra_info("host") == "good"
    assert sockets.tried == ["hangs", "good"]


async def test_when_all_fail_the_connection_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "resolved", Resolver(["bad-1", "bad-2"]))
    sockets = SlowSockets()
    for name in ("bad-1", "bad-2"):
        sockets.released[name] = asyncio.Event()
        sockets.released[name].set()
    with pytest.raises(httpcore.ConnectError):
        await judged(sockets).connect_tcp("a.example", 443, timeout=30)
    assert sockets.tried == ["bad-1", "bad-2"]


async def test_a_connection_that_takes_too_long_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_lookup, "resolved", Resolver(["hangs"]))
    with pytest.raises(httpcore.ConnectTimeout):
        await judged(SlowSockets()).connect_tcp("a.example", 443, timeout=0.05)


@pytest.mark.parametrize("variable", [None, "http_proxy", "all_proxy"])
async def test_no_name_is_looked_up_in_the_loops_own_pool(
    monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """Two hung look-ups there held the opening of a UDP socket, and so every offer, for 5 s."""
    asked: list[object] = []

    async def resolve_in_the_pool(*_: object, **__: object) -> None:
        asked.append(_)

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve_in_the_pool)
    monkeypatch.setattr(name_lookup, "resolved", unknown)
    if variable is not None:
        scheme = "socks5" if variable == "all_proxy" else "http"
        monkeypatch.setenv(variable, f"{scheme}://proxy.invalid:3128")
    http = HttpSettings(allow_insecure=True)
    error = await failure_of(Exchange("http://studio.invalid", None, http=http))
    assert error.failure.kind is FailureKind.NOT_SENT
    assert asked == []


async def test_a_tls_handshake_that_is_given_up_leaves_no_socket() -> None:
    async with server_that(hangs) as port:
        stream = await connections.Connections().connect_tcp("127.0.0.1", port, timeout=60)
        used = stream.get_extra_info("socket")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await stream.start_tls(ssl.create_default_context(), "localhost")
        await eventually(lambda: used.fileno() == -1)
