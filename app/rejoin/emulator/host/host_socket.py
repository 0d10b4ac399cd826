"""The host's own UDP socket, behind the relay: aioice's, but it can be frozen."""

from __future__ import annotations

import asyncio
from typing import Any

from aioice import stun
from aioice.ice import Connection, StunProtocol

from rejoin.emulator.host.relay_port import LOOPBACK
from rejoin.emulator.host.sdp import host_candidate
from rejoin.emulator.host.udp_socket import enlarge_buffers


class HostSocket(StunProtocol):
    """While `frozen` it neither receives nor sends, like the socket of a hung process."""

    frozen = False

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        # Anybody can send an empty datagram, and aiortc would end DTLS because of it.
        if not self.frozen and data:
            super().datagram_received(data, addr)

    async def send_data(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.frozen:
            await super().send_data(data, addr)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        if not self.frozen:
            super().send_stun(message, addr)


async def open_host_socket(ice: Connection, component: int) -> HostSocket:
    """A socket on 127.0.0.1, which aioice itself never uses, with its candidate set."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: HostSocket(ice), local_addr=(LOOPBACK, 0)
    )
    enlarge_buffers(transport)
    port = transport.get_extra_info("sockname")[1]
    protocol.local_candidate = host_candidate(component, (LOOPBACK, port))
    return protocol
