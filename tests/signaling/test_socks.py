"""A backend behind a SOCKS5 proxy, and what becomes of a proxy that refuses or is none."""

from __future__ import annotations

import asyncio

import httpcore
import httpx
import pytest

from helpers.misbehaving_server import JSON, answering, server_that
from helpers.proxies import call_through, failure_through, socks_proxy
from rejoin.core.retry import FailureKind
from rejoin.signaling.connections import Connections
from rejoin.signaling.socks import SocksConnections

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize("password", ["", "se%40cret"])
async def test_a_backend_is_called_through_socks(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    async with (
        server_that(answering(f"200 OK\r\n{JSON}", b"{}")) as port,
        socks_proxy(leads_to=port, password=password.replace("%40", "@")) as proxy,
    ):
        user = f"user:{password}@" if password else ""
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("//", f"//{user}"))
        await call_through("http://studio.invalid")
    assert proxy.asked == ["studio.invalid:80"], "the proxy resolves the name"


async def test_a_proxy_that_wants_no_sign_in_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        server_that(answering(f"200 OK\r\n{JSON}", b"{}")) as port,
        socks_proxy(leads_to=port) as proxy,
    ):
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("//", "//user:unneeded@"))
        await call_through("http://studio.invalid")
    assert proxy.asked == ["studio.invalid:80"]


@pytest.mark.parametrize("reply", [1, 2, 4, 5])
async def test_what_a_socks_proxy_refuses_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, reply: int
) -> None:
    async with socks_proxy(reply=reply) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        failure = (await failure_through("https://studio.invalid")).failure
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.detail == "The proxy that ALL_PROXY names did not connect to the backend."


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05", b"", b"\x00" * 9])
async def test_what_is_no_socks_proxy_is_the_proxys_failure(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)

    async with server_that(behave) as port:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        failure = (await failure_through("https://studio.invalid")).failure
    assert failure.kind is FailureKind.NOT_SENT
    assert "The proxy that ALL_PROXY names" in failure.detail


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("10.1.2.3", b"\x01\x0a\x01\x02\x03"),
        ("fd00::1", b"\x04\xfd" + b"\0" * 14 + b"\x01"),
        ("studio.example", b"\x03\x0estudio.example"),
    ],
)
async def test_an_address_is_sent_as_one_and_a_reply_may_come_in_pieces(
    host: str, target: bytes
) -> None:
    """The reply names a host; the first bytes of the tunnel come with it."""
    asked: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05")
        await writer.drain()
        writer.write(b"\x00")
        asked.append(await reader.readexactly(3 + len(target) + 2))
        for piece in (b"\x05\x00", b"\x00\x03", b"\x04", b"name\x01", b"\x02first"):
            writer.write(piece)
            await writer.drain()
        await reader.read()

    async with server_that(behave) as port:
        connections = SocksConnections(httpx.Proxy(f"socks5://127.0.0.1:{port}"), Connections())
        stream = await connections.connect_tcp(host, 443, 20)
        assert await stream.read(100) == b"first"
        await stream.aclose()
    assert asked == [b"\x05\x01\x00" + target + b"\x01\xbb"]


async def test_a_name_that_socks_cannot_say_is_refused() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        await reader.read()

    async with server_that(behave) as port:
        connections = SocksConnections(httpx.Proxy(f"socks5://127.0.0.1:{port}"), Connections())
        with pytest.raises(httpcore.ProxyError):
            await connections.connect_tcp("a" * 256, 443, 20)
