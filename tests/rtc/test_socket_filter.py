"""A filter stands before a socket of aioice, and gets every datagram of it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

from aioice.ice import Connection, StunProtocol

from helpers.gathered_connection import LOOPBACK, GatheredConnection
from helpers.leaves_nothing import leaves_nothing
from helpers.udp_endpoint import UdpEndpoint, udp_endpoint
from helpers.waiting import eventually
from rejoin.rtc.aiortc_seam import Address
from rejoin.rtc.socket_filter import SocketEnds, put_between


class Filter:
    """Counts, and passes on what does not begin with an x."""

    def __init__(self, ends: SocketEnds) -> None:
        self.ends = ends
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.closed = 0

    def on_send(self, data: bytes, address: Address) -> None:
        self.sent.append(data)
        if not data.startswith(b"x"):
            self.ends.send(data, address)

    def on_receive(self, data: bytes, address: Address) -> None:
        self.received.append(data)
        if not data.startswith(b"x"):
            self.ends.receive(data, address)

    def on_close(self) -> None:
        self.closed += 1


def kept(made: Filter, into: list[Filter]) -> Filter:
    into.append(made)
    return made


async def a_socket() -> tuple[StunProtocol, list[bytes]]:
    """One of aioice's sockets, and what reaches it past a filter."""
    loop = asyncio.get_running_loop()
    reached: list[bytes] = []
    _, protocol = await loop.create_datagram_endpoint(
        lambda: StunProtocol(Connection(ice_controlling=True)), local_addr=("127.0.0.1", 0)
    )
    setattr(protocol, "datagram_received", lambda data, address: reached.append(data))  # noqa: B010
    return protocol, reached


def address_of(protocol: StunProtocol) -> Address:
    return cast(Address, protocol.transport.get_extra_info("sockname")[:2])


@leaves_nothing
async def test_both_directions_pass_the_filter_which_may_drop_them() -> None:
    async with udp_endpoint() as host:
        protocol, reached = await a_socket()
        made: list[Filter] = []
        put_between(protocol, partial(_make, made))
        await protocol.send_data(b"x lost", host.address)
        await protocol.send_data(b"hello", host.address)
        assert (await host.receive())[0] == b"hello"
        assert made[0].sent == [b"x lost", b"hello"]
        host.transport.sendto(b"x lost", address_of(protocol))
        host.transport.sendto(b"back", address_of(protocol))
        await eventually(lambda: len(made[0].received) == 2)
        assert reached == [b"back"]
        assert made[0].ends.host == "127.0.0.1"
        await protocol.close()
        assert made[0].closed == 1
        assert protocol.transport.is_closing()


@leaves_nothing
async def test_what_was_not_read_can_be_thrown_away() -> None:
    async with udp_endpoint() as host:
        protocol, reached = await a_socket()
        made: list[Filter] = []
        put_between(protocol, partial(_make, made))
        for _ in range(20):
            host.transport.sendto(b"while asleep", address_of(protocol))
        made[0].ends.drain()  # before the loop reads one
        host.transport.sendto(b"awake", address_of(protocol))
        await eventually(lambda: b"awake" in reached)
        assert reached == [b"awake"]
        await protocol.close()


def _make(made: list[Filter], ends: SocketEnds) -> Filter:
    return kept(Filter(ends), made)


async def test_the_sockets_of_a_connection_have_a_filter_only_where_one_is_given() -> None:
    for given in (False, True):
        gathered = GatheredConnection(LOOPBACK)
        made: list[Filter] = []
        make = partial(_make, made)
        gathered.transport.use(None, make if given else None)
        await gathered.pc.setLocalDescription()
        [protocol] = gathered.connection._protocols
        async with udp_endpoint() as host:
            await _reaches(protocol, host)
        assert len(made) == given
        kind: Any = type(protocol.transport).__name__
        assert (kind == "_FilteredTransport") is given, "without one nothing stands in between"
        await gathered.pc.close()
        await gathered.transport.close()


async def _reaches(protocol: StunProtocol, host: UdpEndpoint) -> None:
    await protocol.send_data(b"hello", host.address)
    assert (await host.receive())[0] == b"hello"
