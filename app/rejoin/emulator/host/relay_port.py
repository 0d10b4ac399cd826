"""One UDP port of the relay: the address that clients of one host connection send to.

Each client address that sends to it becomes a flow. Each flow has its own socket towards the host,
so the host sees one remote address per flow, as behind a NAT.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin import tasks
from rejoin.emulator.host.udp_socket import Address, UdpSocket
from rejoin.errors import PortInUseError
from rejoin.netem.link import Direction, Link

LOOPBACK: Final = "127.0.0.1"
MAX_FLOWS = 32
"""Per port. Packets of further client addresses are dropped: they are not our clients."""
MAX_WAITING = 64
"""Packets kept per flow while its socket towards the host is being opened."""
LINGER_S = 2.0


@dataclass(slots=True)
class RelayCounters:
    """Datagrams since the relay started; up is from client to host."""

    up: int = 0
    down: int = 0
    up_bytes: int = 0
    down_bytes: int = 0
    dropped: int = 0
    """By a silence, a link, or a limit."""
    delayed: int = 0
    flows: int = 0
    rebound: int = 0
    """Flows that the host saw at a new port."""


class Flow:
    """One client address: its socket towards the host is opened by its first packet."""

    def __init__(self, client: Address) -> None:
        self.client = client
        self.silent = False
        self.link: Link | None = None
        self.host_socket: UdpSocket | None = None
        self.opening: asyncio.Task[None] | None = None
        self.waiting: list[bytes] = []
        """Packets that arrived before the socket was open (a millisecond at most)."""


Forward = Callable[["RelayPort", Flow, Direction, bytes], None]
"""Decides what happens to a packet: drops it, or passes it to `RelayPort.send` now or later."""


class RelayPort:
    """One client-facing socket and its flows. The relay decides about every packet."""

    def __init__(
        self,
        host: Address,
        forward: Forward,
        counters: RelayCounters,
        on_socket: Callable[[asyncio.BaseTransport], None],
        listen_on: str = LOOPBACK,
    ) -> None:
        """`host`: the address of the host's socket. `on_socket`: called for each opened socket.
        `listen_on`: this machine's address that clients send to."""
        self._host = host
        self._forward = forward
        self._counters = counters
        self._on_socket = on_socket
        self._client_socket: UdpSocket | None = None
        self._flows: dict[Address, Flow] = {}
        self.closed = False
        self._delayed_packets = 0
        self._none_delayed = asyncio.Event()
        self.address: Address = (listen_on, 0)
        """Where clients send to."""

    async def open(self, ports: tuple[int, int]) -> None:
        """Bind the first free port of a range; then, or with (0, 0), any. Raises PortInUseError."""
        loop = asyncio.get_running_loop()
        for port in [*(range(ports[0], ports[1] + 1) if ports[0] else ()), 0]:
            try:
                _, self._client_socket = await loop.create_datagram_endpoint(
                    lambda: UdpSocket(self._from_client), local_addr=(self.address[0], port)
                )
            except OSError:
                continue
            break
        if self._client_socket is None or self._client_socket.transport is None:
            raise PortInUseError(
                f"No UDP port is free on {self.address[0]} for the emulator's relay."
            )
        self._on_socket(self._client_socket.transport)
        self.address = self._client_socket.transport.get_extra_info("sockname")[:2]

    @property
    def flows(self) -> int:
        """How many client addresses have sent to this port."""
        return len(self._flows)

    def set_silent(self, silent: bool) -> None:
        """Drop both directions of the flows that exist now, or pass them again."""
        for flow in self._flows.values():
            flow.silent = silent

    def set_link(self, link: Link | None) -> None:
        """Put the flows that exist now behind a link, or (None) remove it."""
        for flow in self._flows.values():
            flow.link = link

    async def rebind(self) -> None:
        """As if a NAT lost its bindings: the host sees every existing flow at a new port."""
        for flow in list(self._flows.values()):
            former = flow.host_socket
            if self.closed or former is None:
                continue
            flow.host_socket = None
            flow.opening = tasks.spawn(self._open_host_socket(flow), name="emulator-relay-flow")
            await former.close()
            self._counters.rebound += 1
            await asyncio.wait([flow.opening])

    def packet_delayed(self) -> None:
        """The relay delays a packet of this port."""
        self._delayed_packets += 1
        self._none_delayed.clear()

    def packet_released(self) -> None:
        """The relay no longer delays that packet: it was sent or dropped."""
        self._delayed_packets -= 1
        if not self._delayed_packets:
            self._none_delayed.set()

    async def close(self) -> None:
        """Close every socket; none is left when this returns.

        Delayed packets (the host's goodbye, for example) are delivered first, for `LINGER_S` at
        most; new ones are dropped.
        """
        if self.closed:
            return
        self.closed = True
        if self._delayed_packets:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._none_delayed.wait()
        if self._client_socket is not None:
            await self._client_socket.close()
        for flow in self._flows.values():
            if flow.opening is not None:
                # Not cancelled: cancelling a half-made endpoint would leak its socket.
                await asyncio.wait([flow.opening])
            if flow.host_socket is not None:
                await flow.host_socket.close()
        self._flows.clear()

    def _from_client(self, data: bytes, client: Address) -> None:
        flow = self._flows.get(client)
        if flow is None:
            if self.closed or len(self._flows) >= MAX_FLOWS:
                self._counters.dropped += 1
                return
            flow = self._flows[client] = Flow(client)
            self._counters.flows += 1
            flow.opening = tasks.spawn(self._open_host_socket(flow), name="emulator-relay-flow")
        self._forward(self, flow, Direction.UP, data)

    async def _open_host_socket(self, flow: Flow) -> None:
        loop = asyncio.get_running_loop()
        _, host_socket = await loop.create_datagram_endpoint(
            lambda: UdpSocket(lambda data, _: self._forward(self, flow, Direction.DOWN, data)),
            local_addr=(LOOPBACK, 0),
            remote_addr=self._host,
        )
        flow.host_socket = host_socket
        if host_socket.transport is not None:
            self._on_socket(host_socket.transport)
        for data in flow.waiting:
            host_socket.send(data)
        flow.waiting.clear()

    def send(self, flow: Flow, direction: Direction, data: bytes) -> None:
        """Send a packet on to the other side, now."""
        counters = self._counters
        if direction is Direction.DOWN:
            counters.down += 1
            counters.down_bytes += len(data)
            if self._client_socket is not None:
                self._client_socket.send(data, flow.client)
            return
        counters.up += 1
        counters.up_bytes += len(data)
        if flow.host_socket is not None:
            flow.host_socket.send(data)
        elif len(flow.waiting) < MAX_WAITING:
            flow.waiting.append(data)
