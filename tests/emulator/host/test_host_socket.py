"""The host's own socket: on loopback, and silent while it is frozen."""

from __future__ import annotations

import asyncio

from aioice import stun
from aioice.ice import Connection

from helpers.udp_endpoint import UdpEndpoint, udp_endpoint
from rejoin.emulator.host.host_socket import HostSocket, open_host_socket


def a_check() -> bytes:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    return bytes(request)


async def heard(host: HostSocket, client: UdpEndpoint) -> bool:
    """Whether the client gets what the host sends, of either kind."""
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.INDICATION)
    host.send_stun(message, client.address)
    await host.send_data(b"\x80data", client.address)
    await asyncio.sleep(0.05)
    count = client.got.qsize()
    while not client.got.empty():
        client.got.get_nowait()
    assert count in (0, 2)
    return count == 2


async def test_a_frozen_socket_neither_sends_nor_receives() -> None:
    ice = Connection(ice_controlling=False)
    host = await open_host_socket(ice, 1)
    candidate = host.local_candidate
    assert candidate is not None
    assert (candidate.host, candidate.type, candidate.component) == ("127.0.0.1", "host", 1)
    received: list[bytes] = []
    ice.data_received = lambda data, component: received.append(data)  # type: ignore[method-assign]
    async with udp_endpoint() as client:
        where = (candidate.host, candidate.port)
        assert await heard(host, client)
        host.frozen = True
        assert not await heard(host, client)
        client.transport.sendto(b"\x80while frozen", where)
        await asyncio.sleep(0.05)
        host.frozen = False
        client.transport.sendto(b"", where)
        client.transport.sendto(b"\x80afterwards", where)
        await asyncio.sleep(0.05)
        assert received == [b"\x80afterwards"]
    await host.close()
