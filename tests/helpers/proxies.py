"""Proxies on loopback: HTTP and SOCKS5, which let through, refuse, or are none at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from helpers.backend_client import PATIENT
from helpers.misbehaving_server import read_request, server_that
from rejoin.signaling.exchange import CallFailedError, Exchange

INSECURE = replace(PATIENT, allow_insecure=True)


@dataclass
class Proxy:
    """A running proxy. `asked`: what it was asked to connect to."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    far_reader, far_writer = await asyncio.open_connection(host, port)
    try:
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
    finally:
        far_writer.close()


@contextlib.asynccontextmanager
async def http_proxy(answer: str, *, leads_to: int = 0, body: bytes = b"") -> AsyncIterator[Proxy]:
    """Answers every request and every CONNECT with this status line and these headers; after a
    200 to a CONNECT it is a tunnel to port `leads_to` of this machine."""
    proxy = Proxy()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await read_request(reader)).decode()
        method, target, _ = head.split(" ", 2)
        proxy.asked.append(f"{method} {target}")
        if method == "CONNECT" and answer.startswith("200"):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await _tunnel(reader, writer, "127.0.0.1", leads_to)
            return
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    async with server_that(behave) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        yield proxy


@contextlib.asynccontextmanager
async def socks_proxy(
    *, leads_to: int = 0, reply: int = 0, password: str = ""
) -> AsyncIterator[Proxy]:
    """SOCKS5 (RFC 1928, RFC 1929): a tunnel to port `leads_to` of this machine, or this reply."""
    proxy = Proxy()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if password else 0
        if method not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if password:
            _, length = await reader.readexactly(2)
            await reader.readexactly(length)
            given = await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x01\x00" if given.decode() == password else b"\x01\x01")
        _, _, _, kind = await reader.readexactly(4)
        assert kind == 3, "the proxy resolves the name"
        name = await reader.readexactly((await reader.readexactly(1))[0])
        port = int.from_bytes(await reader.readexactly(2), "big")
        proxy.asked.append(f"{name.decode()}:{port}")
        writer.write(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not reply:
            await _tunnel(reader, writer, "127.0.0.1", leads_to)

    async with server_that(behave) as port:
        proxy.url = f"socks5://127.0.0.1:{port}"
        yield proxy


async def call_through(url: str) -> Exchange:
    exchange = Exchange(url, "canary-token", http=INSECURE)
    try:
        reply = await exchange.call("GET", "/", budget_s=60)
        assert reply.status == 200
    finally:
        await exchange.aclose()
    return exchange


async def failure_through(url: str, *, budget_s: float = 60.0) -> CallFailedError:
    exchange = Exchange(url, "canary-token", http=INSECURE)
    try:
        with pytest.raises(CallFailedError) as caught:
            raise exchange.refused(await exchange.call("GET", "/", budget_s=budget_s))
    finally:
        await exchange.aclose()
    return caught.value
