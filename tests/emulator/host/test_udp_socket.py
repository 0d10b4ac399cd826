"""A UDP socket that reports when it is closed, and has large buffers."""

from __future__ import annotations

import asyncio
import socket

from helpers.udp_endpoint import udp_endpoint
from rejoin.emulator.host.udp_socket import BUFFER_BYTES, Address, UdpSocket, enlarge_buffers


async def test_it_receives_and_sends_until_it_is_closed() -> None:
    received: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    transport, udp = await loop.create_datagram_endpoint(
        lambda: UdpSocket(lambda data, sender: received.put_nowait((data, sender))),
        local_addr=("127.0.0.1", 0),
    )
    address = transport.get_extra_info("sockname")
    async with udp_endpoint() as other:
        other.transport.sendto(b"hello", address)
        assert await asyncio.wait_for(received.get(), 60) == (b"hello", other.address)
        udp.send(b"back", other.address)
        assert (await other.receive())[0] == b"back"
        await udp.close()
        udp.send(b"too late", other.address)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(address)  # free again
        await asyncio.sleep(0.01)
        assert other.got.empty()


async def test_the_granted_buffer_is_larger_than_the_default() -> None:
    loop = asyncio.get_running_loop()
    transport, udp = await loop.create_datagram_endpoint(
        lambda: UdpSocket(lambda *_: None), local_addr=("127.0.0.1", 0)
    )
    sock = transport.get_extra_info("socket")
    before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    granted = enlarge_buffers(transport)
    assert granted == sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert before <= granted <= 2 * BUFFER_BYTES
    await udp.close()
