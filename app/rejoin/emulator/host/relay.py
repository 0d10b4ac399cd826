"""The UDP relay in front of every host: all packets of all clients pass it, as `core.link` decides.

A door is a socket towards clients, one for each connection of a host; its address is the only
candidate of that connection's answer. Each client address that knocks becomes a flow with a socket
of its own towards the host, so that the host sees one peer per flow, as behind a NAT. Silence drops
both directions, STUN included, for the flows that exist now or for all of them; a link put on
(`shape`) drops and delays what it decides, and what it delays waits in one queue by its time.

Timers of an event loop wake up to a millisecond late (Windows: 16), so they are set `EARLY_S` too
early, and what is due within that is sent at once: delays are right within a millisecond and their
error has no bias. The relay tells how far it was off (`Relay.lateness_s`).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
import socket
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, cast

from rejoin import tasks
from rejoin.errors import PortInUseError
from rejoin.netem.link import Chance, Direction, Fate, Link

LOOPBACK = "127.0.0.1"
BUFFER_BYTES = 4 << 20
"""Asked for; the kernel may grant less (`net.core.rmem_max`), which `Relay.granted_bytes` tells."""
MAX_FLOWS = 32
"""Per door. More client addresses than this are no clients of ours, and are dropped."""

MAX_WAITING = 64
MAX_DELAYED_BYTES = 64 << 20
"""What may wait for its time in all: 20 s at 25 Mbit/s. More is dropped and counted."""
EARLY_S = 0.0005
FLUSH_PACKETS = 64
FLUSH_PAUSE_S = 0.001
"""No more than so many packets are sent in one turn of the event loop, and a millisecond lies
between turns: a second's packets at once would overflow the sockets behind the relay."""
LATENESS_KEPT = 4096
LINGER_S = 2.0

Address = tuple[str, int]


@dataclass(slots=True)
class RelayCounters:
    """Datagrams since the relay began; up is from client to host."""

    up: int = 0
    down: int = 0
    up_bytes: int = 0
    down_bytes: int = 0
    dropped: int = 0
    """By a silence, a link, or because there is no room."""
    delayed: int = 0
    flows: int = 0
    rebound: int = 0
    """Flows that the host saw at a new port."""


def chance_of(seed: int) -> Chance:
    """Streams of chance that are the same for the same seed, on every machine."""
    return lambda name: random.Random(f"{seed} {name}").random


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
        self.link: Link | None = None
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
        self.closed = False
        self._on_the_way = 0
        self._all_arrived = asyncio.Event()
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

    def shape(self, link: Link | None) -> None:
        """Put a link on the flows that exist now, or take it off."""
        for flow in self._flows.values():
            flow.link = link

    async def rebind(self) -> None:
        """The NAT forgets: the host sees every flow that exists now at a new port."""
        for flow in list(self._flows.values()):
            former = flow.upstream
            if self.closed or former is None:
                continue
            flow.upstream = None
            flow.opening = tasks.spawn(self._open_upstream(flow), name="emulator-relay-flow")
            await former.close()
            self._relay.counters.rebound += 1
            await asyncio.wait([flow.opening])

    def held_back(self) -> None:
        """A packet of this door is on its way through a link."""
        self._on_the_way += 1
        self._all_arrived.clear()

    def let_go(self) -> None:
        """It is no longer."""
        self._on_the_way -= 1
        if not self._on_the_way:
            self._all_arrived.set()

    async def close(self) -> None:
        """Close every socket; when this returns none is left.

        What is on its way through a link arrives first (the host's goodbye, say), for `LINGER_S`
        at most; nothing new is taken.
        """
        if self.closed:
            return
        self.closed = True
        if self._on_the_way:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_arrived.wait(), LINGER_S)
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
            if self.closed or len(self._flows) >= MAX_FLOWS:
                self._relay.counters.dropped += 1
                return
            flow = self._flows[client] = _Flow(client)
            self._relay.counters.flows += 1
            flow.opening = tasks.spawn(self._open_upstream(flow), name="emulator-relay-flow")
        self._relay._carry(self, flow, Direction.UP, data)

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
        self._relay._carry(self, flow, Direction.DOWN, data)

    def send(self, flow: _Flow, direction: Direction, data: bytes) -> None:
        """Let a packet go on to the other side, now."""
        counters = self._relay.counters
        if direction is Direction.DOWN:
            counters.down += 1
            counters.down_bytes += len(data)
            if self._front is not None:
                self._front.send(data, flow.client)
            return
        counters.up += 1
        counters.up_bytes += len(data)
        if flow.upstream is not None:
            flow.upstream.send(data)
        elif len(flow.waiting) < MAX_WAITING:
            flow.waiting.append(data)


class _Delayed(NamedTuple):
    """A packet on its way through the link; in a heap the sooner one comes first."""

    due_at: float
    number: int
    """Of the packet, so that no two compare equal."""
    door: Door
    flow: _Flow
    direction: Direction
    data: bytes
    counted: bool
    """Whether the moment it is sent at says something about the relay's timing."""


class Relay:
    """The doors of one host, and the cuts that can be made."""

    def __init__(self, ports: tuple[int, int] = (0, 0)) -> None:
        """`ports`: first and last port for doors, tried in order; then, or with 0, any port."""
        self._ports = ports
        self._doors: set[Door] = set()
        self.counters = RelayCounters()
        self.all_silent = False
        """Nothing passes, whatever flow it belongs to."""
        self.on_fate: Callable[[Direction, int, float, Fate], None] | None = None
        """Told of every decision of a link: direction, bytes, time of `now`, fate."""
        self._link: Link | None = None
        self._path: Link | None = None
        self._delayed: list[_Delayed] = []
        self._delayed_bytes = 0
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._paused_until = 0.0
        self._lateness: deque[float] = deque(maxlen=LATENESS_KEPT)
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

    @staticmethod
    def now() -> float:
        """The clock of the links: seconds of the event loop's own."""
        return asyncio.get_running_loop().time()

    def shape(self, link: Link, *, existing: bool = False) -> None:
        """Let this link decide over every flow, or over those that exist now; it goes by `now()`.

        It takes the place of a link put on before.
        """
        self.unshape()
        if existing:
            for door in self._doors:
                door.shape(link)
        else:
            self._link = link

    def lay(self, path: Link | None) -> None:
        """Let this link decide over every flow that no link was put on; None: nothing is done.

        Unlike those of `shape` it stays until another is laid.
        """
        self._path = path

    def unshape(self) -> None:
        """Take every link of `shape` off. What is on its way arrives at once, in its order."""
        self._link = None
        for door in self._doors:
            door.shape(None)
        if self._delayed:
            now = self.now()
            self._delayed = [
                each._replace(due_at=now, number=number, counted=False)
                for number, each in enumerate(sorted(self._delayed), -len(self._delayed))
            ]
            self._flush()

    async def rebind(self) -> None:
        """The NAT forgets: the host sees every flow that exists now at a new port."""
        for door in list(self._doors):
            await door.rebind()

    @property
    def waiting(self) -> int:
        """Packets on their way through a link."""
        return len(self._delayed)

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds later than decided each of the newest delayed packets was sent."""
        return tuple(self._lateness)

    @property
    def lateness_s(self) -> float | None:
        """The median of `lateness`."""
        return statistics.median(self._lateness) if self._lateness else None

    def speak(self) -> None:
        """Lift every silence."""
        self.all_silent = False
        for door in self._doors:
            door.silence(False)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        for each in self._delayed:
            each.door.let_go()
        self._delayed.clear()
        self._delayed_bytes = 0
        for door in list(self._doors):
            await door.close()

    def _carry(self, door: Door, flow: _Flow, direction: Direction, data: bytes) -> None:
        if flow.silent or self.all_silent or door.closed:
            self.counters.dropped += 1
            return
        link = flow.link or self._link or self._path
        if link is None and not self._delayed:
            door.send(flow, direction, data)
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
        self._delayed_bytes += len(data)
        heapq.heappush(
            self._delayed,
            _Delayed(now + fate.delay_s, next(self._numbers), door, flow, direction, data, counted),
        )
        door.held_back()
        if self._delayed[0].due_at <= now + EARLY_S and now >= self._paused_until:
            self._flush()
        else:
            self._set_timer()

    def _flush(self) -> None:
        """Send what is due, in order, and come back for the rest."""
        now = self.now()
        for _ in range(FLUSH_PACKETS):
            if not self._delayed or self._delayed[0].due_at > now + EARLY_S:
                break
            each = heapq.heappop(self._delayed)
            each.door.let_go()
            self._delayed_bytes -= len(each.data)
            if each.counted:
                self._lateness.append(now - each.due_at)
            if each.flow.silent or self.all_silent:
                self.counters.dropped += 1
            else:
                each.door.send(each.flow, each.direction, each.data)
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
        self._timer = asyncio.get_running_loop().call_at(wake_at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self.now() < self._paused_until:
            self._set_timer()
        else:
            self._flush()

    def _enlarge(self, transport: asyncio.DatagramTransport) -> None:
        sock = transport.get_extra_info("socket")
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            size = BUFFER_BYTES
            while size:
                try:
                    sock.setsockopt(socket.SOL_SOCKET, option, size)
                except OSError:
                    size //= 2  # macOS refuses what Linux cuts down by itself.
                else:
                    break
        granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        known = self.granted_bytes
        self.granted_bytes = granted if known is None else min(known, granted)
