"""A UDP socket for tests that queues what it receives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast


class UdpEndpoint(asyncio.DatagramProtocol):
    """A UDP socket on loopback."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.got.put_nowait((data, addr))

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        return await asyncio.wait_for(self.got.get(), 60)


@contextlib.asynccontextmanager
async def udp_endpoint() -> AsyncIterator[UdpEndpoint]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        UdpEndpoint, local_addr=("127.0.0.1", 0)
    )
    try:
        yield protocol
    finally:
        transport.close()
        await asyncio.sleep(0)
