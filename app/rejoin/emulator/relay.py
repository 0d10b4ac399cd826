"""The UDP relay in front of every host: all packets of all clients go through it and can be cut.

A door is a socket towards clients, one for each connection of a host; its address is the only
candidate of that connection's answer. Each client address that knocks becomes a flow with a socket
of its own towards the host, so that the host sees one peer per flow, as behind a NAT. Silence drops
both directions, STUN included, for the flows that exist now or for all of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from rejoin import tasks
from rejoin.errors import PortInUseError

LOOPBACK = "127.0.0.1"
BUFFER_BYTES = 4 << 20
"""Asked for; the kernel may grant less (`net.core.rmem_max`), which `Relay.granted_bytes` tells."""
MAX_FLOWS = 32
"""Per door. More client addresses than this are no clients of ours, and are dropped."""

MAX_WAITING = 64

Address = tuple[str, int]


@dataclass(slots=True)
class RelayCounters:
    """Datagrams since the relay began; up is from client to host."""

    up: int = 0
    down: int = 0
    up_bytes: int = 0
    down_bytes: int = 0
    dropped: int = 0
    flows: int = 0


class _Socket(asyncio.DatagramProtocol):
    """One UDP socket that tells when it is really gone."""

    def __init__(self, on_datagram: Callable[[bytes, Address], None]) -> None:
        self._on_datagram = on_datagram
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's datagram transport is none by inheritance.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._on_datagram(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """ICMP: the other side's socket is closed. The packet is lost, as on any network."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

    def send(self, data: bytes, address: Address | None = None) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, address)

    async def close(self) -> None:
        if self.transport is not None:
            # abort: what waits in the buffer of a socket that goes away is lost anyway.
            self.transport.abort()
            await self.gone


class _Flow:
    """One client address: its socket towards the host, opened by its first packet."""

    def __init__(self, client: Address) -> None:
        self.client = client
        self.silent = False
        self.upstream: _Socket | None = None
        self.opening: asyncio.Task[None] | None = None
        self.waiting: list[bytes] = []
        """What came in before the socket was open, a millisecond at most."""


class Door:
    """One client-facing socket and its flows."""

    def __init__(self, relay: Relay, host: Address) -> None:
        self._relay = relay
        self._host = host
        self._front: _Socket | None = None
        self._flows: dict[Address, _Flow] = {}
        self._closed = False
        self.address: Address = (LOOPBACK, 0)
        """Where clients send to."""

    async def open(self, ports: tuple[int, int]) -> None:
        loop = asyncio.get_running_loop()
        for port in [*(range(ports[0], ports[1] + 1) if ports[0] else ()), 0]:
            try:
                _, self._front = await loop.create_datagram_endpoint(
                    lambda: _Socket(self._from_client), local_addr=(LOOPBACK, port)
                )
            except OSError:
                continue
            break
        if self._front is None or self._front.transport is None:
            raise PortInUseError("No UDP port is free on 127.0.0.1 for the emulator's relay.")
        self._relay._enlarge(self._front.transport)
        self.address = self._front.transport.get_extra_info("sockname")[:2]

    @property
    def flows(self) -> int:
        return len(self._flows)

    def silence(self, silent: bool) -> None:
        """Silence the flows that exist now, or let all of them speak again."""
        for flow in self._flows.values():
            flow.silent = silent

    async def close(self) -> None:
        """Close every socket; when this returns none is left."""
        if self._closed:
            return
        self._closed = True
        self._relay._doors.discard(self)
        if self._front is not None:
            await self._front.close()
        for flow in self._flows.values():
            if flow.opening is not None:
                # Not cancelled: an endpoint cancelled half-made would leave its socket behind.
                await asyncio.wait([flow.opening])
            if flow.upstream is not None:
                await flow.upstream.close()
        self._flows.clear()

    def _from_client(self, data: bytes, client: Address) -> None:
        flow = self._flows.get(client)
        if flow is None:
            if self._closed or len(self._flows) >= MAX_FLOWS:
                self._relay.counters.dropped += 1
                return
            flow = self._flows[client] = _Flow(client)
            self._relay.counters.flows += 1
            flow.opening = tasks.spawn(self._open_upstream(flow), name="emulator-relay-flow")
        if flow.silent or self._relay.all_silent:
            self._relay.counters.dropped += 1
            return
        self._relay.counters.up += 1
        self._relay.counters.up_bytes += len(data)
        if flow.upstream is not None:
            flow.upstream.send(data)
        elif len(flow.waiting) < MAX_WAITING:
            flow.waiting.append(data)

    async def _open_upstream(self, flow: _Flow) -> None:
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_datagram_endpoint(
            lambda: _Socket(lambda data, _: self._from_host(flow, data)),
            local_addr=(LOOPBACK, 0),
            remote_addr=self._host,
        )
        flow.upstream = upstream
        if upstream.transport is not None:
            self._relay._enlarge(upstream.transport)
        for data in flow.waiting:
            upstream.send(data)
        flow.waiting.clear()

    def _from_host(self, flow: _Flow, data: bytes) -> None:
        if flow.silent or self._relay.all_silent:
            self._relay.counters.dropped += 1
            return
        self._relay.counters.down += 1
        self._relay.counters.down_bytes += len(data)
        if self._front is not None:
            self._front.send(data, flow.client)


class Relay:
    """The doors of one host, and the cuts that can be made."""

    def __init__(self, ports: tuple[int, int] = (0, 0)) -> None:
        """`ports`: first and last port for doors, tried in order; then, or with 0, any port."""
        self._ports = ports
        self._doors: set[Door] = set()
        self.counters = RelayCounters()
        self.all_silent = False
        """Nothing passes, whatever flow it belongs to."""
        self.granted_bytes: int | None = None
        """The smallest receive buffer the kernel granted (Linux counts its own overhead in)."""

    async def open_door(self, host: Address) -> Door:
        """A door for the host's socket at `host`. Raises PortInUseError when no port is free."""
        door = Door(self, host)
        await door.open(self._ports)
        self._doors.add(door)
        return door

    def silence_existing(self) -> None:
        """Drop both directions of every flow that exists now; new flows pass."""
        for door in self._doors:
            door.silence(True)

    def speak(self) -> None:
        """Lift every silence."""
        self.all_silent = False
        for door in self._doors:
            door.silence(False)

    async def close(self) -> None:
        for door in list(self._doors):
            await door.close()

    def _enlarge(self, transport: asyncio.DatagramTransport) -> None:
        sock = transport.get_extra_info("socket")
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        known = self.granted_bytes
        self.granted_bytes = granted if known is None else min(known, granted)
