"""The relay: both directions pass, both directions can be cut, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from rejoin import tasks
from rejoin.emulator.relay import MAX_FLOWS, Relay


async def soon(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came about")


class End(asyncio.DatagramProtocol):
    """One UDP socket of a test."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.got.put_nowait((data, addr))

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        return await asyncio.wait_for(self.got.get(), 10)


@contextlib.asynccontextmanager
async def end() -> AsyncIterator[End]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(End, local_addr=("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        transport.close()
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def guarded() -> None:
        async with asyncio.timeout(30):
            await test()
        assert not tasks.alive()

    asyncio.run(guarded())


def test_each_client_has_its_own_way_to_the_host_and_back() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as one, end() as two:
            door = await relay.open_door(host.address)
            for client, words in ((one, b"one"), (two, b"two")):
                client.transport.sendto(words, door.address)
                data, way = await host.receive()
                assert data == words
                host.transport.sendto(b"to " + data, way)
                back, source = await client.receive()
                assert back == b"to " + words
                assert source == door.address
            assert door.flows == 2
            assert (relay.counters.up, relay.counters.down) == (2, 2)
            assert (relay.counters.up_bytes, relay.counters.down_bytes) == (6, 12)
            assert relay.granted_bytes is not None
            assert relay.granted_bytes > 0
            await relay.close()

    run(test)


def test_silence_drops_both_directions_of_what_exists() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as old, end() as new:
            door = await relay.open_door(host.address)
            old.transport.sendto(b"hello", door.address)
            _, way = await host.receive()
            relay.silence_existing()
            old.transport.sendto(b"lost up", door.address)
            host.transport.sendto(b"lost down", way)
            new.transport.sendto(b"new", door.address)
            assert (await host.receive())[0] == b"new"
            assert old.got.empty()
            assert relay.counters.dropped == 2

            relay.all_silent = True
            new.transport.sendto(b"lost too", door.address)
            await soon(lambda: relay.counters.dropped >= 3)
            relay.speak()
            old.transport.sendto(b"again", door.address)
            assert (await host.receive())[0] == b"again"
            await relay.close()

    run(test)


def test_many_packets_at_once_come_through_in_order() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            for number in range(60):
                client.transport.sendto(b"%d" % number, door.address)
            got = [int((await host.receive())[0]) for _ in range(60)]
            assert got == list(range(60))
            await relay.close()

    run(test)


def test_ports_come_from_the_range_while_it_lasts() -> None:
    async def test() -> None:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            probe.bind(("127.0.0.1", 0))
            taken = probe.getsockname()[1]
            relay = Relay((taken, taken))
            door = await relay.open_door(("127.0.0.1", 9))
            assert door.address[1] not in (0, taken)
            await relay.close()
        relay = Relay((taken, taken))
        door = await relay.open_door(("127.0.0.1", 9))
        assert door.address == ("127.0.0.1", taken)
        await relay.close()

    run(test)


def test_strangers_cannot_open_flows_without_end() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host:
            door = await relay.open_door(host.address)
            with contextlib.ExitStack() as stack:
                for _ in range(MAX_FLOWS + 3):
                    stranger = stack.enter_context(
                        contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    )
                    stranger.sendto(b"knock", door.address)
                await soon(lambda: relay.counters.dropped >= 3)
            assert door.flows == MAX_FLOWS
            await relay.close()
            assert door.flows == 0

    run(test)


@pytest.mark.parametrize("flows", [0, 1, 5])
def test_closing_leaves_no_socket(flows: int) -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host:
            door = await relay.open_door(host.address)
            with contextlib.ExitStack() as stack:
                for _ in range(flows):
                    client = stack.enter_context(
                        contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    )
                    client.sendto(b"hello", door.address)
                await soon(lambda: door.flows >= flows)
                await door.close()
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
                probe.bind(door.address)  # free again
            await door.close()  # twice is fine
            await relay.close()

    run(test)
