"""The UDP relay in front of a host: every packet of every client passes it and may be lost or late.

A `RelayPort` is what clients send to; its address is the only candidate of a connection's answer. A
silence drops both directions, STUN included, of the flows that exist now or of all flows. A link
(`netem/link`) decides about each packet whether it is dropped and how long it is delayed; delayed
packets wait in one queue ordered by time.

An event loop's timers fire up to a millisecond late (Windows: 16), so they are set `EARLY_S` too
early, and a packet due within `EARLY_S` is sent at once. Delays are then right within a millisecond
and their error has no bias. `Relay.lateness_s` reports how large it was.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from rejoin.emulator.host.relay_port import Flow, RelayCounters, RelayPort
from rejoin.emulator.host.udp_socket import Address, enlarge_buffers
from rejoin.netem.link import Chance, Direction, Fate, Link

MAX_DELAYED_BYTES = 64 << 20
"""All delayed packets together: 20 s at 25 Mbit/s. More is dropped and counted."""
EARLY_S = 0.0005
FLUSH_PACKETS = 64
FLUSH_PAUSE_S = 0.001
"""At most `FLUSH_PACKETS` are sent in one turn of the event loop, with this pause between turns: a
second's packets at once would overflow the sockets behind the relay."""
LATENESS_KEPT = 4096


def chance_of(seed: int) -> Chance:
    """Named streams of random numbers, the same for the same seed on every machine."""
    return lambda name: random.Random(f"{seed} {name}").random


class _Delayed(NamedTuple):
    """A packet in the queue; tuples compare by time first."""

    due_at: float
    number: int
    """Unique, so that two packets never compare equal."""
    port: RelayPort
    flow: Flow
    direction: Direction
    data: bytes
    counted: bool
    """Whether it counts for `Relay.lateness`: only if a link delayed it and its delay ran out."""


class Relay:
    """The relay ports of one host, their silences and links, and the queue of delayed packets."""

    def __init__(self, port_range: tuple[int, int] = (0, 0)) -> None:
        """`port_range`: first and last UDP port, tried in order; then, or with 0, any port."""
        self._port_range = port_range
        self._ports: set[RelayPort] = set()
        self.counters = RelayCounters()
        self.all_silent = False
        """Whether every packet of every flow is dropped."""
        self.on_fate: Callable[[Direction, int, float, Fate], None] | None = None
        """Called with every decision of a link: direction, bytes, time of `now`, fate."""
        self._link: Link | None = None
        self._base_link: Link | None = None
        self._delayed: list[_Delayed] = []
        self._delayed_bytes = 0
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._paused_until = 0.0
        self._lateness: deque[float] = deque(maxlen=LATENESS_KEPT)
        self.granted_bytes: int | None = None
        """The smallest receive buffer that the kernel granted (Linux includes its overhead)."""

    async def open_port(self, host: Address) -> RelayPort:
        """A relay port for the host's socket at `host`. Raises PortInUseError if none is free."""
        port = RelayPort(host, self._forward, self.counters, self._socket_opened)
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
        """The clock that links use: seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()

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
        if self._delayed:
            now = self.now()
            self._delayed = [
                each._replace(due_at=now, number=number, counted=False)
                for number, each in enumerate(sorted(self._delayed), -len(self._delayed))
            ]
            self._flush()

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
        return len(self._delayed)

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds too late each of the newest delayed packets was sent."""
        return tuple(self._lateness)

    @property
    def lateness_s(self) -> float | None:
        """The median of `lateness`."""
        return statistics.median(self._lateness) if self._lateness else None

    async def close(self) -> None:
        """Drop the delayed packets and close every port."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        for each in self._delayed:
            each.port.packet_released()
        self._delayed.clear()
        self._delayed_bytes = 0
        for port in list(self._ports):
            await self.close_port(port)

    def _forward(self, port: RelayPort, flow: Flow, direction: Direction, data: bytes) -> None:
        if flow.silent or self.all_silent or port.closed:
            self.counters.dropped += 1
            return
        link = flow.link or self._link or self._base_link
        if link is None and not self._delayed:
            port.send(flow, direction, data)
            return
        now = self.now()
        fate = Fate(0.0)
        if link is not None:
            fate = link.decide(direction, len(data), now)
            if self.on_fate is not None:
                self.on_fate(direction, len(data), now, fate)
        if fate.dropped is not None or self._delayed_bytes + len(data) > MAX_DELAYED_BYTES:
            self.counters.dropped += 1
            return
        counted = fate.delay_s > 0
        self.counters.delayed += counted
        due_at = now + fate.delay_s
        for _ in range(1 + fate.copies):
            self._delayed_bytes += len(data)
            packet = _Delayed(due_at, next(self._numbers), port, flow, direction, data, counted)
            heapq.heappush(self._delayed, packet)
            port.packet_delayed()
        if self._delayed[0].due_at <= now + EARLY_S and now >= self._paused_until:
            self._flush()
        else:
            self._set_timer()

    def _flush(self) -> None:
        """Send what is due, in order, and set the timer for the rest."""
        now = self.now()
        for _ in range(FLUSH_PACKETS):
            if not self._delayed or self._delayed[0].due_at > now + EARLY_S:
                break
            each = heapq.heappop(self._delayed)
            each.port.packet_released()
            self._delayed_bytes -= len(each.data)
            if each.counted:
                self._lateness.append(now - each.due_at)
            if each.flow.silent or self.all_silent:
                self.counters.dropped += 1
            else:
                each.port.send(each.flow, each.direction, each.data)
        else:
            self._paused_until = now + FLUSH_PAUSE_S
        self._set_timer()

    def _set_timer(self) -> None:
        if not self._delayed:
            return
        wake_at = max(self._delayed[0].due_at - EARLY_S, self._paused_until)
        if self._timer is not None:
            if self._timer.when() <= wake_at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(wake_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self.now() < self._paused_until:
            self._set_timer()
        else:
            self._flush()

    def _socket_opened(self, transport: asyncio.BaseTransport) -> None:
        granted = enlarge_buffers(transport)
        known = self.granted_bytes
        self.granted_bytes = granted if known is None else min(known, granted)
