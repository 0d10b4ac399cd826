"""The client's datagrams have the fates that the link decided; the model is that of the relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from helpers.leaves_nothing import leaves_nothing
from helpers.udp_endpoint import UdpEndpoint, udp_endpoint
from helpers.waiting import eventually
from rejoin.injector.delay_queue import EARLY_S
from rejoin.injector.faults import Impairment, PathFault, Scope, cut
from rejoin.injector.paths import FilteredSocket, Paths
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Direction, Fate, Lane, Link, NetworkProfile, ProfileStage
from rejoin.rtc.aiortc_seam import Address
from rejoin.rtc.socket_filter import SocketEnds

UP, DOWN = Direction.UP, Direction.DOWN
ROUGH = Lane(0.030, 0.010, loss=0.1, burst_enter=0.05, burst_leave=0.4, bandwidth_bps=2_000_000)


class Client:
    """A client's socket behind a filter."""

    def __init__(self, paths: Paths, endpoint: UdpEndpoint) -> None:
        self.endpoint = endpoint
        self.got: list[bytes] = []
        ends = SocketEnds(endpoint.transport.sendto, self._receive, "127.0.0.1", lambda: None)
        self.filter: FilteredSocket = paths.open_filter(ends)
        self.reading = asyncio.ensure_future(self._read())

    def _receive(self, data: bytes, address: Address) -> None:
        self.got.append(data)

    async def _read(self) -> None:
        while True:
            data, address = await self.endpoint.got.get()
            self.filter.on_receive(data, address)


@asynccontextmanager
async def client_of(paths: Paths) -> AsyncIterator[Client]:
    async with udp_endpoint() as endpoint:
        client = Client(paths, endpoint)
        try:
            yield client
        finally:
            client.reading.cancel()
            client.filter.on_close()
            paths.close()


def numbers(datagrams: list[bytes]) -> list[int]:
    return [int(data[:8]) for data in datagrams]


def got(endpoint: UdpEndpoint) -> list[bytes]:
    return [endpoint.got.get_nowait()[0] for _ in range(endpoint.got.qsize())]


@leaves_nothing
async def test_every_datagram_has_the_fate_that_the_link_decided() -> None:
    """Both directions at once; a second link with the same seed decides the same."""
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as client:
        fates: list[tuple[Direction, int, float, Fate]] = []
        paths.on_fate = lambda *fate: fates.append(fate)
        profile = NetworkProfile("test", stages=(ProfileStage(0.0, ROUGH, Lane(0.010, loss=0.3)),))
        path = paths.begin(PathFault(profile=profile), 5)
        began_at = path.link._began_at
        for number in range(600):
            client.filter.on_send(b"%08d" % number + bytes(number % 1200), host.address)
            host.transport.sendto(b"%08d" % number, client.endpoint.address)
            if number % 8 == 0:
                await asyncio.sleep(0.002)
        await eventually(lambda: len(fates) == 1200 and not paths.waiting)
        arrived = {
            way: [
                number
                for number, fate in enumerate(fate for each, _, _, fate in fates if each is way)
                if fate.dropped is None
            ]
            for way in (UP, DOWN)
        }
        await eventually(lambda: host.got.qsize() >= len(arrived[UP]))
        assert numbers(got(host)) == arrived[UP]
        assert numbers(client.got) == arrived[DOWN]
        again = Link(profile, began_at, chance_of(5))
        for direction, size, now, fate in fates:
            assert again.decide(direction, size, now) == fate
        dropped = sum(fate.dropped is not None for *_, fate in fates)
        assert 100 < dropped < 900
        assert sum(paths.counters.dropped.values()) == dropped
        assert paths.counters.packets == 1200
        assert min(paths.lateness) >= -EARLY_S - 1e-9


@leaves_nothing
async def test_a_dead_path_concerns_existing_sockets_and_a_dead_network_all() -> None:
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as old:
        dead = paths.begin(cut(scope=Scope.EXISTING), 1)
        async with client_of(paths) as new:
            paths_dead = paths.begin  # the filter of `new` was opened later
            old.filter.on_send(b"old", host.address)
            new.filter.on_send(b"new", host.address)
            assert (await host.receive())[0] == b"new"
            everything = paths_dead(cut(), 1)
            new.filter.on_send(b"new", host.address)
            assert paths.counters.dropped["cut"] == 2
            paths.end(everything)
            new.filter.on_send(b"again", host.address)
            assert (await host.receive())[0] == b"again"
            old.filter.on_send(b"old", host.address)
            assert paths.counters.dropped["cut"] == 3, "its own path is still dead"
            paths.end(dead)
            old.filter.on_send(b"old", host.address)
            assert (await host.receive())[0] == b"old"


@leaves_nothing
async def test_one_direction_may_be_cut_alone() -> None:
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as client:
        paths.begin(cut(directions=frozenset({DOWN})), 1)
        assert (paths.arrived_at, paths.passed_at) == (None, None)
        client.filter.on_send(b"hello", host.address)
        await host.receive()
        assert paths.arrived_at is None
        assert paths.passed_at is not None
        host.transport.sendto(b"lost", client.endpoint.address)
        await eventually(lambda: paths.counters.dropped["cut"] == 1)
        assert client.got == []
        assert paths.arrived_at is not None, "it arrived, and was dropped here"


@leaves_nothing
async def test_when_the_last_fault_is_lifted_delayed_datagrams_pass_at_once_and_in_order() -> None:
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as client:
        path = paths.begin(Impairment(delay_s=3600.0).fault(), 1)
        for number in range(5):
            client.filter.on_send(b"%08d" % number, host.address)
        assert paths.waiting == 5
        paths.end(path)
        client.filter.on_send(b"%08d" % 5, host.address)
        assert [int((await host.receive())[0]) for _ in range(6)] == [0, 1, 2, 3, 4, 5]
        assert not paths.waiting


@leaves_nothing
async def test_copies_arrive_and_lifted_sockets_get_nothing() -> None:
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as client:
        paths.begin(Impairment(copies=2).fault(), 1)
        client.filter.on_send(b"three", host.address)
        assert [(await host.receive())[0] for _ in range(3)] == [b"three"] * 3
        client.filter.on_close()
        client.filter.on_send(b"late", host.address)
        client.filter.on_receive(b"late", host.address)
        assert client.got == []


@leaves_nothing
async def test_after_a_rebind_the_host_sees_another_port_and_the_old_one_is_dead() -> None:
    paths = Paths()
    async with udp_endpoint() as host, client_of(paths) as client:
        client.filter.on_send(b"one", host.address)
        _, before = await host.receive()
        await paths.rebind()
        assert paths.counters.rebound == 1
        client.filter.on_send(b"two", host.address)
        data, after = await host.receive()
        assert data == b"two"
        assert after[0] == before[0]
        assert after[1] != before[1]
        host.transport.sendto(b"to the old port", before)
        host.transport.sendto(b"to the new port", after)
        await eventually(lambda: bool(client.got))
        assert client.got == [b"to the new port"]
        await paths.rebind()
        client.filter.on_send(b"three", host.address)
        assert (await host.receive())[1] not in (before, after)


@leaves_nothing
async def test_a_relayed_socket_is_not_rebound() -> None:
    paths = Paths()
    relayed = paths.open_filter(SocketEnds(lambda *_: None, lambda *_: None, None, lambda: None))
    await paths.rebind()
    assert paths.counters.rebound == 0
    relayed.on_close()
    paths.close()
