"""The UDP relay in front of a host: every packet of every client passes it and may be lost or late.

Clients send to a `RelayPort`; its address is the only candidate of a connection's answer. A silence
drops both directions, STUN included, of the flows that exist now or of all flows. A link
(`netem/link`) decides about each packet whether it is dropped and how long it is delayed; delayed
packets wait in one queue ordered by time (`injector/delay_queue`, which also says how late it was).
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from typing import NamedTuple

from rejoin.emulator.host.relay_port import LOOPBACK, Flow, RelayCounters, RelayPort
from rejoin.emulator.host.udp_socket import Address, enlarge_buffers
from rejoin.injector.delay_queue import DelayQueue
from rejoin.netem.link import Direction, Fate, Link


class _Packet(NamedTuple):
    """A packet that is delayed."""

    port: RelayPort
    flow: Flow
    direction: Direction
    data: bytes


class Relay:
    """The relay ports of one host, their silences and links, and the queue of delayed packets."""

    def __init__(self, port_range: tuple[int, int] = (0, 0), listen_on: str = LOOPBACK) -> None:
        """`port_range`: first and last UDP port, tried in order; then, or with 0, any port.
        `listen_on`: this machine's address that clients send to."""
        self._listen_on = listen_on
        self._port_range = port_range
        self._ports: set[RelayPort] = set()
        self.counters = RelayCounters()
        self.all_silent = False
        """Whether every packet of every flow is dropped."""
        self.on_fate: Callable[[Direction, int, float, Fate], None] | None = None
        """Called with every decision of a link: direction, bytes, time of `now`, fate."""
        self._link: Link | None = None
        self._base_link: Link | None = None
        self._queue = DelayQueue(self._on_due)
        self.granted_bytes: int | None = None
        """The smallest receive buffer that the kernel granted (Linux includes its overhead)."""

    async def open_port(self, host: Address) -> RelayPort:
        """A relay port for the host's socket at `host`. Raises PortInUseError if none is free."""
        port = RelayPort(host, self._forward, self.counters, self._socket_opened, self._listen_on)
        await port.open(self._port_range)
        self._ports.add(port)
        return port

    async def close_port(self, port: RelayPort) -> None:
        """Close a port; returns when no socket of it is left. Closing it again does nothing."""
        await port.close()
        self._ports.discard(port)

    def silence_existing(self) -> None:
        """Drop both directions of every flow that exists now; new flows pass."""
        for port in self._ports:
            port.set_silent(True)

    def end_silence(self) -> None:
        """Let all flows pass again."""
        self.all_silent = False
        for port in self._ports:
            port.set_silent(False)

    @staticmethod
    def now() -> float:
        """The clock that links use, in seconds (`DelayQueue.now`)."""
        return DelayQueue.now()

    def set_link(self, link: Link, *, existing: bool = False) -> None:
        """Put every flow, or those that exist now, behind this link, in place of the link before.

        The link's clock is `now()`.
        """
        self.remove_link()
        if existing:
            for port in self._ports:
                port.set_link(link)
        else:
            self._link = link

    def remove_link(self) -> None:
        """Remove every link of `set_link`. Delayed packets are sent at once, in order."""
        self._link = None
        for port in self._ports:
            port.set_link(None)
        self._queue.hasten()

    def set_base_link(self, link: Link | None) -> None:
        """The link of every flow without a link of `set_link`; None: packets pass at once.

        It stays until it is replaced.
        """
        self._base_link = link

    async def rebind(self) -> None:
        """As if a NAT lost its bindings: the host sees every existing flow at a new port."""
        for port in list(self._ports):
            await port.rebind()

    @property
    def waiting(self) -> int:
        """How many packets are being delayed."""
        return len(self._queue)

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds too late each of the newest delayed packets was sent."""
        return self._queue.lateness

    @property
    def lateness_s(self) -> float | None:
        """The median of `lateness`."""
        lateness = self._queue.lateness
        return statistics.median(lateness) if lateness else None

    async def close(self) -> None:
        """Drop the delayed packets and close every port."""
        for packet in self._queue.close():
            packet.port.packet_released()
        for port in list(self._ports):
            await self.close_port(port)

    def _forward(self, port: RelayPort, flow: Flow, direction: Direction, data: bytes) -> None:
        if flow.silent or self.all_silent or port.closed:
            self.counters.dropped += 1
            return
        link = flow.link or self._link or self._base_link
        if link is None and not self._queue:
            port.send(flow, direction, data)
            return
        now = self.now()
        fate = Fate(0.0)
        if link is not None:
            fate = link.decide(direction, len(data), now)
            if self.on_fate is not None:
                self.on_fate(direction, len(data), now, fate)
        if fate.dropped is not None or not self._queue.fits(len(data)):
            self.counters.dropped += 1
            return
        counted = fate.delay_s > 0
        self.counters.delayed += counted
        for _ in range(1 + fate.copies):
            packet = _Packet(port, flow, direction, data)
            self._queue.put(packet, len(data), now + fate.delay_s, counted=counted)
            port.packet_delayed()
        self._queue.settle(now)

    def _on_due(self, packet: _Packet) -> None:
        port, flow, direction, data = packet
        port.packet_released()
        if flow.silent or self.all_silent:
            self.counters.dropped += 1
        else:
            port.send(flow, direction, data)

    def _socket_opened(self, transport: asyncio.BaseTransport) -> None:
        granted = enlarge_buffers(transport)
        known = self.granted_bytes
        self.granted_bytes = granted if known is None else min(known, granted)
