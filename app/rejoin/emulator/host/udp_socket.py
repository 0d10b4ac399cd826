"""One UDP socket on asyncio that can report when it is really closed, and large buffers for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

BUFFER_BYTES = 4 << 20
"""What is requested; the kernel may grant less (`net.core.rmem_max`)."""

Address = tuple[str, int]


class UdpSocket(asyncio.DatagramProtocol):
    """The protocol of one datagram endpoint; `on_datagram` gets the data and the sender."""

    def __init__(self, on_datagram: Callable[[bytes, Address], None]) -> None:
        self._on_datagram = on_datagram
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # In Python 3.11 the datagram transport does not inherit from DatagramTransport.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._on_datagram(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """ICMP: the other side's socket is closed. The packet is lost, as on any network."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)

    def send(self, data: bytes, address: Address | None = None) -> None:
        """Send now; `address` None for a connected socket. A closed socket sends nothing."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, address)

    async def close(self) -> None:
        """Close; returns when the socket is gone."""
        if self.transport is not None:
            # abort: packets in the buffer of a socket that goes away are lost anyway.
            self.transport.abort()
            await self._lost


def enlarge_buffers(transport: asyncio.BaseTransport) -> int:
    """Request `BUFFER_BYTES` for both directions; returns the granted receive buffer in bytes.

    Linux includes its own overhead in that number.
    """
    sock: socket.socket = transport.get_extra_info("socket")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        size = BUFFER_BYTES
        while size:
            try:
                sock.setsockopt(socket.SOL_SOCKET, option, size)
            except OSError:
                size //= 2  # macOS refuses a size that Linux reduces by itself.
            else:
                break
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
