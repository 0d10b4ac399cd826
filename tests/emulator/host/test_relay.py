"""The relay: it does to every packet what the link decides, and nothing is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from rejoin import assets, tasks
from rejoin.emulator.host.relay import EARLY_S, FLUSH_PACKETS, MAX_FLOWS, Relay, chance_of
from rejoin.netem.link import Cut, Direction, Fate, Lane, Link, NetworkProfile, ProfileStage
from rejoin.netem.network_profile import parse_profile


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


# --- links ----------------------------------------------------------------------------------------

UP, DOWN = Direction.UP, Direction.DOWN
ROUGH = Lane(0.030, 0.010, loss=0.1, burst_enter=0.05, burst_leave=0.4, bandwidth_bps=2_000_000)


def a_profile(up: Lane, down: Lane | None = None) -> NetworkProfile:
    return NetworkProfile("test", stages=(ProfileStage(0.0, up, down or up),))


def a_link(relay: Relay, profile: NetworkProfile, seed: int = 1) -> Link:
    return Link(profile, relay.now(), chance_of(seed))


class Record:
    """What the relay says it decided, by direction."""

    def __init__(self, relay: Relay) -> None:
        self.fates: list[tuple[Direction, int, float, Fate]] = []
        relay.on_fate = lambda *fate: self.fates.append(fate)

    def arrived(self, direction: Direction) -> list[int]:
        """The numbers of the packets that should come out, in order of being sent."""
        mine = [fate for way, _, _, fate in self.fates if way is direction]
        return [number for number, fate in enumerate(mine) if fate.dropped is None]


def numbers(got: asyncio.Queue[tuple[bytes, tuple[str, int]]]) -> list[int]:
    return [int(got.get_nowait()[0][:8]) for _ in range(got.qsize())]


def test_every_packet_on_the_wire_has_the_fate_that_the_link_decided() -> None:
    """Both directions at once; the same seed, asked again, says the same."""

    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            client.transport.sendto(b"hello", door.address)
            _, way = await host.receive()
            profile = a_profile(ROUGH, Lane(0.010, loss=0.3))
            began_at = relay.now()
            link = Link(profile, began_at, chance_of(5))
            record = Record(relay)
            relay.shape(link)
            for number in range(600):
                size = 8 + number % 1200
                client.transport.sendto(b"%08d" % number + bytes(size - 8), door.address)
                host.transport.sendto(b"%08d" % number, way)
                if number % 8 == 0:
                    await asyncio.sleep(0.002)
            await soon(lambda: len(record.fates) == 1200 and not relay.waiting)
            expected = record.arrived(UP), record.arrived(DOWN)
            await soon(lambda: host.got.qsize() >= len(expected[0]))
            await soon(lambda: client.got.qsize() >= len(expected[1]))
            assert numbers(host.got) == expected[0]
            assert numbers(client.got) == expected[1]
            again = Link(profile, began_at, chance_of(5))
            for direction, size, now, fate in record.fates:
                assert again.decide(direction, size, now) == fate
            dropped = sum(fate.dropped is not None for *_, fate in record.fates)
            assert 100 < dropped < 900
            assert relay.counters.dropped == dropped
            assert relay.lateness_s is not None
            assert relay.lateness_s > -2 * EARLY_S
            await relay.close()

    run(test)


def test_timers_which_come_late_are_set_too_early_by_half_of_that() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            relay.shape(a_link(relay, a_profile(Lane(0.050))))
            client.transport.sendto(b"hello", door.address)
            await soon(lambda: relay.waiting > 0)
            assert relay._timer is not None
            assert relay._timer.when() == pytest.approx(relay._delayed[0].due_at - EARLY_S)
            assert await host.receive()
            await relay.close()

    run(test)


def test_what_is_delayed_comes_in_order_and_not_sooner() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            record = Record(relay)
            relay.shape(a_link(relay, a_profile(Lane(0.030, 0.020))))
            began_at = relay.now()
            for number in range(200):
                client.transport.sendto(b"%08d" % number, door.address)
                if number % 20 == 0:
                    await asyncio.sleep(0.001)
            got = [int((await host.receive())[0]) for _ in range(200)]
            took_s = relay.now() - began_at
            assert got == list(range(200))
            last = max(now + fate.delay_s for _, _, now, fate in record.fates)
            assert took_s >= last - began_at - 0.001
            assert relay.counters.delayed == 200
            await relay.close()

    run(test)


def test_packets_overtake_each_other_when_the_lane_says_so() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            relay.shape(a_link(relay, a_profile(Lane(0.050, 0.050, reorder=True))))
            for number in range(50):
                client.transport.sendto(b"%08d" % number, door.address)
            got = [int((await host.receive())[0]) for _ in range(50)]
            assert sorted(got) == list(range(50))
            assert got != sorted(got)
            await relay.close()

    run(test)


def test_a_link_may_be_for_the_flows_that_exist_or_for_all() -> None:
    async def test() -> None:
        relay = Relay()
        dead = NetworkProfile("dead", cut=Cut())
        async with end() as host, end() as old, end() as new:
            door = await relay.open_door(host.address)
            old.transport.sendto(b"hello", door.address)
            await host.receive()
            relay.shape(a_link(relay, dead), existing=True)
            old.transport.sendto(b"lost", door.address)
            new.transport.sendto(b"new", door.address)
            assert (await host.receive())[0] == b"new"
            await soon(lambda: relay.counters.dropped == 1)
            relay.shape(a_link(relay, dead))
            for client in (old, new):
                client.transport.sendto(b"lost", door.address)
            await soon(lambda: relay.counters.dropped == 3)
            relay.unshape()
            for client in (old, new):
                client.transport.sendto(b"again", door.address)
                assert (await host.receive())[0] == b"again"
            await relay.close()

    run(test)


def test_the_path_that_was_laid_decides_where_no_link_does() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            relay.lay(a_link(relay, NetworkProfile("dead", cut=Cut())))
            client.transport.sendto(b"lost", door.address)
            await soon(lambda: relay.counters.dropped == 1)
            relay.shape(a_link(relay, NetworkProfile("clean")))
            client.transport.sendto(b"hello", door.address)
            assert (await host.receive())[0] == b"hello"
            relay.unshape()
            client.transport.sendto(b"lost", door.address)
            await soon(lambda: relay.counters.dropped == 2)
            relay.lay(None)
            client.transport.sendto(b"again", door.address)
            assert (await host.receive())[0] == b"again"
            await relay.close()

    run(test)


def test_a_lifted_link_lets_go_of_everything_in_order() -> None:
    """More than fits in one turn, and what is sent after the lifting comes last."""

    async def test() -> None:
        relay = Relay()
        count = 3 * FLUSH_PACKETS
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            client.transport.sendto(b"hello", door.address)
            await host.receive()
            relay.shape(a_link(relay, a_profile(Lane(30.0, 10.0))))
            for number in range(count):
                client.transport.sendto(b"%08d" % number, door.address)
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await soon(lambda: relay.waiting == count)
            relay.unshape()
            client.transport.sendto(b"%08d" % count, door.address)
            got = [int((await host.receive())[0]) for _ in range(count + 1)]
            assert got == list(range(count + 1))
            assert relay.waiting == 0
            assert relay.lateness_s is None  # what was let go early says nothing of timing
            await relay.close()

    run(test)


def test_a_closing_door_lets_what_is_under_way_arrive() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            client.transport.sendto(b"hello", door.address)
            _, way = await host.receive()
            relay.shape(a_link(relay, a_profile(Lane(0.150))))
            host.transport.sendto(b"goodbye", way)
            await soon(lambda: relay.counters.delayed == 1)
            await door.close()
            assert (await client.receive())[0] == b"goodbye"
            await relay.close()

    run(test)


def test_closing_the_relay_waits_for_nothing() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            relay.shape(a_link(relay, a_profile(Lane(60.0))))
            client.transport.sendto(b"late", door.address)
            await soon(lambda: relay.waiting == 1)
            began_at = relay.now()
            await relay.close()
            assert relay.now() - began_at < 20
            assert relay.waiting == 0
            assert host.got.empty()

    run(test)


def test_after_a_rebind_the_host_sees_another_port_and_the_old_one_is_dead() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            client.transport.sendto(b"one", door.address)
            _, before = await host.receive()
            await relay.rebind()
            host.transport.sendto(b"to the old port", before)
            client.transport.sendto(b"two", door.address)
            data, after = await host.receive()
            assert data == b"two"
            assert after != before
            host.transport.sendto(b"to the new port", after)
            assert (await client.receive())[0] == b"to the new port"
            assert door.flows == 1
            await relay.close()

    run(test)


def test_a_silence_is_also_for_what_is_under_way() -> None:
    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            relay.shape(a_link(relay, a_profile(Lane(0.4))))
            client.transport.sendto(b"under way", door.address)
            await soon(lambda: relay.waiting == 1)
            relay.silence_existing()
            await soon(lambda: relay.waiting == 0)
            assert host.got.empty()
            assert relay.counters.dropped == 1
            await relay.close()

    run(test)


def test_three_thousand_packets_a_second_do_not_pile_up() -> None:
    """Half a second of them through a profile that ships; all arrive that should."""

    async def test() -> None:
        relay = Relay()
        async with end() as host, end() as client:
            door = await relay.open_door(host.address)
            profile = parse_profile("home_wifi", assets.text("profiles/home_wifi.toml"))
            record = Record(relay)
            relay.shape(a_link(relay, profile))
            for number in range(1500):
                client.transport.sendto(b"%08d" % number + bytes(1192), door.address)
                if number % 6 == 5:
                    await asyncio.sleep(0.002)
            await soon(lambda: len(record.fates) == 1500 and not relay.waiting)
            expected = record.arrived(UP)
            await soon(lambda: host.got.qsize() >= len(expected))
            assert numbers(host.got) == expected
            await relay.close()

    run(test)
