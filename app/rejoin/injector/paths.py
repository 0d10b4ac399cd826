"""The datagrams of a client's sockets: each passes the link of a fault, or none.

It is what the emulator's relay does (`emulator/host/relay`), at the other end: the same links, the
same queue, the same measure of lateness. A rebind gives a socket a second one, at another port of
the same address; what still arrives at the first is dropped, as by a NAT that knows it no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rejoin.clock import boot_s
from rejoin.injector.delay_queue import DelayQueue
from rejoin.injector.faults import PathFault, Scope
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Direction, Fate, Link
from rejoin.rtc.aiortc_seam import Address
from rejoin.rtc.socket_filter import SocketEnds
from rejoin.rtc.transport import RECEIVE_BUFFER_BYTES

OnFate = Callable[[Direction, int, float, Fate], None]
"""Gets every decision of a link: direction, bytes, time of `DelayQueue.now`, fate."""

_IMMEDIATE = Fate(0.0)


@dataclass(slots=True)
class PathCounters:
    """Datagrams while a link decided about them. `dropped`: by the reason."""

    packets: int = 0
    delayed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    rebound: int = 0


class ActivePath(NamedTuple):
    """A path fault that has begun. `sockets`: those that it concerns; None: all."""

    link: Link
    sockets: frozenset[FilteredSocket] | None


class _Packet(NamedTuple):
    socket: FilteredSocket
    direction: Direction
    data: bytes
    address: Address


class Paths:
    """All sockets of one client and the links before them. For one event loop."""

    def __init__(self) -> None:
        self.counters = PathCounters()
        self.arrived_at: float | None = None
        """When a datagram last arrived from the network, whatever became of it (boot time)."""
        self.passed_at: float | None = None
        """When one of ours was last passed on to the network (boot time)."""
        self.on_fate: OnFate | None = None
        self._sockets: set[FilteredSocket] = set()
        self._active: list[ActivePath] = []
        self._queue = DelayQueue(self._on_due)

    def open_filter(self, ends: SocketEnds) -> FilteredSocket:
        """The filter of a new socket (`rtc.socket_filter.MakeFilter`)."""
        made = FilteredSocket(self, ends)
        self._sockets.add(made)
        return made

    def begin(self, fault: PathFault, seed: int) -> ActivePath:
        """Put sockets behind a link, until `end`. The same seed, profile and packets have the same
        fates."""
        link = Link(
            fault.profile,
            self._queue.now(),
            chance_of(seed),
            directions=fault.directions,
            window_s=fault.window_s,
        )
        existing = fault.scope is Scope.EXISTING
        path = ActivePath(link, frozenset(self._sockets) if existing else None)
        self._active.append(path)
        return path

    def end(self, path: ActivePath) -> None:
        """Take a link away. Where none is left, delayed packets are passed on at once, in order."""
        self._active = [each for each in self._active if each is not path]
        if not self._active:
            self._queue.hasten()

    async def rebind(self) -> None:
        """The host sees each socket that exists at a new port."""
        for each in list(self._sockets):
            self.counters.rebound += await each.rebind()

    def drain(self) -> None:
        """Throw away what has arrived and was not read."""
        for each in self._sockets:
            each.drain()

    @property
    def waiting(self) -> int:
        """How many packets are being delayed."""
        return len(self._queue)

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds too late each of the newest delayed packets was passed on."""
        return self._queue.lateness

    def close(self) -> None:
        """Drop what is delayed; the sockets themselves belong to their connections."""
        self._active.clear()
        self._queue.close()

    def forget(self, closed: FilteredSocket) -> None:
        self._sockets.discard(closed)

    def pass_on(
        self, sock: FilteredSocket, direction: Direction, data: bytes, address: Address
    ) -> None:
        """One datagram of a socket."""
        if direction is Direction.DOWN:
            self.arrived_at = boot_s()
        if not self._active and not self._queue:
            sock.deliver(direction, data, address)
            return
        now, fate = self._queue.now(), _IMMEDIATE
        link = self._link_of(sock)
        if link is not None:
            fate = link.decide(direction, len(data), now)
            self.counters.packets += 1
            if self.on_fate is not None:
                self.on_fate(direction, len(data), now, fate)
        if fate.dropped is not None:
            self.counters.dropped[fate.dropped.value] += 1
            return
        if not self._queue.fits(len(data)):
            self.counters.dropped["memory"] += 1
            return
        counted = fate.delay_s > 0
        self.counters.delayed += counted
        for _ in range(1 + fate.copies):
            packet = _Packet(sock, direction, data, address)
            self._queue.put(packet, len(data), now + fate.delay_s, counted=counted)
        self._queue.settle(now)

    def _link_of(self, sock: FilteredSocket) -> Link | None:
        for link, sockets in reversed(self._active):
            if sockets is None or sock in sockets:
                return link
        return None

    def _on_due(self, packet: _Packet) -> None:
        packet.socket.deliver(packet.direction, packet.data, packet.address)


class FilteredSocket:
    """One socket of a connection (`rtc.socket_filter.SocketFilter`)."""

    def __init__(self, paths: Paths, ends: SocketEnds) -> None:
        self._paths = paths
        self._ends = ends
        self._send = ends.send
        self._second: asyncio.DatagramTransport | None = None
        self._closed = False

    def on_send(self, data: bytes, address: Address) -> None:
        self._paths.pass_on(self, Direction.UP, data, address)

    def on_receive(self, data: bytes, address: Address) -> None:
        if self._second is None:  # else it came to a port that the NAT knows no more
            self._paths.pass_on(self, Direction.DOWN, data, address)

    def on_close(self) -> None:
        self._closed = True
        self._paths.forget(self)
        if self._second is not None:
            self._second.close()

    def deliver(self, direction: Direction, data: bytes, address: Address) -> None:
        """To the network, or to the connection; a socket that is closed gets nothing more."""
        if self._closed:
            return
        if direction is Direction.UP:
            self._paths.passed_at = boot_s()
            self._send(data, address)
        else:
            self._ends.receive(data, address)

    async def rebind(self) -> bool:
        """Go on at another port. False where that cannot be: relayed, closed, no port is free."""
        if self._ends.host is None or self._is_closed():
            return False
        try:
            second, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _SecondSocket(self), local_addr=(self._ends.host, 0)
            )
        except OSError:
            return False
        if self._is_closed():
            second.close()
            return False
        _enlarge(second)
        if self._second is not None:
            self._second.close()
        self._second, self._send = second, second.sendto
        return True

    def _is_closed(self) -> bool:
        return self._closed

    def receive_at_second(self, transport: Any, data: bytes, address: Address) -> None:
        if transport is self._second:
            self._paths.pass_on(self, Direction.DOWN, data, address)

    def drain(self) -> None:
        self._ends.drain()


class _SecondSocket(asyncio.DatagramProtocol):
    """The socket at a new port."""

    def __init__(self, owner: FilteredSocket) -> None:
        self._owner = owner
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        with contextlib.suppress(Exception):  # aioice on malformed STUN; the first socket's hooks
            self._owner.receive_at_second(self._transport, data, (addr[0], addr[1]))


def _enlarge(transport: asyncio.BaseTransport) -> None:
    sock: Any = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
